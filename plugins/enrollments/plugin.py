"""Hook implementations of the enrollments plugin; no logic."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from plugins.enrollments import commands, hooks, jobs, permissions
from plugins.enrollments.admin import VIEWS
from plugins.enrollments.api.identities import link_identities
from plugins.enrollments.api.personal_data import personal_data
from plugins.enrollments.api.retirement import retire_learners
from plugins.enrollments.api.students import enroll_students, withdraw_students
from plugins.enrollments.cards import CARDS
from plugins.enrollments.demo import demo_steps
from plugins.enrollments.models import MODELS
from plugins.enrollments.rest import REST
from plugins.enrollments.settings import EnrollmentsSettings
from portal.sdk import (
    AdminView,
    Command,
    DemoStep,
    IdentitiesLinked,
    JobKind,
    MigrationSource,
    Permission,
    Role,
    Schedule,
    SettingsDeclaration,
    UsersRetired,
    hookimpl,
)
from portal.sdk.rest import RestApi
from portal.sdk.web import DashboardCard

PORTAL_API = "1"
NAME = "enrollments"
TITLE = "Enrollments"


@hookimpl
def portal_models() -> Sequence[type]:
    """Declare the tables."""
    return MODELS


@hookimpl
def portal_migrations() -> Sequence[MigrationSource]:
    """Declare the history of the tables."""
    return (MigrationSource(package="plugins.enrollments"),)


@hookimpl
def portal_permissions() -> Sequence[Permission]:
    """Declare the rights."""
    return permissions.PERMISSIONS


@hookimpl
def portal_roles() -> Sequence[Role]:
    """Declare the suggested roles."""
    return permissions.ROLES


@hookimpl
def portal_settings() -> Sequence[SettingsDeclaration]:
    """Declare the settings."""
    return (SettingsDeclaration(title=TITLE, model=EnrollmentsSettings),)


@hookimpl
def portal_job_kinds() -> Sequence[JobKind]:
    """Declare the bulk operations."""
    return tuple(JobKind(kind=kind) for kind in jobs.KINDS)


@hookimpl
def portal_schedules() -> Sequence[Schedule]:
    """Declare what starts by itself."""
    return jobs.SCHEDULES


@hookimpl
def portal_admin_views() -> Sequence[AdminView]:
    """Declare the pages."""
    return VIEWS


@hookimpl
def portal_commands() -> Sequence[Command]:
    """Declare the commands."""
    return tuple(Command(command=command) for command in commands.COMMANDS)


@hookimpl
def portal_dashboard_cards() -> Sequence[DashboardCard]:
    """Declare the cards of the dashboard."""
    return CARDS


@hookimpl
def portal_demo(size: int, seed: int) -> Sequence[DemoStep]:
    """Declare the steps of the demo university."""
    return demo_steps(size, seed)


@hookimpl
def portal_rest() -> Sequence[RestApi]:
    """Declare what programs may call."""
    return REST


@hookimpl
def portal_hookspecs() -> Sequence[Any]:
    """Declare the hooks that other plugins may implement."""
    return (hooks,)


@hookimpl
def portal_identities_linked(event: IdentitiesLinked) -> None:
    """Link what waits for the users behind these identities."""
    link_identities(event.identities)


@hookimpl
def portal_user_retired(event: UsersRetired) -> None:
    """Keep the enrollments without the person."""
    retire_learners(event)


@hookimpl
def portal_personal_data(user_ids: Sequence[int]) -> Mapping[int, Mapping[str, Any]]:
    """Give what is kept of learners."""
    return personal_data(user_ids)


@hookimpl(optionalhook=True)
def admissions_students_created(event: Any) -> None:
    """Enroll new students in the programs of their certificates."""
    enroll_students(event.students)


@hookimpl(optionalhook=True)
def admissions_students_undone(event: Any) -> Mapping[uuid.UUID, str]:
    """Take the enrollments of removed students back, or keep the students."""
    return withdraw_students(event.students)
