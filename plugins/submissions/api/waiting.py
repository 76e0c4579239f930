"""Which entries of a grader's queue wait, and how many."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, func, or_, select

from plugins.submissions.api.inputs import word
from plugins.submissions.api.sessions import reads
from plugins.submissions.api.shapes import IS_ACTIVE
from plugins.submissions.models import GraderEntry, GraderState, Submission
from plugins.submissions.settings import SubmissionsSettings
from portal.sdk import get_settings, utc_now


def is_free(now: datetime) -> ColumnElement[bool]:
    """Return the condition that an entry may be handed out; what was cleared meanwhile is not graded."""
    waits = GraderEntry.status.in_((GraderState.PENDING, GraderState.RETRY))
    ended = and_(GraderEntry.status == GraderState.PULLED, GraderEntry.lease_until < now)
    return and_(or_(waits, ended), IS_ACTIVE)


def waiting(queue_name: str) -> int:
    """Return how many entries of a queue could be handed out now."""
    statement = (
        select(func.count())
        .select_from(GraderEntry)
        .join(Submission, Submission.id == GraderEntry.submission_id)
        .where(GraderEntry.queue_name == word(queue_name), is_free(utc_now()))
    )
    with reads() as connection:
        return int(connection.execute(statement).scalar_one())


def queue_length(queue_name: str) -> int:
    """Return how many pending entries of a queue have waited longer than the delay of the settings."""
    delay = timedelta(minutes=get_settings(SubmissionsSettings).queue_delay_minutes)
    statement = (
        select(func.count())
        .select_from(GraderEntry)
        .where(
            GraderEntry.queue_name == word(queue_name),
            GraderEntry.status == GraderState.PENDING,
            GraderEntry.status_time < utc_now() - delay,
        )
    )
    with reads() as connection:
        return int(connection.execute(statement).scalar_one())
