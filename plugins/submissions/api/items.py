"""Finds, makes and locks student items: whoever writes attempts or scores holds the item's row until the commit."""

from collections.abc import Collection
from functools import cache
from typing import Any

from sqlalchemy import bindparam, select

from plugins.submissions.api.inputs import ItemKey, word
from plugins.submissions.api.sessions import dialect, execute, upsert
from plugins.submissions.api.shapes import STUDENT_ITEM
from plugins.submissions.errors import FieldProblem, SubmissionRequestError
from plugins.submissions.models import StudentItem

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
    found: dict[Triple, int] = {}
    for row in execute(_making(dialect()), rows):
        name = (row.course_id, row.item_id, row.student_id)
        if row.item_type != wanted[name].item_type:
            problem = FieldProblem("unique", f"This item has the type {row.item_type!r} already.")
            raise SubmissionRequestError(field_errors={"non_field_errors": [problem]})
        found[name] = row.id
    return found


@cache
def _making(database: str) -> Any:
    statement = upsert(StudentItem, database)
    return statement.on_conflict_do_update(
        index_elements=[StudentItem.course_id, StudentItem.item_id, StudentItem.student_id],
        set_={"item_type": StudentItem.item_type},
    ).returning(StudentItem.id, *STUDENT_ITEM)


def locked_item(student_id: object, course_id: object, item_id: object) -> Any:
    """Return the row of a student item of any type, locked, or None when there is none. One statement."""
    names = (word(student_id), word(course_id), word(item_id))
    if None in names:
        return None
    named = dict(zip(("student_id", "course_id", "item_id"), names, strict=True))
    return execute(_LOCKING, named).one_or_none()


#: Picks one student item, its type included; the parameters are ``vars()`` of an :class:`ItemKey`.
IS_ITEM = tuple(
    getattr(StudentItem, name) == bindparam(name)
    for name in ("course_id", "item_id", "student_id", "item_type")
)
_LOCKING = select(StudentItem.id, *STUDENT_ITEM).where(*IS_ITEM[:3]).with_for_update()
