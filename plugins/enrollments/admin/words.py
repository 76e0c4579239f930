"""How enrollments look in lists and pages: tones of states, links, choices of menus."""

import uuid
from collections.abc import Mapping
from typing import Any

from flask import url_for
from markupsafe import Markup
from sqlalchemy import select

from plugins.enrollments.models import CourseRun, Program
from plugins.enrollments.models.vocabulary import PROGRAM_STATUSES, ProgramEnrollmentStatus
from portal.sdk import db
from portal.sdk.web import ChoiceFilter, Tone, badge, shown

#: Entries of a menu.
MOST_CHOICES = 300
TONES: Mapping[str, Tone] = {
    "enrolled": "good",
    "pending": "wait",
    "suspended": "bad",
    "canceled": "calm",
    "ended": "run",
    "active": "good",
    "inactive": "calm",
}
#: In the order of a learner's way.
STATUSES = [status.value for status in ProgramEnrollmentStatus]


class StatusFilter(ChoiceFilter):
    """Keeps rows of one status."""

    def __init__(self, column: Any, words: Any = PROGRAM_STATUSES) -> None:
        super().__init__(column, "Status", sorted(words))


def code_cell(view: Any, context: Any, record: Any, name: str) -> Any:
    """Return a key in the type of keys."""
    value = getattr(record, name)
    return Markup("<code>{}</code>").format(value) if value else shown(None)


def status_cell(view: Any, context: Any, record: Any, name: str) -> Any:
    """Return a status as a badge."""
    return badge(record.status, TONES.get(record.status, ""))


def user_cell(view: Any, context: Any, record: Any, name: str) -> Any:
    """Return the user with a link to what is known of them here; who has no account waits."""
    if record.user is None:
        return badge("waiting", "wait")
    address = url_for("enrollments_inspector.index", q=record.user.sign_in_name)
    return Markup('<a href="{}">{}</a>').format(address, record.user.sign_in_name)


def course_choices() -> list[tuple[str, str]]:
    """Return key and title of the course runs, for menus. One statement."""
    found = db.session.execute(
        select(CourseRun.course_key, CourseRun.title).order_by(CourseRun.course_key).limit(MOST_CHOICES)
    )
    return [(key, f"{key} – {title}" if title else key) for key, title in found]


def titles(keys: set[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Return program to title; one statement."""
    found = db.session.execute(select(Program.id, Program.title).where(Program.id.in_(keys)))
    return {key: title or str(key) for key, title in found}
