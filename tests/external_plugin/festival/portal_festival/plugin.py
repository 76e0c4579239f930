"""The festival plugin: implements every hook there is; ``FESTIVAL_FAULT`` switches on one of its ways to be broken."""

import logging
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, Field
from sqlalchemy.sql.elements import ColumnElement

from plugins.admissions.hooks import NumbersWanted, StudentsCreated, StudentsUndone
from plugins.enrollments.hooks import CourseEntries, CourseEntry, CourseGrade, CourseRefusal, GradesWanted
from plugins.submissions.hooks import ScoreReset, ScoresSet, SubmissionsCreated
from portal.sdk import (
    Actor,
    AdminView,
    Command,
    DemoContext,
    DemoStep,
    DocumentDeclaration,
    HealthCheck,
    IdentitiesLinked,
    JobFinished,
    JobKind,
    MaintenanceChanged,
    MigrationSource,
    Permission,
    Role,
    Schedule,
    SettingsDeclaration,
    UsersRetired,
    get_settings,
    hookimpl,
    transaction,
)
from portal.sdk.rest import RestApi
from portal.sdk.web import DashboardCard, FirstStep
from portal_festival import hooks, jobs, pages, stages
from portal_festival.faults import FAULT, NARROWS
from portal_festival.models import Stage

log = logging.getLogger(__name__)

PORTAL_API = ">=7,<9" if FAULT == "api" else ">=1,<3"
NAME = "festival"
TITLE = "Festival"
REQUIRES = ("admissions", "enrollments", "submissions", *(("fireworks",) if FAULT == "requires" else ()))

if FAULT == "import":
    import portal_fireworks  # noqa: F401
if FAULT == "exit":
    raise SystemExit("The festival is cancelled.")


class FestivalSettings(BaseModel):
    """What the director decides."""

    closed_course: str = Field(
        "festival:closed", title="Closed course run", description="Nobody is enrolled in it."
    )


@hookimpl
def portal_models() -> Sequence[type]:
    """Declare the stages."""
    if FAULT == "raise":
        raise RuntimeError("the band is late")
    return (Stage,)


@hookimpl
def portal_migrations() -> Sequence[MigrationSource]:
    """Declare the history."""
    folder = "nowhere" if FAULT == "migrations" else "migrations/versions"
    return (MigrationSource(package="portal_festival", folder=folder),)


@hookimpl
def portal_permissions() -> Sequence[Permission]:
    """Declare the permission to see stages."""
    return (Permission(name=pages.VIEW, title="See stages"),)


@hookimpl
def portal_roles() -> Sequence[Any]:
    """Declare the role of who runs the festival."""
    if FAULT == "declaration":
        return ("director",)
    return (Role(name="director", title="Director", permissions=frozenset({pages.VIEW})),)


@hookimpl
def portal_settings() -> Sequence[SettingsDeclaration]:
    """Declare what the director decides."""
    return (SettingsDeclaration(title=TITLE, model=FestivalSettings),)


@hookimpl
def portal_job_kinds() -> Sequence[JobKind]:
    """Declare the count."""
    return (jobs.KIND,)


@hookimpl
def portal_schedules() -> Sequence[Schedule]:
    """Declare the nightly count."""
    return (jobs.NIGHTLY,)


@hookimpl
def portal_admin_views() -> Sequence[AdminView]:
    """Declare the page of stages."""
    return (pages.PAGE,)


@hookimpl
def portal_rest() -> Sequence[RestApi]:
    """Declare stages, to be read."""
    return (pages.REST,)


@hookimpl
def portal_commands() -> Sequence[Command]:
    """Declare ``portal festival stages``."""
    return (pages.COMMAND,)


@hookimpl
def portal_documents() -> Sequence[DocumentDeclaration]:
    """Declare the poster."""
    return (pages.POSTER,)


@hookimpl
def portal_health_checks() -> Sequence[HealthCheck]:
    """Declare the check of how many stages there are."""
    return (pages.CHECK,)


@hookimpl
def portal_dashboard_cards() -> Sequence[DashboardCard]:
    """Declare the card."""
    return (pages.CARD,)


@hookimpl
def portal_first_steps() -> Sequence[FirstStep]:
    """Declare the first stage as a step."""
    return (pages.FIRST_STEP,)


@hookimpl
def portal_hookspecs() -> Sequence[Any]:
    """Declare the notice of new stages."""
    return (hooks,)


@hookimpl
def portal_demo(size: int, seed: int) -> Sequence[DemoStep]:
    """Declare a stage of the demo university."""

    def build(context: DemoContext) -> Mapping[str, Any]:
        with transaction():
            stages.add_stages([f"Demo {seed}"])
        return {"festival_stages": 1}

    return (DemoStep(order=900, title="Building a stage", run=build),)


if NARROWS:

    @hookimpl
    def portal_narrow_rows(actor: Actor, permission: str, model: type) -> ColumnElement[bool] | None:
        """Hide the secret stages from all but administrators."""
        return Stage.title != "Secret" if model is Stage and not actor.is_administrator else None


@hookimpl
def portal_identities_linked(event: IdentitiesLinked) -> None:
    """Give every band a stage."""
    bands = [f"Band {item.external_id}" for item in event.identities if item.provider == "band"]
    if bands:
        stages.add_stages(bands)


@hookimpl
def portal_user_retired(event: UsersRetired) -> None:
    """Remove the stages that bear their names."""
    stages.remove_stages([user.sign_in_name for user in event.users])


@hookimpl
def portal_personal_data(user_ids: Sequence[int]) -> Mapping[int, Mapping[str, Any]]:
    """Give the stages that bear the users' names."""
    return stages.stages_of(user_ids)


@hookimpl
def portal_job_finished(event: JobFinished) -> None:
    """Say so."""
    log.info("heard: the job %s %s", event.kind, event.state)


@hookimpl
def portal_maintenance_changed(event: MaintenanceChanged) -> None:
    """Say so."""
    log.info("heard: a window %s", "opened" if event.is_open else "ended")


@hookimpl
def admissions_allocate_student_numbers(event: NumbersWanted) -> Sequence[str] | None:
    """Leave the numbers to the next."""
    log.info("heard: %d numbers are wanted", len(event.applicants))
    return None


@hookimpl
def admissions_students_created(event: StudentsCreated) -> None:
    """Give each a stage."""
    stages.add_stages([student.student_id for student in event.students])


@hookimpl
def admissions_students_undone(event: StudentsUndone) -> Mapping[uuid.UUID, str] | None:
    """Take the stages away; keep nobody."""
    stages.remove_stages([student.student_id for student in event.students])
    return None


@hookimpl
def enrollments_refuse_entries(event: CourseEntries) -> Mapping[CourseEntry, CourseRefusal] | None:
    """Refuse the closed course run."""
    closed = get_settings(FestivalSettings).closed_course
    refusal = CourseRefusal(kind="closed", reason="The festival is over.")
    return {entry: refusal for entry in event.entries if entry.course_key == closed}


@hookimpl
def enrollments_course_grades(event: GradesWanted) -> Mapping[int, CourseGrade] | None:
    """Let everybody pass the festival."""
    if event.course_key != "festival:open":
        return None
    return {user_id: CourseGrade(passed=True, percent=1.0) for user_id in event.user_ids}


@hookimpl
def submissions_created(event: SubmissionsCreated) -> None:
    """Say so."""
    log.info("heard: %d submissions", len(event.submissions))


@hookimpl
def submissions_scores_set(event: ScoresSet) -> None:
    """Say so."""
    log.info("heard: %d scores", len(event.scores))


@hookimpl
def submissions_score_reset(event: ScoreReset) -> None:
    """Say so."""
    log.info("heard: the score of %s is reset", event.item_id)


@hookimpl
def festival_stages_added(event: Sequence[str]) -> None:
    """Say so."""
    log.info("heard: new stages %s", ", ".join(event))


if FAULT == "hook":

    @hookimpl
    def portal_permisions() -> Sequence[Permission]:
        """A misspelt hook."""
        return ()
