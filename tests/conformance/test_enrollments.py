"""What the old enrollments system was seen to do, on Campus Portal: as either of its two states, or better."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from portal.testing.postgresql import PostgresqlServer
from portal.testing.sandboxes import EngineName, Sandbox
from tests.conformance.enrollments.judge import is_as_observed
from tests.conformance.enrollments.runner import extra_plugins, observed

HERE = Path(__file__).parent
DOCUMENT = json.loads((HERE / "scenarios" / "enrollments.json").read_text(encoding="utf-8"))
SCENARIOS = [{"base": DOCUMENT["base"], **item} for item in DOCUMENT["scenarios"]]
MOST_DIFFERENCES = 0.08


def differences() -> dict[str, str]:
    """Return scenario id → why ours is better."""
    lines = (HERE / "enrollments_differences.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split(": ", 1) for line in lines if line and not line.startswith("#"))


@pytest.fixture
def refusing_app(
    engine: EngineName, tmp_path: Path, request: pytest.FixtureRequest, as_system: object
) -> Iterator[Flask]:
    server: PostgresqlServer | None = (
        request.getfixturevalue("postgresql_server") if engine == "postgresql" else None
    )
    folder = tmp_path / f"conformance_{engine}"
    with Sandbox(engine, folder, server, plugins=extra_plugins()).in_use() as app:
        yield app


@pytest.mark.both_engines
def test_every_scenario_is_as_observed_or_better(refusing_app: Flask) -> None:
    found = {item["id"]: item for item in observed(SCENARIOS, refusing_app)}
    excused = differences()

    wrong = [
        scenario["id"]
        for scenario in SCENARIOS
        if is_as_observed(scenario["expected"], found[scenario["id"]]) == (scenario["id"] in excused)
    ]

    assert wrong == []


def test_few_scenarios_differ_and_each_says_why() -> None:
    found = differences()
    assert set(found) <= {scenario["id"] for scenario in SCENARIOS}
    assert all(len(reason) > 20 for reason in found.values())
    assert len(found) <= MOST_DIFFERENCES * len(SCENARIOS)
