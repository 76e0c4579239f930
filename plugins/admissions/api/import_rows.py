"""What a row of an import sheet means: its values converted, with one message for everything that is wrong."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pydantic import BaseModel
from sqlalchemy import ColumnElement, or_, select

from plugins.admissions.api.fields import RULES, FieldProblem, converted
from plugins.admissions.api.history import parsed_history
from plugins.admissions.errors import Refusal, field_invalid
from plugins.admissions.models import Applicant, Certificate, Container
from portal.sdk import db

#: Fields of a row that are something else than a field of the applicant itself.
CONTAINER, APPLICANT_ID, HISTORY = "container_code", "applicant_id", "history"
_NOBODY = uuid.UUID(int=0)


class ImportMode(StrEnum):
    """What a sheet does with its rows."""

    CREATE = "create"
    UPDATE = "update"
    REMOVE = "remove"


class ImportRow(BaseModel):
    """One row as read: ``values`` holds the cells that are not empty, by field; ``photo`` a member of the ZIP."""

    number: int
    values: dict[str, str]
    photo: str | None = None


@dataclass(frozen=True, kw_only=True)
class ImportRequest:
    """Rows with what they share."""

    rows: Sequence[ImportRow]
    mode: ImportMode
    #: Code of the container of rows that name none.
    container: str | None = None


@dataclass(kw_only=True)
class Known:
    """What the database knows about the rows of one chunk."""

    containers: dict[str, Any] = field(default_factory=dict)
    categories: dict[str, str] = field(default_factory=dict)
    by_applicant_id: dict[str, Any] = field(default_factory=dict)
    by_reg_number: dict[str, Any] = field(default_factory=dict)


def convert(row: ImportRow) -> tuple[dict[str, Any], Refusal | None]:
    """Return the row's values, and the refusal that names every cell that cannot be used."""
    values: dict[str, Any] = {}
    problems: list[tuple[str, str]] = []
    for name, text in row.values.items():
        try:
            if name == HISTORY:
                parsed_history(text, _NOBODY)
                values[name] = text
            else:
                values[name] = converted(name, text) if name in RULES else text.strip()
        except FieldProblem as problem:
            problems.append((name, f"column {name}, value {text[:80]!r}: {problem}"))
    if not problems:
        return values, None
    message = f"Row {row.number}: " + "; ".join(text for _, text in problems) + "."
    return values, Refusal(code=field_invalid(problems[0][0]), message=message)


def load_known(request: ImportRequest, *, lock: bool) -> Known:
    """Look up everything the rows refer to. Three statements for any number of rows."""
    values = [row.values for row in request.rows]
    codes = {item.get(CONTAINER, request.container or "").strip() for item in values}
    courses = {
        item[name].strip()
        for item in values
        for name in ("course1", "course2", "course_admitted")
        if name in item
    }
    known = Known()
    known.containers = {row.code: row for row in db.session.execute(_containers(codes))}
    if courses:
        found = select(Certificate.code, Certificate.application_category).where(
            Certificate.code.in_(courses)
        )
        known.categories = dict(db.session.execute(found).all())
    for applicant in _applicants(request, lock=lock):
        known.by_applicant_id[applicant.applicant_id] = applicant
        if applicant.reg_number:
            known.by_reg_number[applicant.reg_number] = applicant
    return known


def _containers(codes: Collection[str]) -> Any:
    columns = (Container.id, Container.code, Container.application_category)
    return select(*columns).where(Container.code.in_(codes))


def wanted_applicant_id(values: Mapping[str, str], container: str | None) -> str | None:
    """Return the applicant_id that a row names, or that a new one with a number of its own would get."""
    if APPLICANT_ID in values:
        return values[APPLICANT_ID].strip()
    if "application_number" in values:
        return f"{values.get(CONTAINER, container or '').strip()}_{values['application_number'].strip()}"
    return None


def _applicants(request: ImportRequest, *, lock: bool) -> Sequence[Any]:
    values = [row.values for row in request.rows]
    ids = {name for item in values if (name := wanted_applicant_id(item, request.container))}
    numbers = {" ".join(item["reg_number"].split()) for item in values if "reg_number" in item}
    wanted: list[ColumnElement[bool]] = []
    if ids:
        wanted.append(Applicant.applicant_id.in_(ids))
    if numbers:
        wanted.append(Applicant.reg_number.in_(numbers))
    if not wanted:
        return []
    statement = (
        select(*Applicant.__table__.c, Container.application_category)
        .join(Container, Container.id == Applicant.container_id)
        .where(or_(*wanted))
        .order_by(Applicant.id)
    )
    return db.session.execute(statement.with_for_update(of=Applicant) if lock else statement).all()
