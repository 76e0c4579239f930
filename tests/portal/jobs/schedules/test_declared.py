"""What a plugin declares is checked at start; an error names the plugin."""

from dataclasses import replace
from types import MappingProxyType

import pytest
from flask import Flask

from portal.hooks.declarations import Schedule
from portal.hooks.registry import REGISTRY_KEY, current_registry
from portal.jobs.schedules import init_schedules
from portal.jobs.schedules.declared import SCHEDULES_KEY
from portal.kernel.errors import PluginLoadError

KIND = "portal.remove_expired"
GOOD = Schedule(name="clock.x", title="X", cron="1 * * * *", kind=KIND)


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        (replace(GOOD, cron="61 * * * *"), "Schedule clock.x of clock has a bad cron text: '61"),
        (
            replace(GOOD, cron="@daily"),
            "Schedule clock.x of clock has a bad cron text: '@daily' has 1 fields",
        ),
        (replace(GOOD, kind="no.kind"), "Schedule clock.x of clock starts 'no.kind', a job kind that nobody"),
        (
            replace(GOOD, params={"runs_days": -1}),
            "of clock has parameters that portal.remove_expired refuses",
        ),
        (replace(GOOD, name=f"clock.{'x' * 90}"), "of clock: a name has at most 80 characters"),
    ],
)
def test_bad_declaration_stops_the_start_and_names_the_plugin(
    app: Flask, monkeypatch: pytest.MonkeyPatch, schedule: Schedule, words: str
) -> None:
    registry = replace(current_registry(), schedules=MappingProxyType({schedule.name: schedule}))
    monkeypatch.setitem(app.extensions, REGISTRY_KEY, registry)
    monkeypatch.setitem(app.extensions, SCHEDULES_KEY, {})

    with pytest.raises(PluginLoadError, match=words):
        init_schedules(app)


def test_housekeeping_and_the_checks_of_admissions_are_declared(app: Flask) -> None:
    assert {"portal.sweep_files", "portal.remove_expired", "admissions.nightly_check"} <= set(
        current_registry().schedules
    )
