"""What goes wrong when a form is saved, in words for the person who saved it."""

from typing import Any

from flask import flash
from sqlalchemy import Table
from sqlalchemy.exc import DataError, DBAPIError, StatementError

from portal.kernel.errors import Conflict, InvalidInput, PortalError

_UNIQUE, _FOREIGN, _NOT_NULL, _CHECK = "23505", "23503", "23502", "23514"


def show_problem(form: Any, problem: PortalError) -> None:
    """Put the problem beside its field (``facts["field"]``) when the form has it, else at the top of the page."""
    field = problem.facts.get("field")
    if form is not None and field and field in form:
        form[field].errors = [*form[field].errors, problem.message]
    else:
        flash(problem.message, "error")


def is_unusable_value(error: Exception) -> bool:
    """Say whether the error means that a value does not fit its column (and not that the statement is wrong)."""
    if isinstance(error, DBAPIError):
        return isinstance(error, DataError)
    return isinstance(error, StatementError | OverflowError)


def constraint_problem(error: DBAPIError, table: Table, *, deleting: bool = False) -> PortalError:
    """Return what a refused write means: which rule of the table it breaks."""
    kind, columns = _kind(error), _columns(error, table)
    field = {"field": columns[0]} if columns else {}
    if kind == _FOREIGN and deleting:
        return Conflict("in-use", "Other records refer to this one, so it cannot be deleted.")
    if kind == _FOREIGN:
        return Conflict(
            "reference-missing", "A record that this one refers to does not exist any more. Choose again."
        )
    if kind == _UNIQUE:
        names = " and ".join(column.replace("_", " ") for column in columns) or "values"
        return Conflict("already-taken", f"Another record has the same {names}.", field)
    if kind == _NOT_NULL:
        return InvalidInput("value-missing", "A required value is missing.", field)
    if kind == _CHECK:
        return InvalidInput("value-not-allowed", "A value is outside what is allowed here.", field)
    return InvalidInput(
        "value-not-stored", "The database cannot store one of these values (too long or too large)."
    )


def _kind(error: DBAPIError) -> str:
    state = getattr(error.orig, "sqlstate", None)
    if state:
        return str(state)
    text = str(error.orig)
    for words, kind in (
        ("UNIQUE", _UNIQUE),
        ("FOREIGN KEY", _FOREIGN),
        ("NOT NULL", _NOT_NULL),
        ("CHECK", _CHECK),
    ):
        if f"{words} constraint failed" in text:
            return kind
    return ""


def _columns(error: DBAPIError, table: Table) -> list[str]:
    _, found, names = str(error.orig).partition("constraint failed: ")
    if found:
        return [
            name.rpartition(".")[2].strip()
            for name in names.split(",")
            if name.strip().startswith(f"{table.name}.")
        ]
    diagnosis = getattr(error.orig, "diag", None)
    if diagnosis is None:
        return []
    if diagnosis.column_name:
        return [diagnosis.column_name]
    rules: list[Any] = [*table.constraints, *table.indexes]
    return [
        column.name for rule in rules if rule.name == diagnosis.constraint_name for column in rule.columns
    ]
