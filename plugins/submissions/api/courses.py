"""What there is of a course: its items with their students, its types, every submission with its score for an export."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select, tuple_

from plugins.submissions.api.inputs import word
from plugins.submissions.api.lists import get_all_course_submission_information
from plugins.submissions.api.sessions import reads
from plugins.submissions.api.shapes import Shape
from plugins.submissions.models import StudentItem, Submission, SubmissionStatus


@dataclass(frozen=True, kw_only=True)
class CourseItem:
    """An item of a course, and how many students have it."""

    course_id: str
    item_id: str
    students: int


def course_items(
    after: tuple[str, str] = ("", ""), limit: int = 50, course_id: str | None = None
) -> list[CourseItem]:
    """Return items by course and item, in the order of code points, from behind a pair; one statement from an index.

    Args:
        course_id: Of this course only.
    """
    pair = (StudentItem.course_id, StudentItem.item_id)
    statement = (
        select(*pair, func.count()).where(tuple_(*pair) > after).group_by(*pair).order_by(*pair).limit(limit)
    )
    if course_id is not None:
        statement = statement.where(StudentItem.course_id == (word(course_id) or ""))
    with reads() as connection:
        return [
            CourseItem(course_id=row[0], item_id=row[1], students=row[2])
            for row in connection.execute(statement)
        ]


def item_types(course_id: str) -> Sequence[str]:
    """Return the types of a course's active submissions, in order; one statement for each, from an index."""
    found: list[str] = []
    statement = select(func.min(Submission.item_type)).where(
        Submission.course_id == (word(course_id) or ""), Submission.status == SubmissionStatus.ACTIVE
    )
    with reads() as connection:
        kind = connection.execute(statement).scalar()
        while kind is not None:
            found.append(kind)
            kind = connection.execute(statement.where(Submission.item_type > kind)).scalar()
    return found


def count_submissions_of(course_id: str) -> int:
    """Return how many active submissions a course has; one statement, from an index."""
    statement = select(func.count()).where(
        Submission.course_id == (word(course_id) or ""), Submission.status == SubmissionStatus.ACTIVE
    )
    with reads() as connection:
        return int(connection.execute(statement).scalar_one())


def course_lines(
    course_id: str, item_id: str | None = None, read_replica: bool = True
) -> Iterator[tuple[Shape, Shape, Shape]]:
    """Give (StudentItem, Submission, Score or empty) shapes of a course's active submissions, type by type, newest first.

    Two statements per 500 submissions, in constant memory.

    Args:
        item_id: Of this item only; the others are read and left out.
    """
    wanted: Any = word(item_id) if item_id is not None else None
    for kind in item_types(course_id):
        for line in get_all_course_submission_information(course_id, kind, read_replica):
            if item_id is None or line[0]["item_id"] == wanted:
                yield line
