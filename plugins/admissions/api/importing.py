"""Writes rows of an import sheet: new applicants, changed ones, removed ones, with history, photos and audit."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import bindparam, delete, insert, update

from plugins.admissions.api.applicants import attach_passports, draw_application_numbers
from plugins.admissions.api.history import HistoryLine, parsed_history, write_applicant_history
from plugins.admissions.api.import_judging import Judged, judge
from plugins.admissions.api.import_rows import ImportMode, ImportRequest
from plugins.admissions.api.import_snapshots import Snapshot, take_snapshots
from plugins.admissions.api.transitions import CLOSED_STATES, TRANSITIONS
from plugins.admissions.errors import CHANGED_SINCE_PREVIEW, Refusal
from plugins.admissions.models import Applicant, ApplicantHistory, ApplicantState
from plugins.admissions.models.names import folded_name
from portal.sdk import AuditRow, NewFile, db, new_id, record_many, utc_now

_table: Any = Applicant.__table__

_DEFAULTS: Mapping[str, Any] = {
    "reg_number": None,
    "middlename": "",
    "date_of_birth": None,
    "email": "",
    "phone": "",
    "course1": None,
    "course2": None,
    "course_admitted": None,
    "notice": "",
    "special_application": None,
    "student_id": None,
    "suspended": False,
    "application_date": None,
    "version": 1,
}
#: Columns that an update may change; the rest are the record's identity.
_CHANGEABLE = (
    "reg_number",
    "firstname",
    "middlename",
    "lastname",
    "sex",
    "date_of_birth",
    "email",
    "phone",
    "course1",
    "course2",
    "course_admitted",
    "notice",
    "special_application",
    "state",
    "locked",
    "suspended",
    "application_date",
)


@dataclass(frozen=True, kw_only=True)
class ImportOutcome:
    """What became of one row; ``refusal`` is None when it was done or there was nothing to change.

    ``version`` is the applicant's version after it, ``before`` what an undo restores.
    """

    applicant_uid: uuid.UUID | None = None
    refusal: Refusal | None = None
    is_unchanged: bool = False
    version: int | None = None
    before: Snapshot | None = None


#: Says for an existing applicant's version whether the row may still be applied; by row number.
StillAsSeen = Callable[[int, int], bool]


def write_import(
    request: ImportRequest,
    photos: Mapping[int, NewFile | Refusal],
    still_as_seen: StillAsSeen = lambda number, version: True,
) -> list[ImportOutcome]:
    """Write the rows and return one outcome per row, in order. A fixed number of statements per call.

    Needs an open transaction; does not commit. Rows are judged again as things are now.

    Args:
        photos: Row number → the prepared photo, or why it cannot be used, which refuses its row.
        still_as_seen: Given row number and version, whether the applicant is as in the preview.
    """
    db.session.flush()
    judged = judge(request, lock=True)
    for item in judged:
        item.refusal = item.refusal or _late_refusal(item, photos, still_as_seen)
    accepted = [item for item in judged if item.refusal is None and not item.is_unchanged]
    if request.mode is ImportMode.REMOVE:
        accepted = [item for item in judged if item.refusal is None]
    with_photo = {number for number, photo in photos.items() if isinstance(photo, NewFile)}
    kept = take_snapshots(accepted, request.mode, with_photo)
    writers = {ImportMode.CREATE: _insert, ImportMode.UPDATE: _update, ImportMode.REMOVE: _remove}
    uids = writers[request.mode](accepted) if accepted else {}
    if request.mode is not ImportMode.REMOVE:
        _write_photos(accepted, uids, photos)
    db.session.expire_all()
    return [_outcome(item, uids, request.mode, kept) for item in judged]


def _late_refusal(
    item: Judged, photos: Mapping[int, NewFile | Refusal], still_as_seen: StillAsSeen
) -> Refusal | None:
    if item.existing is not None and not still_as_seen(item.row.number, item.existing.version):
        message = f"Row {item.row.number}: {item.existing.applicant_id} was changed since the preview. Preview it again."
        return Refusal(code=CHANGED_SINCE_PREVIEW, message=message)
    photo = photos.get(item.row.number)
    return photo if isinstance(photo, Refusal) else None


def _outcome(
    item: Judged, uids: Mapping[int, uuid.UUID], mode: ImportMode, kept: Mapping[int, Snapshot]
) -> ImportOutcome:
    if item.refusal is not None:
        return ImportOutcome(refusal=item.refusal)
    uid = uids.get(item.row.number) or (item.existing.id if item.existing is not None else None)
    if mode is ImportMode.UPDATE and item.is_unchanged:
        return ImportOutcome(applicant_uid=uid, is_unchanged=True)
    version = item.existing.version + 1 if item.existing is not None else _DEFAULTS["version"]
    return ImportOutcome(applicant_uid=uid, version=version, before=kept.get(item.row.number))


def _insert(items: Sequence[Judged]) -> dict[int, uuid.UUID]:
    now = utc_now()
    numbers = _application_numbers(items)
    rows, lines, audit = [], [], []
    uids: dict[int, uuid.UUID] = {}
    for item in items:
        uid = uids[item.row.number] = new_id()
        row = _new_row(uid, item, numbers[item.row.number], now)
        rows.append(row)
        lines += _first_lines(uid, item, now)
        changes = {"applicant_id": row["applicant_id"], **plain_values(item.changes)}
        audit.append(AuditRow(action="create", target=_table.name, record_id=str(uid), changes=changes))
    db.session.execute(insert(_table), rows)
    write_applicant_history(lines)
    record_many(audit)
    return uids


def _application_numbers(items: Sequence[Judged]) -> dict[int, str]:
    given = {
        item.row.number: item.changes["application_number"]
        for item in items
        if "application_number" in item.changes
    }
    waiting: dict[uuid.UUID, list[int]] = {}
    for item in items:
        if item.row.number not in given and item.container_id is not None:
            waiting.setdefault(item.container_id, []).append(item.row.number)
    for container_id, rows in waiting.items():
        drawn = draw_application_numbers(container_id, len(rows), avoid=set(given.values()))
        given |= dict(zip(rows, drawn, strict=True))
    return given


def _new_row(uid: uuid.UUID, item: Judged, number: str, now: datetime) -> dict[str, Any]:
    values = {**_DEFAULTS, "state": ApplicantState.INITIALIZED, **item.changes}
    return {
        **values,
        "id": uid,
        "container_id": item.container_id,
        "application_number": number,
        "applicant_id": f"{item.container_code}_{number}",
        "fullname": folded_name(values["firstname"], values["middlename"], values["lastname"]),
        "locked": values.get("locked", values["state"] in CLOSED_STATES),
        "created_at": now,
    }


def _first_lines(uid: uuid.UUID, item: Judged, now: datetime) -> list[HistoryLine]:
    if item.history:
        return parsed_history(item.history, uid)
    lines = [HistoryLine(owner_uid=uid, at=now, text=TRANSITIONS["init"].text, transition="init")]
    return lines + _state_line(uid, item, now)


def _state_line(uid: uuid.UUID, item: Judged, now: datetime) -> list[HistoryLine]:
    if "state" not in item.changes:
        return []
    return [HistoryLine(owner_uid=uid, at=now, text=f"State '{item.changes['state']}' set")]


def _update(items: Sequence[Judged]) -> dict[int, uuid.UUID]:
    now = utc_now()
    changed, lines, audit = [], [], []
    for item in items:
        existing = item.existing
        values = dict(item.changes)
        if "state" in values and "locked" not in values:
            values["locked"] = values["state"] in CLOSED_STATES
        changed.append((existing, values))
        lines += (
            parsed_history(item.history, existing.id) if item.history else _state_line(existing.id, item, now)
        )
        before = plain_values({name: getattr(existing, name) for name in item.changes})
        changes = {name: [before[name], value] for name, value in plain_values(item.changes).items()}
        audit.append(
            AuditRow(action="update", target=_table.name, record_id=str(existing.id), changes=changes)
        )
    write_changes(changed)
    _forget_history([item.existing.id for item in items if item.history])
    write_applicant_history(lines)
    record_many(audit)
    return {item.row.number: item.existing.id for item in items}


def write_changes(changes: Sequence[tuple[Any, Mapping[str, Any]]]) -> None:
    """Give applicants new values and raise their versions, in one statement. The caller audits; does not commit.

    Args:
        changes: The applicant as it is (a row with all columns), and column → value; other columns stay.
    """
    rows = []
    for existing, changed in changes:
        values = {name: changed.get(name, getattr(existing, name)) for name in _CHANGEABLE}
        fullname = folded_name(values["firstname"], values["middlename"], values["lastname"])
        new = {f"new_{name}": value for name, value in values.items()}
        rows.append(new | {"new_fullname": fullname, "uid": existing.id})
    columns: dict[str, Any] = {name: bindparam(f"new_{name}") for name in (*_CHANGEABLE, "fullname")}
    statement = update(_table).where(_table.c.id == bindparam("uid"))
    db.session.execute(statement.values(**columns, version=_table.c.version + 1), rows)


def _forget_history(uids: Sequence[uuid.UUID]) -> None:
    if uids:
        db.session.execute(
            delete(ApplicantHistory)
            .where(ApplicantHistory.applicant_uid.in_(uids))
            .execution_options(synchronize_session=False)
        )


def _remove(items: Sequence[Judged]) -> dict[int, uuid.UUID]:
    record_many(
        [
            AuditRow(
                action="delete",
                target=_table.name,
                record_id=str(item.existing.id),
                changes={"applicant_id": item.existing.applicant_id},
            )
            for item in items
        ]
    )
    db.session.execute(delete(_table).where(_table.c.id.in_([item.existing.id for item in items])))
    return {item.row.number: item.existing.id for item in items}


def _write_photos(
    items: Sequence[Judged], uids: Mapping[int, uuid.UUID], photos: Mapping[int, NewFile | Refusal]
) -> None:
    files = {}
    for item in items:
        photo = photos.get(item.row.number)
        if isinstance(photo, NewFile):
            files[uids[item.row.number]] = photo
    attach_passports(files)


def plain_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values as JSON can hold them."""
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in values.items()}
