"""What all plugins declared, frozen. Collected once at start; the same in web, worker and command."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeVar

from flask import current_app

from portal.hooks.cards import DashboardCard
from portal.hooks.declarations import (
    AdminView,
    Command,
    DocumentDeclaration,
    FirstStep,
    HealthCheck,
    MigrationSource,
    Permission,
    Plugin,
    PluginProblem,
    RestApi,
    Role,
    Schedule,
    SettingsDeclaration,
)

REGISTRY_KEY = "PORTAL_REGISTRY"
T = TypeVar("T")


def _empty() -> Mapping[str, Any]:
    return MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class Registry:
    """The frozen result of loading: plugins in order, left-out ones with reasons, and every declaration by name."""

    plugins: tuple[Plugin, ...] = ()
    problems: tuple[PluginProblem, ...] = ()
    models: tuple[type, ...] = ()
    migrations: Mapping[str, MigrationSource] = field(default_factory=_empty)
    permissions: Mapping[str, Permission] = field(default_factory=_empty)
    roles: Mapping[str, Role] = field(default_factory=_empty)
    job_kinds: Mapping[str, Any] = field(default_factory=_empty)
    schedules: Mapping[str, Schedule] = field(default_factory=_empty)
    admin_views: tuple[tuple[str, AdminView], ...] = ()
    commands: tuple[tuple[str, Command], ...] = ()
    rest: tuple[tuple[str, RestApi], ...] = ()
    settings: Mapping[str, SettingsDeclaration] = field(default_factory=_empty)
    documents: tuple[tuple[str, DocumentDeclaration], ...] = ()
    first_steps: tuple[tuple[str, FirstStep], ...] = ()
    health_checks: Mapping[str, HealthCheck] = field(default_factory=_empty)
    dashboard_cards: Mapping[str, DashboardCard] = field(default_factory=_empty)


def current_registry() -> Registry:
    """Return the registry of the running application."""
    registry: Registry = current_app.extensions[REGISTRY_KEY]
    return registry
