"""What the old submissions system was seen to do, on Campus Portal: no worse anywhere, no known bug repeated."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from portal.testing.postgresql import PostgresqlServer
from portal.testing.sandboxes import EngineName, Sandbox
from tests.conformance.submissions.judge import Mark, marks_of
from tests.conformance.submissions.runner import extra_plugins, observed

HERE = Path(__file__).parent
SCENARIOS = json.loads((HERE / "scenarios" / "submissions.json").read_text(encoding="utf-8"))["scenarios"]
MOST_DIFFERENCES = 0.03


def differences() -> dict[str, str]:
    """Return scenario id → why ours is better."""
    lines = (HERE / "submissions_differences.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split(": ", 1) for line in lines if line and not line.startswith("#"))


@pytest.fixture
def listening_app(engine: EngineName, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Flask]:
    server: PostgresqlServer | None = (
        request.getfixturevalue("postgresql_server") if engine == "postgresql" else None
    )
    with Sandbox(engine, tmp_path / f"conformance_{engine}", server, plugins=extra_plugins()).in_use() as app:
        yield app


@pytest.mark.both_engines
def test_every_scenario_is_as_observed_or_better(listening_app: Flask) -> None:
    found = {item["id"]: item["expect"] for item in observed(SCENARIOS, listening_app)}
    excused = differences()
    wrong = {}
    for scenario in SCENARIOS:
        marks = marks_of(scenario["expect"], found[scenario["id"]])
        is_wrong = Mark.WRONG in marks or Mark.BUG in marks
        if is_wrong != (scenario["id"] in excused):
            wrong[scenario["id"]] = [str(mark) for mark in marks]
    assert wrong == {}


def test_few_scenarios_differ_and_each_says_why() -> None:
    found = differences()
    assert set(found) <= {scenario["id"] for scenario in SCENARIOS}
    assert all(len(reason) > 20 for reason in found.values())
    assert len(found) <= MOST_DIFFERENCES * len(SCENARIOS)
