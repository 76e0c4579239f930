"""Filters of the lists: by item, by course and type, by queue. Their menus jump along indexes, so they are quick."""

import json
from collections.abc import Iterable
from typing import Any

from plugins.submissions.api.courses import item_names, types_by_course
from plugins.submissions.api.queue import queue_names
from plugins.submissions.models import GraderEntry, StudentItem, Submission, SubmissionStatus, TeamSubmission
from portal.sdk.web import RelatedFilter

#: Entries of a menu; further items are reached by the overview.
MENU = 200


def pair_text(first: str, second: str) -> str:
    """Return two words as one value of an address."""
    return json.dumps([first, second])


def pair_of(text: str) -> tuple[str, str]:
    """Return the two words of such a value.

    Raises:
        ValueError: when it is none.
    """
    found = json.loads(text)
    if not isinstance(found, list) or len(found) != 2 or not all(isinstance(word, str) for word in found):
        raise ValueError("two words are needed")
    if "\0" in text or "\\u0000" in text:
        raise ValueError("NUL is no letter")
    return found[0], found[1]


def items_menu() -> Iterable[tuple[str, str]]:
    """Give the first items for a menu."""
    return [(pair_text(*name), " · ".join(name)) for name in item_names(limit=MENU)]


def types_menu() -> Iterable[tuple[str, str]]:
    """Give courses with the types of what is handed in, for a menu."""
    return [(pair_text(*name), " · ".join(name)) for name in types_by_course(limit=MENU)]


def queues_menu() -> Iterable[tuple[str, str]]:
    """Give the queues of graders for a menu."""
    return [(name, name) for name in queue_names()]


class ItemFilter(RelatedFilter):
    """Keeps the records of one item of a course.

    Args:
        model: With the columns ``course_id`` and ``item_id``.
    """

    def __init__(self, model: type[StudentItem] | type[TeamSubmission]) -> None:
        super().__init__(model.course_id, "Item", items_menu, pair_of)
        self._model = model

    def apply(self, query: Any, value: tuple[str, str], alias: Any = None) -> Any:
        return query.filter(self._model.course_id == value[0], self._model.item_id == value[1])


class TypeFilter(RelatedFilter):
    """Keeps the active submissions of one type of a course."""

    def __init__(self) -> None:
        super().__init__(Submission.course_id, "Course and type", types_menu, pair_of)

    def apply(self, query: Any, value: tuple[str, str], alias: Any = None) -> Any:
        is_active = Submission.status == SubmissionStatus.ACTIVE
        return query.filter(Submission.course_id == value[0], Submission.item_type == value[1], is_active)


def queue_filter() -> RelatedFilter:
    """Return the filter of entries by their queue."""
    return RelatedFilter(GraderEntry.queue_name, "Queue", queues_menu, str)
