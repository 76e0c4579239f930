"""What people chose for the columns of their sheets, remembered per kind of job and person."""

import uuid
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint, delete, insert, select
from sqlalchemy.orm import Mapped, mapped_column

from portal.jobs.sheets.columns import plain_name
from portal.kernel.actor import Actor
from portal.kernel.clock import utc_now
from portal.kernel.db import Base, db
from portal.kernel.ids import new_id

_NAME_CHARACTERS = 200


class ColumnMapping(Base):
    """One person's sheets call a field of a kind like this; ``field`` is ``ignore`` for what is not read."""

    __tablename__ = "portal_column_mapping"
    __audited__ = False
    __table_args__ = (UniqueConstraint("kind", "user_id", "column_name"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    kind: Mapped[str] = mapped_column(String(120))
    user_id: Mapped[int] = mapped_column(ForeignKey("portal_user.id", ondelete="CASCADE"), index=True)
    #: In its plain form: without capitals, accents, spaces and signs.
    column_name: Mapped[str] = mapped_column(String(_NAME_CHARACTERS))
    field: Mapped[str] = mapped_column(String(120))
    chosen_at: Mapped[datetime] = mapped_column(default=utc_now)


def remembered_columns(kind_name: str, actor: Actor) -> dict[str, str]:
    """Return plain column name → field as the actor chose it before; empty for the system. One statement."""
    if actor.user_id is None:
        return {}
    found = select(ColumnMapping.column_name, ColumnMapping.field)
    mine = found.where(ColumnMapping.kind == kind_name, ColumnMapping.user_id == actor.user_id)
    return {row.column_name: row.field for row in db.session.execute(mine)}


def remember_columns(kind_name: str, actor: Actor, mapping: Mapping[str, str]) -> None:
    """Remember what the actor chose for each column of a sheet. Needs an open transaction; two statements."""
    names = {plain_name(column)[:_NAME_CHARACTERS]: field for column, field in mapping.items()}
    if actor.user_id is None or not names:
        return
    mine = (ColumnMapping.kind == kind_name, ColumnMapping.user_id == actor.user_id)
    db.session.execute(
        delete(ColumnMapping)
        .where(*mine, ColumnMapping.column_name.in_(names))
        .execution_options(synchronize_session=False)
    )
    now = utc_now()
    rows = [
        {
            "id": new_id(),
            "kind": kind_name,
            "user_id": actor.user_id,
            "column_name": name,
            "field": field,
            "chosen_at": now,
        }
        for name, field in names.items()
    ]
    db.session.execute(insert(ColumnMapping), rows)
