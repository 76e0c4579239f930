"""Takes back what an import did: removes what it made, restores what it changed or removed. Nothing here commits."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, insert, or_, select

from plugins.admissions.api.history import HistoryLine, write_applicant_history
from plugins.admissions.api.import_rows import ImportMode
from plugins.admissions.api.import_snapshots import file_values, line_values, record_values
from plugins.admissions.api.importing import plain_values, write_changes
from plugins.admissions.errors import ALREADY_EXISTS, APPLICANT_NOT_FOUND, REG_NUMBER_TAKEN, Refusal
from plugins.admissions.models import Applicant, ApplicantFile, ApplicantHistory, Container
from plugins.admissions.models.vocabulary import PASSPORT_NAME
from portal.sdk import AuditRow, Conflict, db, last_writes, record_many, utc_now, who_refers

CHANGED_SINCE = "changed-since"
NOT_KEPT = "before-not-kept"
CONTAINER_MISSING = "container-not-found"

_table: Any = Applicant.__table__


@dataclass(frozen=True, kw_only=True)
class ImportToUndo:
    """One row that an import has applied.

    Args:
        version: Version that the applicant had after it.
        job_id: The import, whose own entries in the audit record are no changes since.
        before: The snapshot that was kept; None for a new applicant.
    """

    applicant_uid: uuid.UUID
    label: str
    version: str | None
    job_id: uuid.UUID
    before: Mapping[str, Any] | None = None

    @property
    def reg_number(self) -> str | None:
        record: Mapping[str, Any] = (self.before or {}).get("record", {})
        return record.get("reg_number")


@dataclass(kw_only=True)
class _Judged:
    item: ImportToUndo
    existing: Any = None
    refusal: Refusal | None = None


def applicants_count(container: str | None) -> int:
    """Return how many applicants there are, of a container by its code, or of all. One statement."""
    statement = select(func.count()).select_from(Applicant)
    if container is not None:
        statement = statement.join(Container).where(Container.code == container)
    return db.session.scalar(statement) or 0


def check_import_undo(mode: ImportMode, items: Sequence[ImportToUndo]) -> list[Refusal | None]:
    """Return for each row, in order, why its applicant would be left as it is, or None. Reads only."""
    return [found.refusal for found in _judge(mode, items, lock=False)]


def undo_import(mode: ImportMode, items: Sequence[ImportToUndo]) -> list[Refusal | None]:
    """Take back what an import in this mode did to these applicants; return for each, in order, why it was not.

    New applicants are removed, changed ones get their values, history and photo back, removed ones come back under
    the same ids. Whoever was changed since stays as it is. A fixed number of statements per call. Needs an open
    transaction; does not commit.

    Args:
        items: 1 to 500, no applicant twice.

    Raises:
        Conflict: ``applicant-used`` when a record that nobody told about refers to one of them.
    """
    judged = _judge(mode, items, lock=True)
    accepted = [found for found in judged if found.refusal is None]
    undo = {ImportMode.CREATE: _remove, ImportMode.UPDATE: _change_back, ImportMode.REMOVE: _restore}[mode]
    if accepted:
        undo(accepted)
    db.session.expire_all()
    return [found.refusal for found in judged]


def _judge(mode: ImportMode, items: Sequence[ImportToUndo], *, lock: bool) -> list[_Judged]:
    is_there = mode is not ImportMode.REMOVE
    judged = _judge_present(items, mode, lock=lock) if is_there else _judge_removed(items)
    taken = _holders([found for found in judged if found.refusal is None])
    for found in judged:
        number = found.item.reg_number
        if found.refusal is None and number and number in taken:
            message = f"Kept: the registration number {number} belongs to {taken[number]} now."
            found.refusal = Refusal(code=REG_NUMBER_TAKEN, message=message)
    return judged


def _judge_present(items: Sequence[ImportToUndo], mode: ImportMode, *, lock: bool) -> list[_Judged]:
    statement = select(*_table.c).where(_table.c.id.in_([item.applicant_uid for item in items]))
    statement = statement.order_by(_table.c.id)
    found = {row.id: row for row in db.session.execute(statement.with_for_update() if lock else statement)}
    judged = [_Judged(item=item, existing=found.get(item.applicant_uid)) for item in items]
    changed = {}
    for one in judged:
        if one.existing is None:
            message = f"{one.item.label}: the applicant is not there any more."
            one.refusal = Refusal(code=APPLICANT_NOT_FOUND, message=message)
        elif str(one.existing.version) != one.item.version:
            one.refusal = Refusal(code=CHANGED_SINCE, message="Kept: edited since.")
            changed[str(one.item.applicant_uid)] = one
        elif mode is ImportMode.UPDATE and one.item.before is None:
            one.refusal = _not_kept()
    jobs = {item.job_id for item in items}
    for record_id, write in last_writes(_table.name, list(changed), except_jobs=jobs).items():
        changed[record_id].refusal = Refusal(code=CHANGED_SINCE, message=f"Kept: edited by {write}.")
    return judged


def _not_kept() -> Refusal:
    return Refusal(
        code=NOT_KEPT, message="What the record was before is not kept any more, so it stays as it is."
    )


def _judge_removed(items: Sequence[ImportToUndo]) -> list[_Judged]:
    records = {item.applicant_uid: (item.before or {}).get("record", {}) for item in items}
    names = [record["applicant_id"] for record in records.values() if record]
    there = db.session.execute(
        select(_table.c.id, _table.c.applicant_id).where(
            or_(_table.c.id.in_(list(records)), _table.c.applicant_id.in_(names))
        )
    ).all()
    taken = {row.id for row in there} | {row.applicant_id for row in there}
    wanted = {uuid.UUID(record["container_id"]) for record in records.values() if record}
    containers = set(db.session.scalars(select(Container.id).where(Container.id.in_(wanted))))
    return [
        _Judged(item=item, refusal=_removed_refusal(item, records[item.applicant_uid], taken, containers))
        for item in items
    ]


def _removed_refusal(
    item: ImportToUndo, record: Mapping[str, Any], taken: set[Any], containers: set[uuid.UUID]
) -> Refusal | None:
    if not record:
        return _not_kept()
    if item.applicant_uid in taken or record["applicant_id"] in taken:
        message = f"There is an applicant {record['applicant_id']} again."
        return Refusal(code=ALREADY_EXISTS, message=message)
    if uuid.UUID(record["container_id"]) not in containers:
        message = f"The container of {record['applicant_id']} was removed; nothing can come back into it."
        return Refusal(code=CONTAINER_MISSING, message=message)
    return None


def _holders(judged: Sequence[_Judged]) -> dict[str, str]:
    """Return registration number → applicant_id of others who have it now. One statement, or none."""
    wanted = {found.item.reg_number: found.item.applicant_uid for found in judged if found.item.reg_number}
    if not wanted:
        return {}
    rows = db.session.execute(
        select(_table.c.id, _table.c.applicant_id, _table.c.reg_number).where(
            _table.c.reg_number.in_(list(wanted))
        )
    )
    return {row.reg_number: row.applicant_id for row in rows if row.id != wanted[row.reg_number]}


def _remove(judged: Sequence[_Judged]) -> None:
    uids = [found.item.applicant_uid for found in judged]
    for model in (ApplicantHistory, ApplicantFile):
        _delete(model.__table__, uids)
    left = who_refers(_table.name, uids, _table.c.id.type)
    if left:
        places = ", ".join(sorted(set(left.values())))
        raise Conflict(
            "applicant-used", f"Kept: records in {places} refer to the applicant. Remove them first."
        )
    db.session.execute(delete(_table).where(_table.c.id.in_(uids)))
    _audit("delete", judged, lambda found: {"applicant_id": found.existing.applicant_id})


def _change_back(judged: Sequence[_Judged]) -> None:
    before = {found.item.applicant_uid: record_values(_kept(found)["record"]) for found in judged}
    write_changes([(found.existing, before[found.existing.id]) for found in judged])
    _restore_photos(judged)
    _delete(ApplicantHistory.__table__, [f.existing.id for f in judged if _kept(f)["history"] is not None])
    _insert(ApplicantHistory, [row for f in judged for row in line_values(_kept(f)["history"] or ())])
    _tell(judged, "Change by import undone")
    _audit("update", judged, lambda found: _changes(found, before[found.item.applicant_uid]))


def _changes(found: _Judged, before: Mapping[str, Any]) -> dict[str, Any]:
    now = plain_values({name: getattr(found.existing, name) for name in before})
    changes: dict[str, Any] = {name: [now[name], value] for name, value in plain_values(before).items()}
    return changes | ({"passport": None} if _kept(found)["files"] is not None else {})


def _restore_photos(judged: Sequence[_Judged]) -> None:
    touched = [found for found in judged if _kept(found)["files"] is not None]
    if not touched:
        return
    files = ApplicantFile.__table__
    uids = [found.existing.id for found in touched]
    db.session.execute(delete(files).where(files.c.applicant_uid.in_(uids), files.c.name == PASSPORT_NAME))  # type: ignore[arg-type]
    _insert(ApplicantFile, [row for found in touched for row in file_values(_kept(found)["files"])])


def _restore(judged: Sequence[_Judged]) -> None:
    records = [record_values(_kept(found)["record"]) for found in judged]
    db.session.execute(insert(_table), [{**record, "version": record["version"] + 1} for record in records])
    _insert(ApplicantFile, [row for found in judged for row in file_values(_kept(found)["files"] or ())])
    _insert(ApplicantHistory, [row for found in judged for row in line_values(_kept(found)["history"] or ())])
    _tell(judged, "Removal by import undone")
    _audit("create", judged, lambda found: {"applicant_id": _kept(found)["record"]["applicant_id"]})


def _kept(found: _Judged) -> Mapping[str, Any]:
    if found.item.before is None:
        raise AssertionError("a row without what was kept is refused")
    return found.item.before


def _delete(table: Any, uids: Sequence[uuid.UUID]) -> None:
    if uids:
        db.session.execute(delete(table).where(table.c.applicant_uid.in_(uids)))


def _insert(model: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        db.session.execute(insert(model.__table__), rows)


def _tell(judged: Sequence[_Judged], text: str) -> None:
    now = utc_now()
    write_applicant_history(
        [HistoryLine(owner_uid=found.item.applicant_uid, at=now, text=text) for found in judged]
    )


def _audit(action: str, judged: Sequence[_Judged], changes: Callable[[_Judged], dict[str, Any]]) -> None:
    record_many(
        [
            AuditRow(
                action=action,
                target=_table.name,
                record_id=str(found.item.applicant_uid),
                changes=changes(found),
            )
            for found in judged
        ]
    )
