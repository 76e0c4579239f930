"""Who may change a job: whoever made it and still holds what its kind asks for, and those who manage everybody's."""

from pydantic import BaseModel
from sqlalchemy import select

from portal.access.policy import may, require
from portal.auth.models import User
from portal.jobs.kinds import AnyKind
from portal.jobs.models import Job
from portal.jobs.undo_kind import kind_of
from portal.kernel.actor import Actor
from portal.kernel.db import db

MANAGE_PERMISSION = "portal.jobs.manage"
RELEASE_PERMISSION = "portal.jobs.release"


def changeable(job: Job, actor: Actor) -> tuple[AnyKind, BaseModel]:
    """Return the job's kind and parameters when the actor may start, stop, repeat and undo it.

    Raises:
        Forbidden: without the kind's permission, or for somebody else's job without ``portal.jobs.manage``.
        NotFound: when no loaded plugin declares the kind.
    """
    kind = kind_of(job)
    params = kind.Params.model_validate(job.params)
    if actor.user_id is None or actor.user_id != job.actor_user_id:
        require(actor, MANAGE_PERMISSION)
    require(actor, kind.permission(params))
    return kind, params


def may_change(job: Job, actor: Actor) -> bool:
    """Say whether :func:`changeable` would let the actor through; for buttons."""
    own = actor.user_id is not None and actor.user_id == job.actor_user_id
    if not own and not may(actor, MANAGE_PERMISSION):
        return False
    kind = kind_of(job)
    return may(actor, kind.permission(kind.Params.model_validate(job.params)))


def is_second_person(job: Job, actor: Actor) -> bool:
    """Say whether the actor is a person, and neither made the job nor asked for its start. One statement.

    A service account is nobody: whoever makes its tokens could release a job of their own by one.
    """
    if actor.user_id is None or actor.user_id in (job.actor_user_id, job.release_asked_by_id):
        return False
    return not db.session.scalar(select(User.is_service).where(User.id == actor.user_id))
