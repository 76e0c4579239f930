"""The job ``admissions.import_applicants``: a CSV sheet of applicants, with photos from a ZIP."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any, ClassVar

from pydantic import BaseModel, Field

from plugins.admissions.api.import_columns import PHOTO, check_columns, columns_of
from plugins.admissions.api.import_judging import Judged, judge
from plugins.admissions.api.import_rows import ImportMode, ImportRequest, ImportRow, wanted_applicant_id
from plugins.admissions.api.importing import ImportOutcome, plain_values, write_import
from plugins.admissions.errors import Refusal
from plugins.admissions.jobs.photo_archive import PhotoArchive
from plugins.admissions.permissions import APPLICANTS_IMPORT
from portal.sdk import InvalidInput, NewFile, current_store, safe_image
from portal.sdk.jobs import (
    Action,
    JobFiles,
    Outcome,
    Plan,
    Problem,
    RowJob,
    RowState,
    Sheet,
    SheetRow,
    SourceRow,
    Work,
    read_csv,
)

SHEET = "sheet"
PHOTOS = "photos"
_ACTIONS = {
    ImportMode.CREATE: Action.CREATE,
    ImportMode.UPDATE: Action.UPDATE,
    ImportMode.REMOVE: Action.REMOVE,
}
#: Rows of a result file that need nothing any more.
_SETTLED = frozenset({RowState.DONE.value, RowState.UNCHANGED.value})


class ImportParams(BaseModel):
    """What to do with the sheet."""

    mode: ImportMode = ImportMode.CREATE
    container: str | None = Field(None, description="Code of the container of rows that name none.")
    columns: dict[str, str] = Field(
        default_factory=dict,
        description="Column of the sheet → field, or 'ignore'; only where the name does not say it.",
    )


class ImportApplicants(RowJob[ImportParams, ImportRow]):
    """Creates, changes or removes applicants row by row. An empty cell leaves its field as it is."""

    name: ClassVar[str] = "admissions.import_applicants"
    title: ClassVar[str] = "Import applicants"
    Params = ImportParams
    Row = ImportRow
    chunk_rows: ClassVar[int] = 200
    input_files: ClassVar[Mapping[str, str]] = {
        SHEET: "CSV sheet, one applicant a row.",
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

    def header(self, params: ImportParams, files: JobFiles) -> tuple[str, ...]:
        """Return the sheet's header; refuses one that cannot be used.

        Raises:
            InvalidInput: naming the columns that are unknown, twice or missing.
        """
        with closing(files.open(SHEET)) as stream:
            sheet = read_csv(stream)
            _checked_columns(sheet, params)
            return sheet.header

    def rows(self, params: ImportParams, files: JobFiles) -> Iterator[SourceRow[ImportRow]]:
        with closing(files.open(SHEET)) as stream, PhotoArchive.opened(files) as archive:
            sheet = read_csv(stream)
            fields = _checked_columns(sheet, params)
            status = sheet.header.index("_status") if "_status" in sheet.header else None
            empty = True
            for row in sheet.rows:
                if status is None or row.cells[status].strip().lower() not in _SETTLED:
                    empty = False
                    yield _source_row(row, fields, len(sheet.header), params, archive)
            if empty:
                raise InvalidInput("sheet-empty", "The sheet has a header but no rows to do.")

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

    def record_endpoint(self) -> str | None:
        return "admissions_applicant.details_view"


def _checked_columns(sheet: Sheet, params: ImportParams) -> tuple[str | None, ...]:
    fields = columns_of(sheet.header, params.columns)
    check_columns(fields, params.mode, params.container is not None)
    return fields


def _source_row(
    row: SheetRow,
    fields: Sequence[str | None],
    width: int,
    params: ImportParams,
    archive: PhotoArchive | None,
) -> SourceRow[ImportRow]:
    values = {
        field: cell.strip() for field, cell in zip(fields, row.cells, strict=False) if field and cell.strip()
    }
    photo_cell = values.pop(PHOTO, None)
    label = " ".join(
        values[name] for name in ("applicant_id", "reg_number", "firstname", "lastname") if name in values
    )
    problem, photo = None, None
    if len(row.cells) > width:
        message = f"Row {row.number} has {len(row.cells)} cells, the header {width}. Quote cells that hold the separator."
        problem = Problem(code="row-too-long", message=message)
    elif params.mode is not ImportMode.REMOVE:
        try:
            photo = _photo_of(values, photo_cell, params, archive)
        except InvalidInput as error:
            problem = Problem(code=error.code, message=f"Row {row.number}, column {PHOTO}: {error.message}.")
    key = _key(values, params) or f"row {row.number}"
    return SourceRow(
        row=ImportRow(number=row.number, values=values, photo=photo) if problem is None else None,
        key=key,
        subject=key if params.mode is not ImportMode.CREATE else None,
        label=label[:200] or f"Row {row.number}",
        cells=row.cells,
        problem=problem,
    )


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
    state = RowState.UNCHANGED if result.is_unchanged else RowState.DONE
    return Outcome(state=state, record_id=str(result.applicant_uid) if result.applicant_uid else None)
