"""``/api/program_enrollments/v1/`` for people: the programs they may read, and their own course runs in a program."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask import Response, jsonify, request
from pydantic import BaseModel, ConfigDict, Field, RootModel
from sqlalchemy import exists, func, or_, select

from plugins.enrollments.models import (
    CourseAccessRole,
    CourseEnrollment,
    CourseRun,
    Curriculum,
    CurriculumCourse,
    Program,
    ProgramEnrollment,
)
from plugins.enrollments.models.vocabulary import CURRENT_STATUSES, ProgramEnrollmentStatus
from plugins.enrollments.permissions import ENROLLMENTS_VIEW
from plugins.enrollments.rest.blueprints import classic
from plugins.enrollments.rest.paging import ClassicList, ClassicPage, classic_page
from plugins.enrollments.rest.places import courses_of, need_program
from portal.sdk import Forbidden, User, current_actor, db, may, utc_now
from portal.sdk.rest import SIGNED_IN, api_route, order_of

USUAL_RUNS, MOST_RUNS = 10, 25
#: Roles in a course run that show its programs.
TEACHING = ("staff", "instructor")
#: Modes of people who study for a degree; an auditor's run is no part of it.
STUDY_MODES = (
    "masters",
    "verified",
    "executive-education",
    "paid-executive-education",
    "unpaid-executive-education",
    "paid-bootcamp",
    "unpaid-bootcamp",
)


class TypeQuery(BaseModel):
    """Which programs are listed."""

    model_config = ConfigDict(extra="ignore")

    type: str = Field("masters", max_length=40, description="Type of program.")


class ProgramIdOut(BaseModel):
    """A program."""

    uuid: uuid.UUID
    slug: str


class ProgramIdsOut(RootModel[list[ProgramIdOut]]):
    """Programs, each once."""


class RunOut(BaseModel):
    """A course run of the learner."""

    course_run_id: str
    display_name: str
    course_run_url: str
    start_date: str | None
    end_date: str | None
    course_run_status: str = Field(description="in_progress, upcoming or completed.")
    due_dates: list[dict[str, str]] | None = Field(
        None, description="Of runs in progress only; empty, because the portal keeps no dates of assignments."
    )


class OverviewOut(BaseModel):
    """All course runs of a learner in a program."""

    course_runs: list[RunOut]


class RunsOut(ClassicList):
    """A page of the course runs of a learner in a program."""

    results: list[RunOut]


@classic.get("/programs/readonly_access/")
@api_route(SIGNED_IN, query=TypeQuery, answer=ProgramIdsOut)
def list_readable_programs(query: TypeQuery) -> Response:
    """List the programs that the caller works for or studies in."""
    return jsonify(_readable(query.type))


@classic.get("/programs/enrollments/")
@api_route(SIGNED_IN, query=TypeQuery, answer=ProgramIdsOut)
def list_own_programs(query: TypeQuery) -> Response:
    """List the programs that the caller works for or studies in."""
    return jsonify(_readable(query.type))


@classic.get("/programs/<uuid:program_uuid>/overview/")
@api_route(SIGNED_IN, answer=OverviewOut)
def show_overview(program_uuid: uuid.UUID) -> Response:
    """Show the caller's course runs in a program, without pages."""
    user = _need_learner(program_uuid)
    rows = db.session.scalars(_runs(user, program_uuid).order_by(CourseRun.id)).all()
    return jsonify({"course_runs": _shown(rows)})


@classic.get("/users/<username>/programs/<uuid:program_uuid>/courses", strict_slashes=False)
@api_route(SIGNED_IN, query=ClassicPage, answer=RunsOut)
def list_own_runs(username: str, program_uuid: uuid.UUID, query: ClassicPage) -> Response:
    """List the caller's course runs in a program."""
    user = _need_learner(program_uuid)
    if user.sign_in_name != username:
        raise _refused("You may only see your own course runs.")
    statement = _runs(user, program_uuid)
    page = classic_page(statement, order_of(CourseRun), _shown, usual=USUAL_RUNS, most=MOST_RUNS)
    return jsonify(page)


def _readable(kind: str) -> list[dict[str, str]]:
    actor, of_kind = current_actor(), func.lower(Program.type) == kind.lower()
    if may(actor, ENROLLMENTS_VIEW):
        condition: Any = of_kind
    else:
        taught = exists().where(
            CourseAccessRole.user_id == actor.user_id,
            CourseAccessRole.role.in_(TEACHING),
            CourseAccessRole.course_key == CurriculumCourse.course_key,
            CourseAccessRole.course_key.not_like("ccx-v1:%"),
            CurriculumCourse.curriculum_id == Curriculum.id,
            Curriculum.program_id == Program.id,
        )
        studied = exists().where(
            ProgramEnrollment.user_id == actor.user_id,
            ProgramEnrollment.program_uuid == Program.id,
            ProgramEnrollment.status.in_(sorted(CURRENT_STATUSES)),
        )
        condition = or_(taught & of_kind, studied)
    rows = db.session.execute(select(Program.id, Program.slug).where(condition).order_by(Program.id))
    return [{"uuid": str(row.id), "slug": row.slug} for row in rows]


def _need_learner(program_uuid: uuid.UUID) -> User:
    """Return the caller, who is enrolled in the program.

    Raises:
        PlaceMissing: there is no such program.
        Forbidden: the caller is not enrolled in it; pending is not enough.
    """
    need_program(program_uuid)
    enrolled = select(User).where(
        User.id == current_actor().user_id,
        exists().where(
            ProgramEnrollment.user_id == User.id,
            ProgramEnrollment.program_uuid == program_uuid,
            ProgramEnrollment.status == ProgramEnrollmentStatus.ENROLLED.value,
        ),
    )
    user: User | None = db.session.scalar(enrolled)
    if user is None:
        raise _refused("You are not enrolled in this program.")
    return user


def _refused(message: str) -> Forbidden:
    return Forbidden("not-enrolled", message)


def _runs(user: User, program_uuid: uuid.UUID) -> Any:
    return select(CourseRun).where(
        CourseRun.course_key.in_(courses_of(program_uuid)),
        exists().where(
            CourseEnrollment.user_id == user.id,
            CourseEnrollment.course_key == CourseRun.course_key,
            CourseEnrollment.is_active,
            CourseEnrollment.mode.in_(STUDY_MODES),
        ),
    )


def _shown(rows: Sequence[CourseRun]) -> list[dict[str, Any]]:
    now = utc_now()
    return [_run(run, progress_of(run.start_at, run.end_at, now)) for run in rows]


def _run(run: CourseRun, progress: str) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "course_run_id": run.course_key,
        "display_name": run.title or run.course_key,
        "course_run_url": _absolute(run.url),
        "start_date": _moment(run.start_at),
        "end_date": _moment(run.end_at),
        "course_run_status": progress,
    }
    # Older programs look for the list where a run is in progress, and only there.
    return {**shown, "due_dates": []} if progress == "in_progress" else shown


def progress_of(start: datetime | None, end: datetime | None, now: datetime) -> str:
    """Say where a course run stands by its dates; one without dates is in progress."""
    if end is not None and end < now:
        return "completed"
    return "upcoming" if start is not None and start > now else "in_progress"


def _absolute(url: str) -> str:
    return f"{request.url_root.rstrip('/')}{url}" if url.startswith("/") else url


def _moment(moment: datetime | None) -> str | None:
    return moment.isoformat().replace("+00:00", "Z") if moment is not None else None
