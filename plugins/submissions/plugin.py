"""Hook implementations of the submissions plugin; no logic."""

from collections.abc import Mapping, Sequence
from typing import Any

from plugins.submissions import commands, hooks, jobs, permissions
from plugins.submissions.admin import VIEWS
from plugins.submissions.api.personal_data import personal_data
from plugins.submissions.cards import CARDS
from plugins.submissions.demo import demo_steps
from plugins.submissions.jobs.retiring import forget_people
from plugins.submissions.models import MODELS
from plugins.submissions.rest import REST
from plugins.submissions.settings import SubmissionsSettings
from portal.sdk import (
    AdminView,
    Command,
    DemoStep,
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
NAME = "submissions"
TITLE = "Submissions"


@hookimpl
def portal_models() -> Sequence[type]:
    """Declare the tables."""
    return MODELS


@hookimpl
def portal_migrations() -> Sequence[MigrationSource]:
    """Declare the history of the tables."""
    return (MigrationSource(package="plugins.submissions"),)


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
    return (SettingsDeclaration(title=TITLE, model=SubmissionsSettings),)


@hookimpl
def portal_rest() -> Sequence[RestApi]:
    """Declare what programs may call."""
    return REST


@hookimpl
def portal_job_kinds() -> Sequence[JobKind]:
    """Declare the bulk operations."""
    return tuple(JobKind(kind=kind) for kind in jobs.KINDS)


@hookimpl
def portal_schedules() -> Sequence[Schedule]:
    """Declare the daily check."""
    return jobs.SCHEDULES


@hookimpl
def portal_commands() -> Sequence[Command]:
    """Declare the commands."""
    return tuple(Command(command=command) for command in commands.COMMANDS)


@hookimpl
def portal_admin_views() -> Sequence[AdminView]:
    """Declare the pages of the panel."""
    return VIEWS


@hookimpl
def portal_dashboard_cards() -> Sequence[DashboardCard]:
    """Declare the cards of the dashboard."""
    return CARDS


@hookimpl
def portal_demo(size: int, seed: int) -> Sequence[DemoStep]:
    """Declare the step of the demo university."""
    return demo_steps(size, seed)


@hookimpl
def portal_user_retired(event: UsersRetired) -> None:
    """Keep the ledger without the person."""
    forget_people(event)


@hookimpl
def portal_personal_data(user_ids: Sequence[int]) -> Mapping[int, Mapping[str, Any]]:
    """Give what people handed in and how it was scored."""
    return personal_data(user_ids)


@hookimpl
def portal_hookspecs() -> Sequence[Any]:
    """Declare the hooks that other plugins may implement."""
    return (hooks,)
