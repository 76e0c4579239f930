"""How sheets and rows come in, the same for page, command and REST: understood, mapped, guarded, drafted."""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel

from portal.jobs.kinds import SHEET, SheetJob, kind_named
from portal.jobs.sheets.given_rows import write_rows
from portal.jobs.sheets.reading import Decisions
from portal.jobs.submitting import Draft, checked_params, draft
from portal.jobs.understanding import AnySheetJob, Understanding, reading_of, understand_upload
from portal.jobs.uploads import Upload
from portal.kernel.actor import Actor
from portal.kernel.errors import InvalidInput


def sheet_kind(name: str) -> AnySheetJob:
    """Return the kind of that name, which takes a sheet.

    Raises:
        NotFound: when no loaded plugin declares it.
        InvalidInput: ``job-takes-no-sheet``.
    """
    kind = kind_named(name)
    if not isinstance(kind, SheetJob):
        raise InvalidInput("job-takes-no-sheet", f"{kind.title} ({name}) takes no sheet.")
    return kind


def understand(
    kind: AnySheetJob | str,
    params: Mapping[str, Any] | BaseModel,
    upload: Upload,
    *,
    mapping: Mapping[str, str] | None = None,
    remembered: Mapping[str, str] | None = None,
) -> Understanding:
    """Say what an uploaded sheet is and what its columns probably mean. Reads only; streamed.

    Args:
        mapping: Column of the sheet → field or ``ignore``, to see the warnings for it instead of the suggested one.
        remembered: As :func:`portal.jobs.mapping_memory.remembered_columns` gives it.

    Raises:
        InvalidInput: for a file that is no sheet at all; parameters that cannot be used.
    """
    wanted = sheet_kind(kind) if isinstance(kind, str) else kind
    checked = checked_params(wanted, params)
    return understand_upload(wanted, checked, upload, mapping=mapping, remembered=remembered)


def draft_sheet(
    kind_name: str,
    params: Mapping[str, Any] | BaseModel,
    actor: Actor,
    upload: Upload,
    *,
    mapping: Mapping[str, str] | None = None,
    files: Mapping[str, Upload] | None = None,
    idempotency_key: str | None = None,
    decisions: Decisions | None = None,
) -> Draft:
    """Check a sheet and draft its job, for ``submit()``. Reads only; call it before ``transaction()``.

    Args:
        mapping: Column of the sheet → field, or ``ignore``. Columns that it leaves open are found by their name or an
            alias; a name that is only similar is refused, with the hint.
        files: Further files of the kind, by role.
        decisions: What a person decided about dates and ids where the sheet does not say it.

    Raises:
        Forbidden, NotFound: as for ``draft()``.
        InvalidInput: ``column-unknown``, ``column-twice``, ``column-missing``, ``ids-mangled``, ``dates-unclear``,
            ``file-unknown``, and everything that makes a sheet unreadable.
    """
    kind = sheet_kind(kind_name)
    checked = checked_params(kind, params)
    for role in files or {}:
        if role == SHEET or role not in kind.input_files:
            allowed = ", ".join(name for name in kind.input_files if name != SHEET) or "none"
            raise InvalidInput("file-unknown", f"{kind.title} takes no file {role!r}. Allowed: {allowed}.")
    reading = reading_of(kind, checked, upload, mapping=mapping, decisions=decisions)
    return draft(
        kind_name,
        checked,
        actor,
        files={SHEET: upload, **(files or {})},
        idempotency_key=idempotency_key,
        reading=reading,
    )


def draft_rows(
    kind_name: str,
    params: Mapping[str, Any] | BaseModel,
    actor: Actor,
    rows: Iterable[Mapping[str, Any]],
    *,
    idempotency_key: str | None = None,
) -> Draft:
    """Draft a job of rows that are given as data: field → text, number, truth value, date or None.

    The rows are kept as a sheet in the store, so that a job of any size streams and can be resumed; the first is row 1.
    Reads only, but for the store; call it before ``transaction()``.

    Raises:
        Forbidden, NotFound: as for ``draft()``.
        InvalidInput: ``rows-empty``; ``column-unknown``, ``value-not-text`` naming row and field; ``column-missing``.
    """
    kind = sheet_kind(kind_name)
    checked = checked_params(kind, params)
    columns = kind.columns(checked)
    upload, used = write_rows(rows, [column.name for column in columns])
    identifiers = [column.name for column in columns if column.is_identifier]
    reading = reading_of(
        kind,
        checked,
        upload,
        mapping={name: name for name in used},
        decisions=Decisions(confirmed=identifiers),
    )
    return draft(
        kind_name,
        checked,
        actor,
        files={SHEET: upload},
        idempotency_key=idempotency_key,
        reading=reading.model_copy(update={"is_given": True}),
    )
