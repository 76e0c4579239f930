"""What there is of a course: its items with their students, its types, every submission with its score for an export.

What a page shows is read in the session of its request, which keeps the records that were loaded before.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Text, case, cast, func, literal, select, tuple_, union_all

from plugins.submissions.api.inputs import word
from plugins.submissions.api.lists import visible_course_submissions
from plugins.submissions.api.sessions import dialect, execute, reads
from plugins.submissions.api.shapes import Shape
from plugins.submissions.models import StudentItem, Submission, SubmissionStatus
from plugins.submissions.permissions import ITEMS_VIEW
from portal.sdk import current_actor, narrow

#: A count of students stops here: one more stands for any larger number.
COUNT_CAP = 10_000


@dataclass(frozen=True, kw_only=True)
class CourseItem:
    """An item of a course: how many students have it (at most one more than the cap), and its type."""

    course_id: str
    item_id: str
    students: int
    item_type: str


def item_names(
    after: tuple[str, str] = ("", ""), limit: int = 50, course_id: str | None = None
) -> list[tuple[str, str]]:
    """Return course and item of the items behind a pair, in the order of code points.

    One statement that jumps along an index, from item to item, however many students they have.

    Args:
        limit: At most so many.
        course_id: Of this course only.
    """
    columns = StudentItem.course_id, StudentItem.item_id
    jumps = _jumps(columns, after if course_id is None else (course_id, after[1]), limit)
    statement = select(jumps.c.first, jumps.c.second).where(
        jumps.c.first.is_not(None), jumps.c.second > "", tuple_(jumps.c.first, jumps.c.second) != after
    )
    if course_id is not None:
        statement = statement.where(jumps.c.first == course_id)
    rows = execute(statement.order_by(jumps.c.place).limit(limit))
    return [(row.first, row.second) for row in rows]


def _jumps(columns: tuple[Any, Any], after: tuple[str, str], limit: int, *only: ColumnElement[bool]) -> Any:
    """Return a table of places: each the next second word of a first one or, behind the last, the next first with none.

    Only what the actor may see is there.

    Args:
        columns: Of the same model, that an index begins with.
        only: What else must hold.
    """
    first, second = columns
    is_postgresql = dialect() == "postgresql"

    def start(text: str) -> Any:
        begun = cast(literal(text), Text)
        return begun.collate("C") if is_postgresql else begun

    steps = select(start(after[0]).label("first"), start(after[1]).label("second"), literal(0).label("place"))
    table = steps.cte("jumps", recursive=True)

    def least(column: Any, *where: ColumnElement[bool]) -> Any:
        found = select(func.min(column)).where(*where, *only)
        return narrow(found, current_actor(), ITEMS_VIEW, first.class_).scalar_subquery()

    next_second = least(second, first == table.c.first, second > table.c.second)
    next_first = least(first, first > table.c.first)
    further = select(
        case((next_second.is_(None), next_first), else_=table.c.first),
        func.coalesce(next_second, start("")),
        table.c.place + 1,
    ).where(table.c.first.is_not(None), table.c.place < 2 * limit + 2)
    return table.union_all(further)


def course_items(names: Sequence[tuple[str, str]]) -> list[CourseItem]:
    """Return these items with the number of their students, in the same order; one statement."""
    if not names:
        return []
    counted = union_all(*(_counted(place, name) for place, name in enumerate(names)))
    found = {row.place: row for row in execute(counted)}
    return [
        CourseItem(
            course_id=name[0],
            item_id=name[1],
            students=found[place].students,
            item_type=found[place].item_type or "",
        )
        for place, name in enumerate(names)
    ]


def _counted(place: int, name: tuple[str, str]) -> Any:
    is_item = (StudentItem.course_id == name[0], StudentItem.item_id == name[1])
    visible = narrow(select(literal(1)).where(*is_item), current_actor(), ITEMS_VIEW, StudentItem)
    counted = visible.limit(COUNT_CAP + 1).subquery()
    return select(
        literal(place).label("place"),
        select(func.count()).select_from(counted).scalar_subquery().label("students"),
        select(StudentItem.item_type).where(*is_item).limit(1).scalar_subquery().label("item_type"),
    )


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


def types_by_course(limit: int = 50) -> list[tuple[str, str]]:
    """Return course and type of what is handed in, in the order of code points; one statement that jumps along an index."""
    columns = Submission.course_id, Submission.item_type
    jumps = _jumps(columns, ("", ""), limit, Submission.status == SubmissionStatus.ACTIVE)
    statement = select(jumps.c.first, jumps.c.second).where(jumps.c.first.is_not(None), jumps.c.second > "")
    rows = execute(statement.order_by(jumps.c.place).limit(limit))
    return [(row.first, row.second) for row in rows]


def count_submissions_of(course_id: str, permission: str) -> int:
    """Return how many active submissions of a course the actor may see; one statement, from an index.

    Args:
        permission: By which plugins narrow the rows.
    """
    statement = select(func.count()).where(
        Submission.course_id == (word(course_id) or ""), Submission.status == SubmissionStatus.ACTIVE
    )
    statement = narrow(statement, current_actor(), permission, Submission)
    with reads() as connection:
        return int(connection.execute(statement).scalar_one())


def course_lines(course_id: str, permission: str) -> Iterator[tuple[Shape, Shape, Shape]]:
    """Give (StudentItem, Submission, Score or empty) shapes of a course's active submissions, type by type, newest first.

    As far as the actor may see them. Two statements per 500 submissions, in constant memory.

    Args:
        permission: By which plugins narrow the rows.
    """
    for kind in item_types(course_id):
        yield from visible_course_submissions(course_id, kind, permission)
