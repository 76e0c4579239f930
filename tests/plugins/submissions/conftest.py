"""Fixtures of the submissions tests."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from flask import Flask

from plugins.submissions import api
from portal.kernel.transaction import run_in_transaction
from portal.testing.statements import counted_statements

Counting = Callable[[], AbstractContextManager[list[str]]]


def item(student: str = "ann", course: str = "c1", name: str = "i1", kind: str = "essay") -> dict[str, str]:
    """Return the dict that names a student item."""
    return {"student_id": student, "course_id": course, "item_id": name, "item_type": kind}


def handed_in(student: str = "ann", answer: Any = "an answer", **more: Any) -> dict[str, Any]:
    """Hand an answer in, in a transaction of its own, and return the submission."""
    return run_in_transaction(lambda: api.create_submission(item(student), answer, **more))


def scored(uuid: str, earned: int, possible: int, **more: Any) -> None:
    """Set a score in a transaction of its own."""
    run_in_transaction(lambda: api.set_score(uuid, earned, possible, **more))


def _is_aside(text: str) -> bool:
    return text.startswith(("BEGIN", "SAVEPOINT", "RELEASE")) or "FROM portal_setting" in text


@pytest.fixture
def statements(app: Flask) -> Counting:
    """Collect the statements of a block.

    What opens and ends transactions and savepoints does not count, nor the settings, which are read every two seconds.
    """

    @contextmanager
    def counting() -> Iterator[list[str]]:
        with counted_statements() as seen:
            yield seen
        seen[:] = [text for text in seen if not _is_aside(text)]

    return counting
