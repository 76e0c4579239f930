"""Decides what each row of an import sheet will do, or why it is refused. Reads only."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import select, tuple_

from plugins.admissions.api.import_rows import (
    APPLICANT_ID,
    CONTAINER,
    HISTORY,
    ImportMode,
    ImportRequest,
    ImportRow,
    Known,
    convert,
    load_known,
    wanted_applicant_id,
)
from plugins.admissions.errors import (
    ALREADY_CREATED,
    APPLICANT_NOT_FOUND,
    CERTIFICATE_MISSING,
    CERTIFICATE_WRONG_CATEGORY,
    REG_NUMBER_TAKEN,
    Refusal,
    field_missing,
)
from plugins.admissions.models import Applicant, ApplicantState
from plugins.admissions.models.names import folded_name
from portal.sdk import db

REQUIRED = ("firstname", "lastname", "sex")
#: Values that say which applicant is meant, not what to write.
_NOT_WRITTEN = (CONTAINER, APPLICANT_ID, HISTORY)


@dataclass(kw_only=True)
class Judged:
    """A row with what it will do: ``refusal`` is None unless nothing will be done.

    ``existing`` is the applicant as it is; ``changes`` the columns that get new values.
    """

    row: ImportRow
    refusal: Refusal | None = None
    existing: Any = None
    container_id: uuid.UUID | None = None
    container_code: str = ""
    changes: dict[str, Any] = field(default_factory=dict)
    history: str = ""
    warning: str = ""

    @property
    def is_unchanged(self) -> bool:
        return self.refusal is None and not self.changes and not self.history and self.row.photo is None


@dataclass(kw_only=True)
class _Claims:
    """What earlier rows of the chunk have taken."""

    applicant_ids: set[str] = field(default_factory=set)
    reg_numbers: set[str] = field(default_factory=set)


def judge(request: ImportRequest, *, lock: bool = False) -> list[Judged]:
    """Return one judgement per row, in order. Four statements for any number of rows.

    Args:
        request: At most some hundred rows.
        lock: Keep the applicants from changing until the transaction ends.
    """
    known = load_known(request, lock=lock)
    claims = _Claims()
    judged = [_judged(request, row, known, claims) for row in request.rows]
    if request.mode is ImportMode.CREATE:
        _warn_of_namesakes(judged)
    return judged


def _judged(request: ImportRequest, row: ImportRow, known: Known, claims: _Claims) -> Judged:
    values, refusal = convert(row)
    judged = Judged(row=row, refusal=refusal, history=values.get(HISTORY, ""))
    if refusal is None:
        steps = {ImportMode.CREATE: _new, ImportMode.UPDATE: _changed, ImportMode.REMOVE: _removed}
        judged.refusal = steps[request.mode](request, judged, values, known, claims)
    return judged


def _refused(row: ImportRow, code: str, message: str) -> Refusal:
    return Refusal(code=code, message=f"Row {row.number}: {message}")


def _new(
    request: ImportRequest, judged: Judged, values: dict[str, Any], known: Known, claims: _Claims
) -> Refusal | None:
    row = judged.row
    for name in REQUIRED:
        if not values.get(name):
            return _refused(row, field_missing(name), f"column {name} is empty; every applicant needs it.")
    code = values.get(CONTAINER, request.container or "")
    container = known.containers.get(code)
    if not code:
        return _refused(
            row, field_missing(CONTAINER), f"column {CONTAINER} is empty; name the container's code."
        )
    if container is None:
        return _refused(
            row, "container-not-found", f"column {CONTAINER}, value {code!r}: there is no such container."
        )
    judged.container_id, judged.container_code = container.id, container.code
    wanted = wanted_applicant_id(row.values, request.container)
    if wanted is not None and (wanted in known.by_applicant_id or wanted in claims.applicant_ids):
        return _refused(
            row, "already-exists", f"there is an applicant {wanted} already. Use update to change it."
        )
    refusal = _number_free(row, values, None, known, claims) or _courses(row, values, container, known, None)
    if refusal is not None:
        return refusal
    claims.applicant_ids.add(wanted or "")
    judged.changes = {name: value for name, value in values.items() if name not in _NOT_WRITTEN}
    if values.get("state") == ApplicantState.ADMITTED and not values.get("course_admitted"):
        judged.warning = "Admitted without course_admitted: no student can be created before it is filled in."
    return None


def _changed(
    request: ImportRequest, judged: Judged, values: dict[str, Any], known: Known, claims: _Claims
) -> Refusal | None:
    refusal = _find(judged, values, known, claims)
    if refusal is not None:
        return refusal
    row, existing = judged.row, judged.existing
    refusal = _number_free(row, values, existing, known, claims) or _courses(
        row, values, existing, known, existing
    )
    if refusal is not None:
        return refusal
    judged.changes = {
        name: value
        for name, value in values.items()
        if name not in (*_NOT_WRITTEN, "application_number") and getattr(existing, name) != value
    }
    return None


def _removed(
    request: ImportRequest, judged: Judged, values: dict[str, Any], known: Known, claims: _Claims
) -> Refusal | None:
    judged.history = ""
    return _find(judged, values, known, claims)


def _find(judged: Judged, values: Mapping[str, Any], known: Known, claims: _Claims) -> Refusal | None:
    """Find the applicant that the row means, by applicant_id or else by registration number."""
    row = judged.row
    name = wanted_applicant_id({k: v for k, v in row.values.items() if k == APPLICANT_ID}, None)
    number = values.get("reg_number")
    if not name and not number:
        return _refused(
            row, field_missing(APPLICANT_ID), "neither applicant_id nor reg_number says who is meant."
        )
    existing = known.by_applicant_id.get(name) if name else known.by_reg_number.get(str(number))
    if existing is None:
        return _refused(
            row, APPLICANT_NOT_FOUND, f"there is no applicant {name or number}. Use create for a new one."
        )
    if existing.state == ApplicantState.CREATED:
        message = f"{existing.applicant_id} is a student already ({existing.student_id}) and stays as it is."
        return _refused(row, ALREADY_CREATED, message)
    if existing.applicant_id in claims.applicant_ids:
        return _refused(
            row, "duplicate", f"{existing.applicant_id} is in this sheet twice. The first row counts."
        )
    claims.applicant_ids.add(existing.applicant_id)
    judged.existing = existing
    return None


def _number_free(
    row: ImportRow, values: Mapping[str, Any], existing: Any, known: Known, claims: _Claims
) -> Refusal | None:
    number = values.get("reg_number")
    if not number:
        return None
    holder = known.by_reg_number.get(number)
    if holder is not None and (existing is None or holder.id != existing.id):
        message = f"column reg_number, value {number!r}: applicant {holder.applicant_id} has it already."
        return _refused(row, REG_NUMBER_TAKEN, message)
    if number in claims.reg_numbers:
        message = f"column reg_number, value {number!r}: an earlier row has it. Correct one of them."
        return _refused(row, REG_NUMBER_TAKEN, message)
    claims.reg_numbers.add(number)
    return None


def _courses(
    row: ImportRow, values: Mapping[str, Any], container: Any, known: Known, existing: Any
) -> Refusal | None:
    for name in ("course1", "course2", "course_admitted"):
        code = values.get(name)
        # A certificate that was removed meanwhile stays where it was chosen.
        if not code or (existing is not None and getattr(existing, name) == code):
            continue
        category = known.categories.get(code)
        if category is None:
            return _refused(
                row, CERTIFICATE_MISSING, f"column {name}, value {code!r}: there is no such certificate."
            )
        if name != "course_admitted" and category != container.application_category:
            message = (
                f"column {name}, value {code!r}: this certificate is for {category!r}, "
                f"the container for {container.application_category!r}."
            )
            return _refused(row, CERTIFICATE_WRONG_CATEGORY, message)
    return None


def _warn_of_namesakes(judged: list[Judged]) -> None:
    people = {
        (item.container_id, _fullname(item.changes), item.changes["date_of_birth"]): item
        for item in judged
        if item.refusal is None and item.changes.get("date_of_birth")
    }
    if not people:
        return
    key = (Applicant.container_id, Applicant.fullname, Applicant.date_of_birth)
    found = db.session.execute(select(*key, Applicant.applicant_id).where(tuple_(*key).in_(people)))
    for container_id, fullname, born, applicant_id in found:
        item: Judged = people[_key(container_id, fullname, born)]
        item.warning = (
            f"Possible duplicate: {applicant_id} has the same name and date of birth. {item.warning}".strip()
        )


def _key(container_id: uuid.UUID, fullname: str, born: date | None) -> tuple[uuid.UUID | None, str, Any]:
    return container_id, fullname, born


def _fullname(values: Mapping[str, Any]) -> str:
    return folded_name(values["firstname"], values.get("middlename") or "", values["lastname"])
