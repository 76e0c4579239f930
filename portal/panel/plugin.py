"""Hook implementations of the core itself: its models, permissions, pages, checks and commands."""

from collections.abc import Sequence

from sqlalchemy.sql.elements import ColumnElement

from portal.audit.models import AuditEntry
from portal.auth.models import Activation, ExternalIdentity, Role, User, UserRole, UserSession
from portal.files.models import StoredFile
from portal.health.checks import CORE_CHECKS
from portal.hooks.declarations import (
    AdminView,
    Command,
    FirstStep,
    HealthCheck,
    Permission,
    SettingsDeclaration,
)
from portal.hooks.declarations import Role as DeclaredRole
from portal.hooks.events import JobFinished, MaintenanceChanged
from portal.hooks.specs import hookimpl
from portal.jobs.models import Job, JobFile, JobRow
from portal.kernel.actor import Actor
from portal.mail.models import OutboxMessage
from portal.maintenance.models import MaintenanceWindow
from portal.panel import commands, notices, permissions
from portal.panel.audit import AuditView
from portal.panel.files import StoredFilesView
from portal.panel.home import FIRST_STEPS, HomeView
from portal.panel.jobs import JobsView
from portal.panel.maintenance import MaintenanceView
from portal.panel.narrowing import narrow_rows
from portal.panel.roles import RolesView
from portal.panel.system import HealthView, PluginsView
from portal.panel.users import UsersView
from portal.settings.models import Setting
from portal.web.institution import InstitutionSettings

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
        Activation,
        UserSession,
        Job,
        JobRow,
        JobFile,
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
    """Declare the institution's name and time zone."""
    return (SettingsDeclaration(title="Institution", model=InstitutionSettings),)


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
    found = (commands.users, commands.jobs, commands.maintenance_commands, commands.doctor, commands.sweep)
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
        _view(JobsView, WORK, permissions.JOBS_VIEW, 500, "Jobs", "jobs", "fa-tasks", Job),
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
        _view(PluginsView, SYSTEM, permissions.PLUGINS_VIEW, 930, "Plugins", "plugins", "fa-plug"),
        _view(HealthView, SYSTEM, permissions.HEALTH_VIEW, 940, "Health", "health_checks", "fa-heartbeat"),
    )


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
