"""Fixtures of the enrollments tests."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType

import pytest
from flask import Flask

from plugins.enrollments.hooks import CourseEntries, CourseEntry, CourseGrade, CourseRefusal, GradesWanted
from portal.hooks.manager import PLUGINS_KEY
from portal.sdk import Actor, hookimpl
from tests.plugins.enrollments.partner import found

Refusals = dict[CourseEntry, CourseRefusal]
Grades = dict[int, CourseGrade]


@pytest.fixture
def partner(app: Flask, as_system: Actor) -> None:
    """A partner university in an otherwise empty portal; the test acts as the system."""
    found()


@pytest.fixture
def refusing(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Refusals]:
    """What a plugin refuses, which is loaded for this test."""
    refusals: Refusals = {}

    @hookimpl
    def enrollments_refuse_entries(event: CourseEntries) -> Mapping[CourseEntry, CourseRefusal]:
        return {entry: refusals[entry] for entry in event.entries if entry in refusals}

    module = ModuleType("a_refuser")
    module.__dict__.update(enrollments_refuse_entries=enrollments_refuse_entries)
    with _loaded(app, module, monkeypatch):
        yield refusals


@pytest.fixture
def grading(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Grades]:
    """The grades that a plugin knows, which is loaded for this test."""
    grades: Grades = {}

    @hookimpl
    def enrollments_course_grades(event: GradesWanted) -> Mapping[int, CourseGrade]:
        return {user_id: grades[user_id] for user_id in event.user_ids if user_id in grades}

    module = ModuleType("a_grader")
    module.__dict__.update(enrollments_course_grades=enrollments_course_grades)
    with _loaded(app, module, monkeypatch):
        yield grades


@contextmanager
def _loaded(app: Flask, module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    plugins = app.extensions[PLUGINS_KEY]
    monkeypatch.setitem(plugins.modules, module.__name__, module)
    plugins._manager.register(module, module.__name__)
    try:
        yield
    finally:
        plugins._manager.unregister(name=module.__name__)
