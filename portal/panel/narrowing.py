"""What the core takes away from lists: without “see everybody's jobs” only one's own."""

from sqlalchemy.sql.elements import ColumnElement

from portal.access.policy import may
from portal.jobs.models import Job
from portal.kernel.actor import Actor
from portal.panel.permissions import JOBS_VIEW_ALL


def narrow_rows(actor: Actor, permission: str, model: type) -> ColumnElement[bool] | None:
    """Return the condition on jobs that the actor may see, or None."""
    if model is Job and not may(actor, JOBS_VIEW_ALL):
        return Job.actor_user_id == actor.user_id
    return None
