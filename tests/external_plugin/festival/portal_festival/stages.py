"""Reading and writing stages; nothing here commits."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import delete, func, insert, select

from portal.sdk import User, db, emit_notice
from portal_festival.models import Stage


def add_stages(titles: Sequence[str]) -> None:
    """Add stages; needs an open transaction."""
    db.session.execute(insert(Stage), [{"title": title} for title in titles])
    emit_notice("festival_stages_added", event=titles)


def remove_stages(titles: Sequence[str]) -> None:
    """Remove the stages with these titles; needs an open transaction."""
    db.session.execute(delete(Stage).where(Stage.title.in_(titles)))


def count_stages() -> int:
    """Return how many there are."""
    return db.session.scalar(select(func.count()).select_from(Stage)) or 0


def stages_of(user_ids: Sequence[int]) -> Mapping[int, Mapping[str, Any]]:
    """Return user id → the stage that bears the user's sign-in name."""
    statement = (
        select(User.id, Stage.title)
        .join(Stage, Stage.title == User.sign_in_name)
        .where(User.id.in_(user_ids))
    )
    return {user_id: {"Festival": {"stage": title}} for user_id, title in db.session.execute(statement)}
