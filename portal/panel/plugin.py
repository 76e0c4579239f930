"""Hook implementations of the core itself: its models, permissions, pages, checks and commands."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.sql.elements import ColumnElement

from portal.audit.models import AuditEntry
from portal.auth.attaching import settle_linked
from portal.auth.models import (
    Activation,
    ApiToken,
    ExternalIdentity,
    PendingIdentity,
    Role,
    User,
    UserRole,
    UserSession,
)
from portal.files.models import StoredFile
from portal.health.checks import CORE_CHECKS
from portal.hooks.cards import DashboardCard
from portal.hooks.declarations import (
    AdminView,
    Command,
    FirstStep,
    HealthCheck,
    JobKind,
    Permission,
    RestApi,
    Schedule,
    SettingsDeclaration,
)
from portal.hooks.declarations import Role as DeclaredRole
from portal.hooks.events import IdentitiesLinked, JobFinished, MaintenanceChanged
from portal.hooks.specs import hookimpl
from portal.jobs.mapping_memory import ColumnMapping
from portal.jobs.models import Job, JobFile, JobRow, PassingFile
from portal.jobs.schedules import ScheduleRun, ScheduleState
from portal.kernel.actor import Actor
from portal.kernel.replica import Beat
from portal.mail.models import OutboxMessage
from portal.mail.settings import MailSettings
from portal.maintenance.models import MaintenanceWindow
from portal.panel import (
    commands,
    notices,
    permissions,
    plugin_commands,
    schedule_commands,
    settings_commands,
    token_commands,
)
from portal.panel.audit import AuditView
from portal.panel.cards import CardsView
from portal.panel.core_cards import CORE_CARDS
from portal.panel.exporting import ExportList
from portal.panel.files import StoredFilesView
from portal.panel.home import FIRST_STEPS, HomeView
from portal.panel.housekeeping import CORE_SCHEDULES, RemoveExpired, SweepFiles
from portal.panel.jobs import JobsView
from portal.panel.linking import LinkIdentities
from portal.panel.maintenance import MaintenanceView
from portal.panel.narrowing import narrow_rows
from portal.panel.pending import ATTACH_SCHEDULE, AttachIdentities
from portal.panel.personal_data import personal_data
from portal.panel.rest.about import about
from portal.panel.rest.jobs import jobs as jobs_api
from portal.panel.retiring import RetireUsers
from portal.panel.roles import RolesView
from portal.panel.schedules import SchedulesView
from portal.panel.settings import SettingsView
from portal.panel.system import HealthView, PluginsView
from portal.panel.tokens import TokensView
from portal.panel.uploads import UploadsView
from portal.panel.users import UsersView
from portal.settings.models import Setting
from portal.web.institution import InstitutionSettings
from portal.web.rest.answers import KeptAnswer

PORTAL_API = "1"
NAME = "portal"
TITLE = "Campus Portal"

PEOPLE, WORK, SYSTEM = "People", "Work", "System"


@hookimpl
def portal_models() -> Sequence[type]:
    """Declare the core's tables."""
    return (
        User,
        Role,
        UserRole,
        ExternalIdentity,
        PendingIdentity,
        Activation,
        UserSession,
        ApiToken,
        KeptAnswer,
        Job,
        JobRow,
        JobFile,
        PassingFile,
        ColumnMapping,
        ScheduleState,
        ScheduleRun,
        Beat,
        StoredFile,
        AuditEntry,
        Setting,
        OutboxMessage,
        MaintenanceWindow,
    )


@hookimpl
def portal_permissions() -> Sequence[Permission]:
    """Declare the core's permissions."""
    return permissions.PERMISSIONS


@hookimpl
def portal_roles() -> Sequence[DeclaredRole]:
    """Suggest the operator role."""
    return permissions.ROLES


@hookimpl
def portal_settings() -> Sequence[SettingsDeclaration]:
    """Declare what the institution is called and who its mail is from."""
    return (
        SettingsDeclaration(title="Institution", model=InstitutionSettings),
        SettingsDeclaration(title="Outgoing mail", model=MailSettings),
    )


@hookimpl
def portal_dashboard_cards() -> Sequence[DashboardCard]:
    """Declare the cards of jobs, queue, users and maintenance."""
    return CORE_CARDS


@hookimpl
def portal_first_steps() -> Sequence[FirstStep]:
    """Begin the guided start."""
    return FIRST_STEPS


@hookimpl
def portal_health_checks() -> Sequence[HealthCheck]:
    """Declare the core's checks."""
    return CORE_CHECKS


@hookimpl
def portal_commands() -> Sequence[Command]:
    """Declare the core's commands, mounted directly under ``portal``."""
    found = (
        settings_commands.settings,
        commands.users,
        commands.jobs,
        commands.maintenance_commands,
        commands.doctor,
        commands.sweep,
        schedule_commands.schedules,
        plugin_commands.plugins,
        token_commands.tokens,
    )
    return tuple(Command(command=command) for command in found)


@hookimpl
def portal_narrow_rows(actor: Actor, permission: str, model: type) -> ColumnElement[bool] | None:
    """Show people their own jobs only, unless they may see everybody's."""
    return narrow_rows(actor, permission, model)


@hookimpl
def portal_admin_views() -> Sequence[AdminView]:
    """Declare the core's pages."""
    return (
        AdminView(view=HomeView, category="", permission="", endpoint="admin", name="Home", icon="fa-home"),
        AdminView(
            view=CardsView, category="", permission="", endpoint="cards", name="Dashboard", visible=False
        ),
        _view(JobsView, WORK, permissions.JOBS_VIEW, 500, "Jobs", "jobs", "fa-tasks", Job),
        _view(UploadsView, WORK, "", 505, "Upload", "uploads", "fa-upload"),
        _view(UsersView, PEOPLE, permissions.USERS_VIEW, 800, "Users", "users", "fa-users", User),
        _view(RolesView, PEOPLE, permissions.ROLES_EDIT, 810, "Roles", "roles", "fa-id-badge", Role),
        _view(
            MaintenanceView,
            SYSTEM,
            permissions.MAINTENANCE_MANAGE,
            900,
            "Maintenance",
            "maintenance",
            "fa-wrench",
        ),
        _view(
            AuditView, SYSTEM, permissions.AUDIT_VIEW, 910, "Audit record", "audit", "fa-history", AuditEntry
        ),
        _view(
            StoredFilesView,
            SYSTEM,
            permissions.FILES_VIEW,
            920,
            "Stored files",
            "files",
            "fa-archive",
            StoredFile,
        ),
        _view(
            SchedulesView, SYSTEM, permissions.SCHEDULES_MANAGE, 905, "Schedules", "schedules", "fa-clock-o"
        ),
        _view(PluginsView, SYSTEM, permissions.PLUGINS_VIEW, 930, "Plugins", "plugins", "fa-plug"),
        _view(SettingsView, SYSTEM, permissions.SETTINGS_EDIT, 895, "Settings", "settings", "fa-sliders"),
        _view(TokensView, SYSTEM, permissions.TOKENS_USE, 935, "API tokens", "tokens", "fa-key"),
        _view(HealthView, SYSTEM, permissions.HEALTH_VIEW, 940, "Health", "health_checks", "fa-heartbeat"),
    )


@hookimpl
def portal_rest() -> Sequence[RestApi]:
    """Declare who is calling, what can be done in bulk, and jobs."""
    return (RestApi(blueprint=about), RestApi(blueprint=jobs_api))


@hookimpl
def portal_job_kinds() -> Sequence[JobKind]:
    """Declare the core's bulk operations."""
    return tuple(
        JobKind(kind=kind)
        for kind in (LinkIdentities, AttachIdentities, RetireUsers, SweepFiles, RemoveExpired, ExportList)
    )


@hookimpl
def portal_schedules() -> Sequence[Schedule]:
    """Declare the housekeeping."""
    return (*CORE_SCHEDULES, ATTACH_SCHEDULE)


@hookimpl
def portal_personal_data(user_ids: Sequence[int]) -> Mapping[int, Mapping[str, Any]]:
    """Give account, identities, sign-ins and mails."""
    return personal_data(user_ids)


@hookimpl
def portal_identities_linked(event: IdentitiesLinked) -> None:
    """Forget what was pending for these users since a sign-in."""
    settle_linked(event)


@hookimpl
def portal_job_finished(event: JobFinished) -> None:
    """Tell who started a long job."""
    notices.tell_starter(event)


@hookimpl
def portal_maintenance_changed(event: MaintenanceChanged) -> None:
    """Tell the operator."""
    notices.log_window(event)


def _view(
    view: type,
    category: str,
    permission: str,
    order: int,
    name: str,
    endpoint: str,
    icon: str,
    model: type | None = None,
) -> AdminView:
    return AdminView(
        view=view,
        category=category,
        permission=permission,
        order=order,
        name=name,
        endpoint=endpoint,
        icon=icon,
        model=model,
    )
