"""Student numbers by an institution's own rule: a plugin gives them, and wrong ones stop the job whole."""

from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import pytest
from flask import Flask

from plugins.admissions.hooks import NumbersWanted
from portal.hooks.manager import PLUGINS_KEY, Plugins
from portal.sdk import hookimpl
from portal.sdk.jobs import JobState
from tests.plugins.admissions.university import University, add, create_selected, issued, students

Rule = Callable[[NumbersWanted], Any]


@pytest.fixture
def rules(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let plugins give the numbers, each by its own rule, in the order of their names."""

    def give(**rules: Rule) -> None:
        extra = {name: _plugin(name, rule) for name, rule in rules.items()}
        core = app.extensions[PLUGINS_KEY].modules["portal"]
        monkeypatch.setitem(app.extensions, PLUGINS_KEY, Plugins(core, extra=extra))

    return give


def _plugin(name: str, rule: Rule) -> ModuleType:
    @hookimpl
    def admissions_allocate_student_numbers(event: NumbersWanted) -> Any:
        return rule(event)

    plugin = ModuleType(name)
    vars(plugin).update(admissions_allocate_student_numbers=admissions_allocate_student_numbers)
    return plugin


def by_board(event: NumbersWanted) -> Sequence[str]:
    return [f"UL-{wanted.entry_session}-{wanted.reg_number}" for wanted in event.applicants]


def numbers() -> set[str]:
    return {student.student_id for student in students()}


@pytest.mark.both_engines
def test_the_first_plugin_that_answers_gives_the_numbers(
    university: University, rules: Callable[..., None]
) -> None:
    asked: list[int] = []
    rules(afirst=lambda event: None, bsecond=by_board, cthird=lambda event: asked.append(1))
    job = create_selected(add(university, reg_number="X1"), add(university, reg_number="X2"))
    assert (job.state, job.done_count) == (JobState.FINISHED, 2)
    assert {number.partition("-X")[2] for number in numbers()} == {"1", "2"}
    assert all(number.startswith("UL-20") for number in numbers())
    # The portal's own series was not touched, and nobody was asked in vain.
    assert (issued(), asked) == (0, [])


def test_nobody_answers_and_the_portal_does(university: University, rules: Callable[..., None]) -> None:
    rules(silent=lambda event: None)
    create_selected(add(university))
    assert numbers() == {"K1000000"}


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (lambda event: ["A1"], "it gave 1 numbers for 2 applicants"),
        (lambda event: "A1", "it gave no list of numbers"),
        (lambda event: ["A1", "a1"], "it gave 'A1' to two applicants"),
        (lambda event: ["A1", "../etc"], "'../etc' cannot be a student number"),
        (lambda event: ["A1", 7], "'7' cannot be a student number"),
        (lambda event: ["A1", "A" * 21], "cannot be a student number"),
        (lambda event: 1 / 0, "division by zero"),
    ],
)
def test_wrong_numbers_stop_the_job_before_anything_is_made(
    university: University, rules: Callable[..., None], rule: Rule, words: str
) -> None:
    rules(odd=rule)
    job = create_selected(add(university), add(university))
    assert job.state == JobState.FAILED
    assert "odd" in job.error
    assert words in job.error
    assert (students(), job.done_count) == ([], 0)


@pytest.mark.both_engines
def test_a_number_that_is_taken_is_named_and_the_job_goes_on_after_a_mend(
    university: University, rules: Callable[..., None]
) -> None:
    create_selected(add(university))
    taken = students()[0]
    applicant = add(university)
    rules(odd=lambda event: [taken.student_id])
    job = create_selected(applicant)
    assert f"'{taken.student_id}' is another student's number" in job.error
    rules(odd=by_board)
    assert create_selected(applicant).done_count == 1
    assert len(students()) == 2
