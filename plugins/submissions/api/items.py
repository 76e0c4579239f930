"""Finds, makes and locks student items: whoever writes attempts or scores holds the item's row until the commit."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import select

from plugins.submissions.api.inputs import ItemKey, word
from plugins.submissions.api.sessions import upsert
from plugins.submissions.errors import FieldProblem, SubmissionRequestError
from plugins.submissions.models import StudentItem
from portal.sdk import db

Triple = tuple[str, str, str]


def triple(key: ItemKey) -> Triple:
    """Return what makes the item unique: course, item, student; the type is no part of it."""
    return key.course_id, key.item_id, key.student_id


def locked_items(keys: Collection[ItemKey]) -> dict[Triple, int]:
    """Return the ids of these student items, made where missing, locked until the transaction ends. One statement.

    Raises:
        SubmissionRequestError: when one of them has another type.
    """
    wanted = {triple(key): key for key in keys}
    # In order, so that two callers with the same items wait for each other and never in a circle.
    rows = [vars(wanted[name]) for name in sorted(wanted)]
    statement = upsert(StudentItem)
    statement = statement.on_conflict_do_update(
        index_elements=[StudentItem.course_id, StudentItem.item_id, StudentItem.student_id],
        set_={"item_type": StudentItem.item_type},
    ).returning(
        StudentItem.id,
        StudentItem.course_id,
        StudentItem.item_id,
        StudentItem.student_id,
        StudentItem.item_type,
    )
    found: dict[Triple, int] = {}
    for row in db.session.execute(statement, rows):
        name = (row.course_id, row.item_id, row.student_id)
        if row.item_type != wanted[name].item_type:
            problem = FieldProblem("unique", f"This item has the type {row.item_type!r} already.")
            raise SubmissionRequestError(field_errors={"non_field_errors": [problem]})
        found[name] = row.id
    return found


def locked_item(student_id: object, course_id: object, item_id: object) -> Any:
    """Return the row of a student item of any type, locked, or None when there is none. One statement."""
    names = (word(student_id), word(course_id), word(item_id))
    if None in names:
        return None
    statement = select(StudentItem.id, *_COLUMNS).where(
        StudentItem.student_id == names[0],
        StudentItem.course_id == names[1],
        StudentItem.item_id == names[2],
    )
    return db.session.execute(statement.with_for_update()).one_or_none()


def is_item(key: ItemKey) -> tuple[Any, ...]:
    """Return the conditions that pick a student item, its type included."""
    return (
        StudentItem.course_id == key.course_id,
        StudentItem.item_id == key.item_id,
        StudentItem.student_id == key.student_id,
        StudentItem.item_type == key.item_type,
    )


_COLUMNS = (StudentItem.student_id, StudentItem.course_id, StudentItem.item_id, StudentItem.item_type)
