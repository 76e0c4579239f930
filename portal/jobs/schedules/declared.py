"""Checks the declared schedules at start and keeps them for the running application."""

from dataclasses import dataclass

from flask import Flask, current_app
from pydantic import ValidationError

from portal.hooks.blaming import blamed_on
from portal.hooks.declarations import Schedule
from portal.hooks.registry import REGISTRY_KEY, Registry
from portal.jobs.kinds import KINDS_KEY
from portal.jobs.schedules.cron import Cron
from portal.kernel.errors import NotFound, PluginLoadError

SCHEDULES_KEY = "PORTAL_SCHEDULES"
LONGEST_NAME = 80


@dataclass(frozen=True, kw_only=True)
class CheckedSchedule:
    """A declared schedule with its parsed cron text; the owner is the plugin that declares it."""

    owner: str
    declared: Schedule
    cron: Cron

    @property
    def name(self) -> str:
        return self.declared.name


def init_schedules(app: Flask) -> None:
    """Check every declared schedule.

    Raises:
        PluginLoadError: naming the plugin, for a bad cron text, an unknown job kind or wrong parameters.
    """
    registry: Registry = app.extensions[REGISTRY_KEY]
    checked: dict[str, CheckedSchedule] = {}
    for name, schedule in registry.schedules.items():
        owner = name.partition(".")[0]
        with blamed_on(owner):
            checked[name] = _checked(app, owner, schedule)
    app.extensions[SCHEDULES_KEY] = checked


def checked_schedules() -> dict[str, CheckedSchedule]:
    """Return the schedules of the running application by name."""
    found: dict[str, CheckedSchedule] = current_app.extensions[SCHEDULES_KEY]
    return found


def schedule_named(name: str) -> CheckedSchedule:
    """Return the schedule.

    Raises:
        NotFound: ``schedule-unknown``, when no loaded plugin declares it.
    """
    found = checked_schedules().get(name)
    if found is None:
        declared = ", ".join(sorted(checked_schedules())) or "none"
        raise NotFound(
            "schedule-unknown", f"No loaded plugin declares the schedule {name!r}. Declared: {declared}."
        )
    return found


def _checked(app: Flask, owner: str, schedule: Schedule) -> CheckedSchedule:
    where = f"Schedule {schedule.name} of {owner}"
    if len(schedule.name) > LONGEST_NAME:
        raise PluginLoadError("schedule", f"{where}: a name has at most {LONGEST_NAME} characters.")
    kind = app.extensions[KINDS_KEY].get(schedule.kind)
    if kind is None:
        raise PluginLoadError(
            "schedule", f"{where} starts {schedule.kind!r}, a job kind that nobody declares."
        )
    try:
        kind.Params.model_validate(dict(schedule.params))
    except ValidationError as error:
        raise PluginLoadError(
            "schedule", f"{where} has parameters that {kind.name} refuses: {error}"
        ) from None
    try:
        cron = Cron(schedule.cron)
    except ValueError as error:
        raise PluginLoadError("schedule", f"{where} has a bad cron text: {error}.") from None
    return CheckedSchedule(owner=owner, declared=schedule, cron=cron)
