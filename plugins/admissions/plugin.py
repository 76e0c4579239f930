"""Hook implementations of the admissions plugin; no logic."""

from collections.abc import Mapping, Sequence
from typing import Any

from plugins.admissions import commands, hooks, jobs, permissions
from plugins.admissions.admin import FIRST_STEPS, VIEWS
from plugins.admissions.api.personal_data import personal_data
from plugins.admissions.cards import CARDS
from plugins.admissions.demo import demo_steps
from plugins.admissions.documents import ACTIVATION_LETTER, APPLICATION_SLIP
from plugins.admissions.jobs.retiring import forget_people
from plugins.admissions.models import MODELS
from plugins.admissions.rest import admissions as admissions_api
from plugins.admissions.settings import AdmissionsSettings
from portal.sdk import (
    AdminView,
    Command,
    DemoStep,
    DocumentDeclaration,
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
from portal.sdk.web import DashboardCard, FirstStep

PORTAL_API = "1"
NAME = "admissions"
TITLE = "Admissions"


@hookimpl
def portal_models() -> Sequence[type]:
    """Declare the tables."""
    return MODELS


@hookimpl
def portal_migrations() -> Sequence[MigrationSource]:
    """Declare the history of the tables."""
    return (MigrationSource(package="plugins.admissions"),)


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
    return (SettingsDeclaration(title=TITLE, model=AdmissionsSettings),)


@hookimpl
def portal_hookspecs() -> Sequence[Any]:
    """Declare the hooks that other plugins may implement."""
    return (hooks,)


@hookimpl
def portal_job_kinds() -> Sequence[JobKind]:
    """Declare the bulk operations."""
    return tuple(
        JobKind(kind=kind)
        for kind in (
            jobs.ImportApplicants,
            jobs.CreateStudents,
            jobs.PrintActivationLetters,
            jobs.CheckIntegrity,
        )
    )


@hookimpl
def portal_schedules() -> Sequence[Schedule]:
    """Declare the nightly and the weekly check."""
    return jobs.SCHEDULES


@hookimpl
def portal_rest() -> Sequence[RestApi]:
    """Declare applicants and students, to be read."""
    return (RestApi(blueprint=admissions_api),)


@hookimpl
def portal_commands() -> Sequence[Command]:
    """Declare the commands."""
    return tuple(Command(command=command) for command in commands.COMMANDS)


@hookimpl
def portal_documents() -> Sequence[DocumentDeclaration]:
    """Declare the slip and the activation letter."""
    return (DocumentDeclaration(kind=APPLICATION_SLIP), DocumentDeclaration(kind=ACTIVATION_LETTER))


@hookimpl
def portal_demo(size: int, seed: int) -> Sequence[DemoStep]:
    """Declare the steps of the demo university."""
    return demo_steps(size, seed)


@hookimpl
def portal_user_retired(event: UsersRetired) -> None:
    """Keep the records without the person."""
    forget_people(event)


@hookimpl
def portal_personal_data(user_ids: Sequence[int]) -> Mapping[int, Mapping[str, Any]]:
    """Give what is kept of students and their applications."""
    return personal_data(user_ids)


@hookimpl
def portal_admin_views() -> Sequence[AdminView]:
    """Declare the pages of the panel."""
    return VIEWS


@hookimpl
def portal_dashboard_cards() -> Sequence[DashboardCard]:
    """Declare the cards of the dashboard."""
    return CARDS


@hookimpl
def portal_first_steps() -> Sequence[FirstStep]:
    """Declare the way from nothing to the first student."""
    return FIRST_STEPS
