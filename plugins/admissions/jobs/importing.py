"""The job ``admissions.import_applicants``: a sheet of applicants, with photos from a ZIP."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from pydantic import BaseModel, Field
from sqlalchemy import select

from plugins.admissions.api.import_judging import Judged, judge
from plugins.admissions.api.import_rows import ImportMode, ImportRequest, ImportRow, wanted_applicant_id
from plugins.admissions.api.import_undo import applicants_count, check_import_undo, undo_import
from plugins.admissions.api.importing import ImportOutcome, plain_values, write_import
from plugins.admissions.errors import Refusal
from plugins.admissions.jobs.import_columns import PHOTO, check_import_fields, import_columns
from plugins.admissions.jobs.import_undo import BRAKE, to_undo, undo_outcome
from plugins.admissions.jobs.photo_archive import PhotoArchive
from plugins.admissions.models import Applicant, Container
from plugins.admissions.permissions import APPLICANTS_IMPORT
from portal.sdk import InvalidInput, NewFile, current_store, db, safe_image
from portal.sdk.jobs import (
    SHEET,
    Action,
    Brake,
    Column,
    JobFiles,
    Outcome,
    Plan,
    Problem,
    RowState,
    SheetJob,
    SourceRow,
    UndoWork,
    Work,
)

PHOTOS = "photos"
_ACTIONS = {
    ImportMode.CREATE: Action.CREATE,
    ImportMode.UPDATE: Action.UPDATE,
    ImportMode.REMOVE: Action.REMOVE,
}
_MODES = (
    (ImportMode.CREATE.value, "New applicants: every row becomes a new application"),
    (
        ImportMode.UPDATE.value,
        "Change applicants: found by applicant_id or reg_number; an empty cell changes nothing",
    ),
    (
        ImportMode.REMOVE.value,
        "Remove applicants: found by applicant_id or reg_number; those who are students stay",
    ),
)


class ImportParams(BaseModel):
    """What to do with the sheet."""

    mode: ImportMode = Field(ImportMode.CREATE, title="What to do")
    container: str | None = Field(
        None, title="Container", description="Code of the container of rows that name none."
    )


class ImportApplicants(SheetJob[ImportParams, ImportRow]):
    """Creates, changes or removes applicants row by row. An empty cell leaves its field as it is."""

    name: ClassVar[str] = "admissions.import_applicants"
    title: ClassVar[str] = "Import applicants"
    introduction: ClassVar[str] = "From a sheet, with photos from a ZIP."
    Params = ImportParams
    Row = ImportRow
    chunk_rows: ClassVar[int] = 200
    record_model: ClassVar[type[Any] | None] = Applicant
    input_files: ClassVar[Mapping[str, str]] = {
        SHEET: "CSV or XLSX, one applicant a row; the first row names the columns.",
        PHOTOS: "ZIP of JPEG or PNG photos (optional), named by the photo column or by a number of the applicant.",
    }

    def permission(self, params: ImportParams) -> str:
        return APPLICANTS_IMPORT

    def explain(self, params: ImportParams) -> str:
        where = f" ({params.container})" if params.container else ""
        return {
            ImportMode.CREATE: f"Import new applicants{where}",
            ImportMode.UPDATE: f"Change applicants by sheet{where}",
            ImportMode.REMOVE: f"Remove applicants by sheet{where}",
        }[params.mode]

    def columns(self, params: ImportParams) -> Sequence[Column]:
        return import_columns(params.mode, has_container=params.container is not None)

    def check_fields(self, fields: Collection[str], params: ImportParams) -> None:
        super().check_fields(fields, params)
        check_import_fields(fields, params.mode)

    def param_choices(self) -> Mapping[str, Sequence[tuple[str, str]]]:
        found = db.session.execute(
            select(Container.code, Container.title).order_by(Container.year.desc(), Container.code)
        )
        containers = [(code, f"{code} – {title}") for code, title in found]
        return {"mode": _MODES, "container": [("", "As the column container_code says"), *containers]}

    def source_row(
        self, values: Mapping[str, str], number: int, params: ImportParams
    ) -> SourceRow[ImportRow]:
        filled = {field: text for field, text in values.items() if text}
        key = _key(filled, params) or f"row {number}"
        label = " ".join(
            filled[name] for name in ("applicant_id", "reg_number", "firstname", "lastname") if name in filled
        )
        return SourceRow(
            row=ImportRow(number=number, values=filled),
            key=key,
            subject=key if params.mode is not ImportMode.CREATE else None,
            label=label[:200] or f"Row {number}",
        )

    def rows(self, params: ImportParams, files: JobFiles) -> Iterator[SourceRow[ImportRow]]:
        with PhotoArchive.opened(files) as archive:
            for row in super().rows(params, files):
                yield _with_photo(row, params, archive)

    def plan(self, rows: Sequence[ImportRow], params: ImportParams) -> Sequence[Plan]:
        request = ImportRequest(rows=rows, mode=params.mode, container=params.container)
        return [_plan(item, params.mode) for item in judge(request)]

    def prepare(
        self, work: Sequence[Work[ImportRow]], params: ImportParams, files: JobFiles
    ) -> Mapping[int, NewFile | Refusal]:
        """Decode, clean and store the photos; row number → the stored photo or why it cannot be used."""
        wanted = {item.row.number: item.row.photo for item in work if item.row.photo}
        if not wanted:
            return {}
        images: dict[int, bytes] = {}
        refused: dict[int, NewFile | Refusal] = {}
        with PhotoArchive.opened(files) as archive:
            for number, member in wanted.items():
                try:
                    images[number] = safe_image(archive.read(member)).data if archive is not None else b""
                except InvalidInput as error:
                    message = f"Row {number}, photo {member}: {error.message}"
                    refused[number] = Refusal(code=error.code, message=message)
        names = current_store().put_many(list(images.values()))
        stored = {
            number: NewFile(sha256=name, size_bytes=len(data), media_type="image/jpeg")
            for (number, data), name in zip(images.items(), names, strict=True)
        }
        return {**refused, **stored}

    def apply(
        self, work: Sequence[Work[ImportRow]], prepared: Any, params: ImportParams
    ) -> Sequence[Outcome]:
        seen = {item.row.number: item.seen_version for item in work if item.binding}

        def still_as_seen(number: int, version: int) -> bool:
            return number not in seen or seen[number] == str(version)

        request = ImportRequest(
            rows=[item.row for item in work], mode=params.mode, container=params.container
        )
        return [_outcome(result) for result in write_import(request, prepared, still_as_seen)]

    def brake_of(self, params: ImportParams) -> Brake | None:
        return None if params.mode is ImportMode.CREATE else BRAKE

    def existing_count(self, params: ImportParams) -> int:
        return applicants_count(params.container)

    def check_undo(
        self, rows: Sequence[UndoWork[ImportRow]], params: ImportParams
    ) -> Sequence[Problem | None]:
        refusals = check_import_undo(params.mode, [to_undo(item) for item in rows])
        return [Problem(code=item.code, message=item.message) if item else None for item in refusals]

    def undo(self, rows: Sequence[UndoWork[ImportRow]], params: ImportParams) -> Sequence[Outcome]:
        """Remove what was new, restore what was changed or removed; leave alone what was edited since."""
        refusals = undo_import(params.mode, [to_undo(item) for item in rows])
        return [undo_outcome(item, refusal) for item, refusal in zip(rows, refusals, strict=True)]

    def record_endpoint(self) -> str | None:
        return "admissions_applicant.details_view"


def _with_photo(
    source: SourceRow[ImportRow], params: ImportParams, archive: PhotoArchive | None
) -> SourceRow[ImportRow]:
    """Return the row with the member of the ZIP that is its photo, in place of the cell that names it."""
    row = source.row
    if row is None:
        return source
    values = {field: text for field, text in row.values.items() if field != PHOTO}
    photo = None
    if params.mode is not ImportMode.REMOVE:
        try:
            photo = _photo_of(values, row.values.get(PHOTO), params, archive)
        except InvalidInput as error:
            message = f"Row {row.number}, column {PHOTO}: {error.message}."
            return replace(source, row=None, problem=Problem(code=error.code, message=message))
    return replace(source, row=ImportRow(number=row.number, values=values, photo=photo))


def _key(values: Mapping[str, str], params: ImportParams) -> str | None:
    """Return what makes two rows of the sheet the same applicant, or None."""
    if params.mode is not ImportMode.CREATE and "applicant_id" in values:
        return values["applicant_id"]
    if "reg_number" in values:
        return f"reg_number {values['reg_number']}"
    return wanted_applicant_id(values, params.container)


def _photo_of(
    values: Mapping[str, str], cell: str | None, params: ImportParams, archive: PhotoArchive | None
) -> str | None:
    if cell is not None:
        if archive is None:
            raise InvalidInput("photo-not-found", f"value {cell[:80]!r}: no ZIP of photos was given")
        return archive.named(cell)
    if archive is None:
        return None
    wanted = wanted_applicant_id(values, params.container)
    names: Iterable[str | None] = (wanted, values.get("reg_number"), values.get("application_number"))
    return archive.belonging_to(name for name in names if name)


def _plan(item: Judged, mode: ImportMode) -> Plan:
    version = str(item.existing.version) if item.existing is not None else None
    if item.refusal is not None:
        return Plan(
            action=Action.REFUSE, code=item.refusal.code, message=item.refusal.message, version=version
        )
    if mode is ImportMode.REMOVE:
        removed = {"applicant_id": item.existing.applicant_id, "state": item.existing.state}
        return Plan(action=Action.REMOVE, before=removed, version=version)
    if item.is_unchanged:
        return Plan(action=Action.UNCHANGED, version=version)
    after = plain_values(item.changes) | ({"photo": item.row.photo} if item.row.photo else {})
    before = None
    if item.existing is not None:
        before = plain_values({name: getattr(item.existing, name) for name in item.changes})
    return Plan(action=_ACTIONS[mode], before=before, after=after, version=version, warning=item.warning)


def _outcome(result: ImportOutcome) -> Outcome:
    if result.refusal is not None:
        return Outcome.refused(result.refusal.code, result.refusal.message)
    record_id = str(result.applicant_uid) if result.applicant_uid else None
    if result.is_unchanged:
        return Outcome(state=RowState.UNCHANGED, record_id=record_id)
    return Outcome(
        state=RowState.DONE,
        record_id=record_id,
        version=str(result.version),
        undo_facts=result.before.plain() if result.before is not None else None,
        keeps=result.before.blobs if result.before is not None else (),
    )
