"""``/api/v1/enrollments/programs`` and ``…/course-runs``: the catalog, read only."""

import uuid
from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field
from sqlalchemy.orm import selectinload

from plugins.enrollments.models import CourseRun, Curriculum, Program
from plugins.enrollments.permissions import CATALOG_VIEW
from plugins.enrollments.rest.blueprints import resources
from portal.sdk.rest import (
    Listing,
    PageQuery,
    api_route,
    get_visible,
    list_page,
    narrowed_select,
    order_of,
    tagged,
)


class CurriculumOut(BaseModel):
    """A version of a program's plan of courses."""

    id: uuid.UUID
    name: str
    is_active: bool
    courses: list[str] = Field(description="Keys of its course runs.")


class ProgramOut(BaseModel):
    """A degree program."""

    id: uuid.UUID
    title: str
    slug: str
    type: str
    organizations: list[str] = Field(
        description="Authoring ones; the first says whose external keys are used."
    )
    curricula: list[CurriculumOut]

    @classmethod
    def of(cls, program: Program) -> "ProgramOut":
        """Return what a program looks like; authors, curricula and their courses are loaded."""
        return cls(
            id=program.id,
            title=program.title,
            slug=program.slug,
            type=program.type,
            organizations=[author.organization_key for author in program.authors],
            curricula=[
                CurriculumOut(
                    id=plan.id,
                    name=plan.name,
                    is_active=plan.is_active,
                    courses=[course.course_key for course in plan.courses],
                )
                for plan in program.curricula
            ],
        )


class CourseRunOut(BaseModel):
    """A course as it is given once."""

    id: uuid.UUID
    course_key: str
    title: str
    start_at: datetime | None
    end_at: datetime | None
    is_self_paced: bool
    modes: list[str] = Field(description="Tracks; none counts as audit.")

    @classmethod
    def of(cls, run: CourseRun) -> "CourseRunOut":
        """Return what a course run looks like; its modes are loaded."""
        given = {name: getattr(run, name) for name in cls.model_fields if name != "modes"}
        return cls(**given, modes=[mode.mode for mode in run.modes])


class ProgramListOut(Listing[ProgramOut]):
    """Programs, by id."""


class CourseRunListOut(Listing[CourseRunOut]):
    """Course runs, by id."""


class ProgramQuery(PageQuery):
    """Which programs are listed."""

    type: str | None = Field(None, max_length=40)
    slug: str | None = Field(None, max_length=120)


class CourseRunQuery(PageQuery):
    """Which course runs are listed."""

    course_key: str | None = Field(None, max_length=255)


def _loaded() -> Any:
    plans = selectinload(Program.curricula).selectinload(Curriculum.courses)
    return (selectinload(Program.authors), plans)


@resources.get("/programs")
@api_route(CATALOG_VIEW, query=ProgramQuery, answer=ProgramListOut)
def list_programs(query: ProgramQuery) -> Any:
    """List programs with their curricula."""
    statement = narrowed_select(Program, CATALOG_VIEW).options(*_loaded())
    for column, value in ((Program.type, query.type), (Program.slug, query.slug)):
        if value is not None:
            statement = statement.where(column == value)
    return list_page(statement, order_of(Program), query, ProgramOut.of)


@resources.get("/programs/<uuid:program_uid>")
@api_route(CATALOG_VIEW, answer=ProgramOut)
def show_program(program_uid: uuid.UUID) -> Any:
    """Show a program with its curricula."""
    found: Program = get_visible(
        Program,
        CATALOG_VIEW,
        program_uid,
        code="program-not-found",
        message="There is no such program, or you may not see it.",
    )
    return ProgramOut.of(found).model_dump(mode="json")


@resources.get("/course-runs")
@api_route(CATALOG_VIEW, query=CourseRunQuery, answer=CourseRunListOut)
def list_course_runs(query: CourseRunQuery) -> Any:
    """List course runs with their modes."""
    statement = narrowed_select(CourseRun, CATALOG_VIEW).options(selectinload(CourseRun.modes))
    if query.course_key is not None:
        statement = statement.where(CourseRun.course_key == query.course_key)
    return list_page(statement, order_of(CourseRun), query, CourseRunOut.of)


@resources.get("/course-runs/<uuid:run_uid>")
@api_route(CATALOG_VIEW, answer=CourseRunOut, etag=True)
def show_course_run(run_uid: uuid.UUID) -> Any:
    """Show a course run."""
    found: CourseRun = get_visible(
        CourseRun,
        CATALOG_VIEW,
        run_uid,
        code="course-run-not-found",
        message="There is no such course run, or you may not see it.",
    )
    return tagged(CourseRunOut.of(found), found)
