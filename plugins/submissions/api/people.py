"""Which student ids are whose: by the keys of another system that users are tied to, or by the names they sign in with."""

from collections.abc import Collection

from sqlalchemy import select

from plugins.submissions.settings import SubmissionsSettings
from portal.sdk import ExternalIdentity, User, db, get_settings


def student_ids_of(user_ids: Collection[int]) -> dict[str, int]:
    """Return student id → user, for up to 500 users; one statement.

    The settings say which system's keys the student ids are. Its keys are one user's each, and so are the names that
    people sign in with, so nobody is given what somebody else handed in.
    """
    provider = get_settings(SubmissionsSettings).student_id_system.strip()
    statement = select(User.sign_in_name, User.id).where(User.id.in_(user_ids)).order_by(User.id)
    if provider:
        statement = (
            select(ExternalIdentity.external_id, ExternalIdentity.user_id)
            .where(ExternalIdentity.provider == provider, ExternalIdentity.user_id.in_(user_ids))
            .order_by(ExternalIdentity.user_id, ExternalIdentity.external_id)
        )
    return {row[0]: row[1] for row in db.session.execute(statement)}
