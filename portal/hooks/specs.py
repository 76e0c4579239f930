"""The portal's hook specifications. Each has a first user, a reference page and a test that walks this list."""

from collections.abc import Mapping, Sequence
from typing import Any

import pluggy
from sqlalchemy.sql.elements import ColumnElement

from portal.hooks.cards import DashboardCard
from portal.hooks.declarations import (
    AdminView,
    Command,
    DemoStep,
    DocumentDeclaration,
    FirstStep,
    HealthCheck,
    JobKind,
    MigrationSource,
    Permission,
    RestApi,
    Role,
    Schedule,
    SettingsDeclaration,
)
from portal.hooks.events import IdentitiesLinked, JobFinished, MaintenanceChanged, UsersRetired
from portal.kernel.actor import Actor

PROJECT = "portal"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def portal_models() -> Sequence[type]:
    """Declare the plugin's model classes.

    Called once at start, before any view is made. Table names start with ``<plugin>_``; foreign keys lead only to
    the plugin's own or ``portal_`` tables.

    First user: portal.panel. Since: 1.0.
    """
    return ()


@hookspec
def portal_migrations() -> Sequence[MigrationSource]:
    """Declare where the plugin's Alembic history lies (at most one).

    Each owner has a version table of its own (``<plugin>_alembic_version``), so removing one breaks no other.

    First user: plugins.admissions. Since: 1.0.
    """
    return ()


@hookspec
def portal_permissions() -> Sequence[Permission]:
    """Declare permissions; a name starts with ``<plugin>.`` and exists once.

    First user: portal.panel. Since: 1.0.
    """
    return ()


@hookspec
def portal_roles() -> Sequence[Role]:
    """Declare suggested roles of declared permissions; missing ones are made by ``portal migrate``.

    First user: plugins.admissions. Since: 1.0.
    """
    return ()


@hookspec
def portal_job_kinds() -> Sequence[JobKind]:
    """Declare the kinds of jobs; a kind's ``name`` starts with ``<plugin>.``.

    First user: plugins.admissions. Since: 1.0.
    """
    return ()


@hookspec
def portal_schedules() -> Sequence[Schedule]:
    """Declare jobs that start by the clock; a name starts with ``<plugin>.``.

    A slot is run once, however many schedulers there are; of slots that were missed, the newest one is run, once.
    The job acts as the portal itself, under the schedule's name. An operator may switch a schedule off.

    First user: portal.panel. Since: 1.0.
    """
    return ()


@hookspec
def portal_admin_views() -> Sequence[AdminView]:
    """Declare pages of the panel.

    First user: portal.panel. Since: 1.0.
    """
    return ()


@hookspec
def portal_rest() -> Sequence[RestApi]:
    """Declare operations of the REST interface, mounted under ``/api/v1/<plugin>/``.

    Each operation declares who may call it (``@api_route``); they stand in ``/api/openapi.json``.

    First user: portal.panel. Since: 1.0.
    """
    return ()


@hookspec
def portal_commands() -> Sequence[Command]:
    """Declare click commands, mounted under ``portal <plugin>``.

    First user: plugins.admissions. Since: 1.0.
    """
    return ()


@hookspec
def portal_demo(size: int, seed: int) -> Sequence[DemoStep]:
    """Declare this plugin's steps of the demo university.

    Args:
        size: How many people to make.
        seed: Seed of every random choice.

    First user: plugins.admissions. Since: 1.0.
    """
    return ()


@hookspec
def portal_settings() -> Sequence[SettingsDeclaration]:
    """Declare the plugin's settings as pydantic models with defaults, units and help.

    First user: plugins.admissions. Since: 1.0.
    """
    return ()


@hookspec
def portal_documents() -> Sequence[DocumentDeclaration]:
    """Declare PDF document kinds: a template, a class of facts, and whether it is drawn the compiled way.

    First user: plugins.admissions. Since: 1.0.
    """
    return ()


@hookspec
def portal_health_checks() -> Sequence[HealthCheck]:
    """Declare checks for ``/health/ready`` and ``portal doctor``; each is quick and reads only.

    First user: portal.panel. Since: 1.0.
    """
    return ()


@hookspec
def portal_dashboard_cards() -> Sequence[DashboardCard]:
    """Declare cards of the dashboard, the panel's home page; a name starts with ``<plugin>.``.

    Each card is loaded by a request of its own, read-only, for actors who hold its permission. One that fails, or
    takes too long, says so in its place; the others stand.

    First user: portal.panel. Since: 1.0.
    """
    return ()


@hookspec
def portal_first_steps() -> Sequence[FirstStep]:
    """Declare steps of the guided start, shown on the panel's home page until all are done.

    First user: plugins.admissions. Since: 1.0.
    """
    return ()


@hookspec
def portal_hookspecs() -> Sequence[Any]:
    """Give modules that hold the plugin's own hookspecs; their hooks start with ``<plugin>_``.

    First user: plugins.admissions. Since: 1.0.
    """
    return ()


@hookspec
def portal_narrow_rows(actor: Actor, permission: str, model: type) -> ColumnElement[bool] | None:
    """Give an SQL condition that a row must also meet for this actor, or None.

    Answers are joined by AND: a plugin can only take away.

    Args:
        actor: Who wants to see the rows.
        permission: The permission that the view asks for.
        model: The model that is read.

    Do not: query; build the condition from the actor alone.
    First user: portal.access. Since: 1.0.
    """
    return None


@hookspec
def portal_identities_linked(event: IdentitiesLinked) -> None:
    """Reaction: external ids belong to users now; tie what you keep under these ids to the users.

    Called inside the transaction that linked them, whoever links (a job, a plugin, a sign-in), after the rows are
    flushed and before the commit.

    Args:
        event: 1 to 500 external ids with their users; see :class:`IdentitiesLinked`.

    Raises:
        PortalError: rolls the links back. A job marks or retries its rows; a sign-in goes on, and the link is kept
            as pending and tried again.

    Order: portal, then plugins by REQUIRES and name.
    Do not: commit, use the network, loop queries per id.
    First user: portal.panel. Since: 1.0.
    """


@hookspec
def portal_user_retired(event: UsersRetired) -> None:
    """Reaction: these people are being erased; erase or pseudonymise what you keep of them.

    Called inside the transaction that retires them, before the user's own row loses its name, so that you can find
    what belongs to it. Keep what the institution must keep, under the token instead of the name.

    Args:
        event: 1 to 500 users with the token that replaces each of them; see :class:`UsersRetired`.

    Raises:
        PortalError: rolls the chunk back; nobody of it is retired.

    Order: portal, then plugins by REQUIRES and name.
    Do not: commit, use the network, loop queries per user.
    First user: plugins.admissions. Since: 1.0.
    """


@hookspec
def portal_personal_data(user_ids: Sequence[int]) -> Mapping[int, Mapping[str, Any]]:
    """Give the facts that the plugin keeps about people, for the export that a person may ask for.

    Args:
        user_ids: 1 to 500 users.

    Returns:
        User id → section → plain values (text, numbers, lists, mappings); users without facts are absent.

    Do not: write, or loop queries per user.
    First user: plugins.admissions. Since: 1.0.
    """
    return {}


@hookspec
def portal_job_finished(event: JobFinished) -> None:
    """Notice: a job ended. Called after the commit; errors are logged, a crash may lose it.

    Args:
        event: See :class:`JobFinished`.

    First user: portal.panel. Since: 1.0.
    """


@hookspec
def portal_maintenance_changed(event: MaintenanceChanged) -> None:
    """Notice: a maintenance window opened or ended. Called after the commit; errors are logged.

    Args:
        event: See :class:`MaintenanceChanged`.

    First user: portal.panel. Since: 1.0.
    """
