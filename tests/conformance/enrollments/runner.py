"""Runs scenarios of enrollments, one after the other, each in empty tables."""

from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

from flask import Flask
from sqlalchemy.exc import IntegrityError

from portal.kernel.db import db
from tests.conformance.enrollments.calls import GIVES_ROWS, call_named, refuse, refusing_plugin, resolved
from tests.conformance.enrollments.fixtures import Fixtures, clean
from tests.conformance.enrollments.shapes import raised, result, rows_of, state


def extra_plugins() -> Mapping[str, ModuleType]:
    """Return the plugins that the application needs beside the installed ones."""
    return {"refuser": refusing_plugin()}


def observed(scenarios: Sequence[Mapping[str, Any]], app: Flask) -> list[dict[str, Any]]:
    """Return for each scenario its id, what its calls gave and what the tables hold then.

    Reads base, ids, set-up and calls only, never expectations.
    """
    return [{"id": item["id"], **_run(item)} for item in scenarios]


def _run(scenario: Mapping[str, Any]) -> dict[str, Any]:
    clean()
    fixtures = Fixtures(scenario["base"], scenario.get("setup") or {})
    try:
        fixtures.make()
    except IntegrityError as error:
        # What the scenario starts from cannot be stored here.
        return {"calls": [raised(error) for _ in scenario["calls"]], "state": {}}
    refuse(fixtures)
    outcomes: list[dict[str, Any]] = []
    results: list[Any] = []
    for call in scenario["calls"]:
        outcomes.append(_outcome(call, fixtures, results))
    db.session.rollback()
    return {"calls": outcomes, "state": state()}


def _outcome(call: Mapping[str, Any], fixtures: Fixtures, results: list[Any]) -> dict[str, Any]:
    try:
        arguments = {
            name: resolved(value, fixtures, results) for name, value in (call.get("args") or {}).items()
        }
        value = call_named(call["fn"])(**arguments)
        results.append(value)
        return {"result": rows_of(value) if call["fn"] in GIVES_ROWS else result(value)}
    except Exception as error:
        db.session.rollback()
        results.append(None)
        return raised(error)
