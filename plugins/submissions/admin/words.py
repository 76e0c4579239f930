"""How submissions look in lists and pages: states, points, links to student items, answers as harmless text."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import url_for
from markupsafe import Markup

from plugins.submissions.models import Score, SubmissionStatus
from plugins.submissions.permissions import ITEMS_VIEW
from portal.sdk import current_actor, may
from portal.sdk.web import badge, shown

#: Characters of an answer that a page shows; the file has all.
SHOWN_CHARACTERS = 20_000
STATUS_WORDS: Mapping[str, tuple[str, str]] = {
    SubmissionStatus.ACTIVE: ("active", "good"),
    SubmissionStatus.DELETED: ("cleared", "calm"),
}
GRADER_TONES: Mapping[str, str] = {
    "pending": "wait",
    "pulled": "run",
    "retired": "good",
    "failed": "bad",
    "retry": "wait",
}


@dataclass(frozen=True, kw_only=True)
class ShownAnswer:
    """An answer as a page shows it: plain text, never markup.

    Args:
        text: The whole answer, or its beginning.
        length: Characters as stored.
        parts: What the student wrote, where the answer says which of it that is.
    """

    text: str
    length: int
    is_cut: bool
    parts: tuple[str, ...] = ()


def shown_answer(raw: str) -> ShownAnswer:
    """Return an answer (JSON text) as people read it: a text as it is, anything else in lines."""
    parts: tuple[str, ...] = ()
    try:
        value = json.loads(raw)
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
        parts = _written(value)
    except (ValueError, RecursionError):
        text = raw
    is_cut = len(text) > SHOWN_CHARACTERS
    return ShownAnswer(
        text=text[:SHOWN_CHARACTERS], length=len(raw), is_cut=is_cut, parts=() if is_cut else parts
    )


def _written(value: Any) -> tuple[str, ...]:
    """Return the texts of an answer in the form of open assessments, ``{"parts": [{"text": …}]}``."""
    parts = value.get("parts") if isinstance(value, dict) else None
    found = (
        [part.get("text") if isinstance(part, dict) else None for part in parts or ()]
        if isinstance(parts, list)
        else []
    )
    return tuple(text for text in found if isinstance(text, str) and text)


def status_badge(status: str) -> Any:
    """Return whether a submission counts, as a badge."""
    word, tone = STATUS_WORDS[status]
    return badge(word, tone)


def status_cell(view: Any, context: Any, record: Any, name: str) -> Any:
    """Show whether a submission counts."""
    return status_badge(record.status)


def points_text(score: Score | None) -> Any:
    """Return a score as points, or as what else it is."""
    if score is None:
        return shown(None)
    if score.reset:
        return badge("reset", "calm")
    if score.is_hidden:
        return Markup("{}/{} {}").format(score.points_earned, score.points_possible, badge("hidden", "calm"))
    return f"{score.points_earned}/{score.points_possible}"


def item_link(record_id: int, text: str) -> Any:
    """Return a link to the page of a student item; the text alone for those who may not open it."""
    if not may(current_actor(), ITEMS_VIEW):
        return text
    return Markup('<a class="row-link" href="{}">{}</a>').format(
        url_for("submissions_student_item.details_view", id=record_id), text
    )


def student_cell(view: Any, context: Any, record: Any, name: str) -> Any:
    """Show whose a submission or score is, as a link to the student item."""
    return item_link(record.student_item.id, record.student_item.student_id)


def item_cell(view: Any, context: Any, record: Any, name: str) -> Any:
    """Show the item, with its course."""
    item = record.student_item
    return Markup('<span>{} <span class="muted">{}</span></span>').format(item.item_id, item.course_id)


def of_item(field: str) -> Any:
    """Return a cell with a word of the record's student item."""

    def cell(view: Any, context: Any, record: Any, name: str) -> Any:
        return getattr(record.student_item, field)

    return cell


def code_cell(view: Any, context: Any, record: Any, name: str) -> Any:
    """Show a word that names something."""
    value = getattr(record, name)
    return Markup("<code>{}</code>").format(value) if value else shown(None)
