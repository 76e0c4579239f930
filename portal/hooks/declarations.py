"""What a plugin declares: data, collected once at start, checked, then frozen."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
from pydantic import BaseModel

#: Name of the portal's own plugin.
CORE = "portal"


@dataclass(frozen=True, kw_only=True)
class Permission:
    """A right that roles bundle; ``name`` is ``<plugin>.<thing>.<verb>``."""

    name: str
    title: str
    group: str = ""


@dataclass(frozen=True, kw_only=True)
class Role:
    """A suggested role; made once by ``portal migrate``, afterwards the institution's to edit."""

    name: str
    title: str
    permissions: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class MigrationSource:
    """Where a plugin's Alembic history lies: a folder inside an importable package."""

    package: str
    folder: str = "migrations/versions"


@dataclass(frozen=True, kw_only=True)
class JobKind:
    """A kind of job; ``kind`` derives from ``RowJob`` or ``TaskJob`` (checked by ``portal.jobs`` at start)."""

    kind: type


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """A job that starts by the clock.

    Args:
        name: ``<plugin>.<thing>``.
        title: What it does, for people.
        cron: Minute, hour, day, month, day of the week, in the institution's time zone.
        kind: Name of the job kind; of a row kind the plan is applied without being looked at.
        params: Its parameters.
    """

    name: str
    title: str
    cron: str
    kind: str
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class AdminView:
    """A page of the panel; ``view`` derives from ``PortalModelView`` or ``PortalView`` (checked by ``portal.web``)."""

    view: type
    category: str
    permission: str
    order: int = 100
    name: str = ""
    endpoint: str = ""
    model: type | None = None
    icon: str = ""
    visible: bool = True


@dataclass(frozen=True, kw_only=True)
class RestApi:
    """Operations of the REST interface, mounted under ``/api/v1/<plugin>/`` and in its document.

    Args:
        blueprint: Made by ``portal.sdk.rest.api_blueprint`` (checked by ``portal.web`` at start).
        prefix: Another place below ``/api/``, such as ``program_enrollments/v1``, for an interface that older
            programs know by its address.
        outside: A place beside ``/api/``, such as ``xqueue``, for a protocol older than the portal: ``blueprint`` is
            then made by ``portal.sdk.rest.program_blueprint``, and no part of the document.
    """

    blueprint: Any
    prefix: str = ""
    outside: str = ""


@dataclass(frozen=True, kw_only=True)
class Command:
    """A click command, mounted as ``portal <plugin> <command>`` (the portal's own directly under ``portal``)."""

    command: click.Command


@dataclass(frozen=True, kw_only=True)
class SettingsDeclaration:
    """A pydantic model of settings with defaults, units and help; its values are stored and audited."""

    title: str
    model: type[BaseModel]


@dataclass(frozen=True, kw_only=True)
class DocumentDeclaration:
    """A PDF document kind; ``kind`` is a ``portal.documents.kinds.DocumentKind`` (checked there)."""

    kind: Any


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """What a health check found: ``ok``, and one line that says what and how to mend it."""

    ok: bool
    message: str


@dataclass(frozen=True, kw_only=True)
class HealthCheck:
    """A named check; a failed critical one makes ``/health/ready`` answer 503."""

    name: str
    check: Callable[[], CheckResult]
    critical: bool = True


@dataclass(frozen=True, kw_only=True)
class DemoContext:
    """What a demo step may use.

    Args:
        size: How many people the demo university has.
        seed: Seed of every random choice: the same seed gives the same university.
        folder: Where files that the step writes (CSV, ZIP) go; exists.
        run_job: Submits a job of a kind with parameters and files (name → path), applies it, waits for its end,
            and returns the job's id and its counts by state and code.
        facts: What earlier steps returned, by key; a step's result is added.
    """

    size: int
    seed: int
    folder: Path
    run_job: Callable[[str, Mapping[str, Any], Mapping[str, Path]], Mapping[str, Any]]
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class DemoStep:
    """One step of the demo university; steps run by ``order``, each with what the earlier ones found."""

    order: int
    title: str
    run: Callable[[DemoContext], Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True)
class FirstStep:
    """One step of the guided start on the panel's home page.

    Args:
        order: Place in the guide; the portal's own steps are below 100.
        title: What to do, as a short imperative.
        description: One sentence: why, and what it needs.
        endpoint: The page where it is done (takes no arguments).
        label: On the button that leads there.
        permission: Who sees the step.
        is_done: Reads a fact, one small SELECT.
    """

    order: int
    title: str
    description: str
    endpoint: str
    permission: str
    is_done: Callable[[], bool]
    label: str = "Open"


@dataclass(frozen=True, kw_only=True)
class Plugin:
    """A loaded plugin, as its module says it is."""

    name: str
    title: str
    version: str
    module: str
    requires: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PluginProblem:
    """A plugin that was left out, and why."""

    name: str
    message: str

    @property
    def remedy(self) -> str:
        """What the operator can do about it."""
        return (
            f"Repair, upgrade or install what it needs and restart the portal, "
            f"or leave it out knowingly: portal plugins disable {self.name}."
        )

    @property
    def text(self) -> str:
        """Reason and remedy."""
        return f"{self.message} {self.remedy}"


Declarations = Sequence[Any]
