"""What an import keeps of applicants before it changes or removes them, so that it can be undone."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Date, Uuid, select

from plugins.admissions.api.import_judging import Judged
from plugins.admissions.api.import_rows import ImportMode
from plugins.admissions.models import Applicant, ApplicantFile, ApplicantHistory
from plugins.admissions.models.vocabulary import PASSPORT_NAME
from portal.sdk import UtcDateTime, db

_RECORD: Mapping[str, Any] = {column.name: column for column in Applicant.__table__.columns}
_FILE: Mapping[str, Any] = {column.name: column for column in ApplicantFile.__table__.columns}
_LINE: Mapping[str, Any] = {column.name: column for column in ApplicantHistory.__table__.columns}


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """An applicant before the import, as far as the import touches it, as JSON can hold it.

    ``record`` has column → value; ``files`` and ``history`` are None where the import leaves them alone.
    """

    record: Mapping[str, Any]
    files: Sequence[Mapping[str, Any]] | None = None
    history: Sequence[Mapping[str, Any]] | None = None

    def plain(self) -> dict[str, Any]:
        """Return it as a job's row keeps it."""
        return {"record": self.record, "files": self.files, "history": self.history}

    @property
    def blobs(self) -> tuple[str, ...]:
        return tuple(file["sha256"] for file in self.files or ())


def take_snapshots(
    items: Sequence[Judged], mode: ImportMode, photo_numbers: Collection[int]
) -> dict[int, Snapshot]:
    """Return row number → snapshot of its applicant, before anything is written. At most two statements.

    Args:
        items: Rows that will be applied.
        photo_numbers: Rows that replace the photo.
    """
    if mode is ImportMode.CREATE:
        return {}
    whole = mode is ImportMode.REMOVE
    filed = [item.existing.id for item in items if whole or item.row.number in photo_numbers]
    told = [item.existing.id for item in items if whole or item.history]
    files = _rows_of(ApplicantFile, filed, () if whole else (ApplicantFile.name == PASSPORT_NAME,))
    lines = _rows_of(ApplicantHistory, told, ())
    return {
        item.row.number: Snapshot(
            record=_before(item, whole),
            files=files.get(item.existing.id, []) if item.existing.id in set(filed) else None,
            history=lines.get(item.existing.id, []) if item.existing.id in set(told) else None,
        )
        for item in items
    }


def _before(item: Judged, whole: bool) -> dict[str, Any]:
    names = set(_RECORD) if whole else {*item.changes, *(("locked",) if "state" in item.changes else ())}
    return {name: _plain(getattr(item.existing, name)) for name in sorted(names)}


def _rows_of(
    model: Any, uids: Sequence[uuid.UUID], conditions: Sequence[Any]
) -> dict[uuid.UUID, list[dict[str, Any]]]:
    found: dict[uuid.UUID, list[dict[str, Any]]] = {}
    if not uids:
        return found
    table = model.__table__
    statement = select(*table.columns).where(table.c.applicant_uid.in_(uids), *conditions)
    for row in db.session.execute(statement.order_by(table.c.id)).mappings():
        found.setdefault(row["applicant_uid"], []).append({name: _plain(row[name]) for name in row})
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value) if isinstance(value, uuid.UUID) else value


def record_values(kept: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns of an applicant as they were."""
    return _values(kept, _RECORD)


def file_values(kept: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows of its files as they were."""
    return [_values(row, _FILE) for row in kept]


def line_values(kept: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows of its history as they were."""
    return [_values(row, _LINE) for row in kept]


def _values(kept: Mapping[str, Any], columns: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _value(columns[name].type, value) for name, value in kept.items() if name in columns}


def _value(kind: Any, value: Any) -> Any:
    if value is None:
        return None
    if isinstance(kind, Uuid):
        return uuid.UUID(value)
    if isinstance(kind, UtcDateTime):
        return datetime.fromisoformat(value)
    return date.fromisoformat(value) if isinstance(kind, Date) else value
