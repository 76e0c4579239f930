"""The inspector: everything about one learner, found by account or by student key."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import request
from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload, selectinload

from plugins.enrollments.admin.words import TONES, titles
from plugins.enrollments.api.inputs import current_settings, is_storable_key, normaliser
from plugins.enrollments.models import (
    CourseAccessRole,
    CourseEnrollment,
    ProgramCourseEnrollment,
    ProgramEnrollment,
)
from portal.sdk import ExternalIdentity, User, db, sign_in_key
from portal.sdk.web import PortalView, expose

#: Of each list on the page.
MOST_ROWS = 200


@dataclass(frozen=True, kw_only=True)
class Inspected:
    """What is known of the people that were looked for."""

    users: Sequence[User]
    identities: Sequence[ExternalIdentity]
    enrollments: Sequence[ProgramEnrollment]
    courses: Sequence[CourseEnrollment]
    roles: Sequence[CourseAccessRole]

    @property
    def is_empty(self) -> bool:
        return not (self.users or self.enrollments)


class InspectorView(PortalView):
    """One learner at a glance."""

    @expose("/")
    def index(self) -> Any:
        """Show who has this sign-in name, e-mail address or student key."""
        wanted = request.args.get("q", "").strip()
        found = inspect(wanted) if wanted and is_storable_key(wanted) else None
        programs = titles({item.program_uuid for item in found.enrollments}) if found else {}
        return self.render(
            "enrollments/inspector.html", q=wanted[:255], found=found, programs=programs, tones=TONES
        )


def inspect(wanted: str) -> Inspected:
    """Return everything about the learners with this sign-in name, e-mail or student key. At most seven statements."""
    form = normaliser(current_settings())(wanted)
    by_key = select(ProgramEnrollment.user_id).where(
        ProgramEnrollment.external_key == form, ProgramEnrollment.user_id.is_not(None)
    )
    by_identity = select(ExternalIdentity.user_id).where(ExternalIdentity.external_id == wanted)
    people = or_(
        User.sign_in_key == sign_in_key(wanted),
        User.email == wanted,
        User.id.in_(by_key),
        User.id.in_(by_identity),
    )
    users = db.session.scalars(select(User).where(people).order_by(User.id).limit(MOST_ROWS)).all()
    ids = [user.id for user in users]
    learners = (
        select(ProgramEnrollment)
        .options(
            joinedload(ProgramEnrollment.user),
            selectinload(ProgramEnrollment.course_rows).joinedload(ProgramCourseEnrollment.course_enrollment),
        )
        .where(or_(ProgramEnrollment.external_key == form, ProgramEnrollment.user_id.in_(ids)))
        .order_by(ProgramEnrollment.id)
        .limit(MOST_ROWS)
    )
    return Inspected(
        users=users,
        identities=_of(ExternalIdentity, ids),
        enrollments=db.session.scalars(learners).all(),
        courses=_of(CourseEnrollment, ids),
        roles=_of(CourseAccessRole, ids),
    )


def _of(model: Any, user_ids: Sequence[int]) -> Sequence[Any]:
    return db.session.scalars(
        select(model).where(model.user_id.in_(user_ids)).order_by(model.id).limit(MOST_ROWS)
    ).all()
