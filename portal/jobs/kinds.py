"""What a plugin supplies to get bulk work done: subclasses of :class:`RowJob` or :class:`TaskJob`."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Generic, TypeVar

from flask import Flask, current_app
from pydantic import BaseModel

from portal.hooks.blaming import blamed_on
from portal.hooks.registry import REGISTRY_KEY, Registry, current_registry
from portal.jobs.options import RowOptions
from portal.jobs.rows import Outcome, Plan, Problem, SourceRow, Work, chunked
from portal.jobs.sheets.columns import Column, check_required
from portal.jobs.sheets.values import read_values
from portal.jobs.states import Closing
from portal.jobs.uploads import JobFiles
from portal.kernel.errors import InvalidInput, NotFound, PluginLoadError, PortalError

__all__ = [
    "KINDS_KEY",
    "SHEET",
    "AnyKind",
    "Cancelled",
    "Column",
    "JobFiles",
    "Outcome",
    "Plan",
    "Problem",
    "Progress",
    "ResultFile",
    "RowJob",
    "SheetJob",
    "SourceRow",
    "TaskJob",
    "TaskResult",
    "Work",
    "chunked",
    "init_jobs",
    "kind_named",
    "loaded_kinds",
]

P = TypeVar("P", bound=BaseModel)
R = TypeVar("R", bound=BaseModel)


class RowJob(RowOptions[P, R], ABC, Generic[P, R]):
    """A bulk operation over rows. One instance per application; keep no state in it."""

    name: ClassVar[str]
    title: ClassVar[str]
    Params: ClassVar[type[BaseModel]]
    Row: ClassVar[type[BaseModel]]
    #: Rows in one transaction.
    chunk_rows: ClassVar[int] = 200
    #: Names of the files it reads, by role → help text; the first is the sheet.
    input_files: ClassVar[Mapping[str, str]] = {}
    #: Template with facts of this kind for the confirmation page, or None.
    warning_template: ClassVar[str | None] = None
    #: Seconds per row, for the estimate before anything was measured.
    seconds_per_row: ClassVar[float] = 0.01

    @abstractmethod
    def permission(self, params: P) -> str:
        """Return the permission that starting needs."""

    def closes_portal(self, params: P) -> Closing:
        """Say whether the portal is closed meanwhile: never, when asked, or unless unticked."""
        return Closing.NEVER

    def explain(self, params: P) -> str:
        """Return one line for lists, such as the container's title."""
        return self.title

    def header(self, params: P, files: JobFiles) -> tuple[str, ...] | None:
        """Return the header of the uploaded sheet, for the result file."""
        return None

    @abstractmethod
    def rows(self, params: P, files: JobFiles) -> Iterable[SourceRow[R]]:
        """Give the rows, streamed."""

    @abstractmethod
    def plan(self, rows: Sequence[R], params: P) -> Sequence[Plan]:
        """Say what each row will do; reads only; one plan per row, same order."""

    def reserve(self, work: Sequence[Work[R]], params: P) -> Sequence[Mapping[str, Any] | None]:
        """Reserve what must not change on a retry; inside the claim's transaction."""
        return [None] * len(work)

    def prepare(self, work: Sequence[Work[R]], params: P, files: JobFiles) -> Any:
        """Do what is slow (render, decode, store blobs) outside any transaction; the result goes to ``apply``."""
        return None

    @abstractmethod
    def apply(self, work: Sequence[Work[R]], prepared: Any, params: P) -> Sequence[Outcome]:
        """Do it, inside one transaction of the engine; no commit; one outcome per row, same order.

        ``work`` may be a part of what ``prepare`` saw: rows that are not ours any more are gone.
        """

    def record_endpoint(self) -> str | None:
        """Return the endpoint (taking ``id``) of the page of a row's record, or None."""
        return None

    def subject_endpoint(self) -> str | None:
        """Return the endpoint (taking ``id``) of the page of a row's subject, linked while it has no record, or None."""
        return None


#: The role of the sheet among the files of a :class:`SheetJob`.
SHEET = "sheet"


class SheetJob(RowJob[P, R]):
    """A row job that takes a sheet: declare its columns and what one row means.

    The portal brings upload page, column mapping, guards, template, command and REST; the kind gets clean text.
    """

    input_files: ClassVar[Mapping[str, str]] = {SHEET: "CSV or XLSX; the first row names the columns."}
    #: One or two sentences above the upload form.
    introduction: ClassVar[str] = ""

    @abstractmethod
    def columns(self, params: P) -> Sequence[Column]:
        """Return the columns that are read, in the order of the template."""

    @abstractmethod
    def source_row(self, values: Mapping[str, str], number: int, params: P) -> SourceRow[R]:
        """Return what one row is.

        Args:
            values: Field → text without outer spaces, for every column that is mapped; ``""`` for an empty cell.
                Dates are YYYY-MM-DD; what could not be one is as it stands in the sheet, for the kind to refuse.
            number: Of the row, as a spreadsheet shows it.
        """

    def check_fields(self, fields: Collection[str], params: P) -> None:
        """Refuse a sheet whose columns do not do; by default when a required one is missing.

        Raises:
            InvalidInput: ``column-missing``, naming them.
        """
        check_required(fields, self.columns(params))

    def upload_permission(self) -> str:
        """Return the permission that seeing the upload page needs; by default that of the default parameters."""
        return self.permission(self.Params.model_construct())  # type: ignore[arg-type]

    def param_choices(self) -> Mapping[str, Sequence[tuple[str, str]]]:
        """Return value and title of what can be chosen for a parameter, where its type does not say it."""
        return {}

    def header(self, params: P, files: JobFiles) -> tuple[str, ...] | None:
        """Return the header as uploaded."""
        return files.reading.header if files.reading is not None else None

    def rows(self, params: P, files: JobFiles) -> Iterator[SourceRow[R]]:
        """Give the rows as they were understood, streamed; those that a result file shows as settled are left out.

        Raises:
            InvalidInput: ``sheet-empty`` when there is nothing to do; ``sheet-unreadable`` in the middle of it.
        """
        if files.reading is None:
            raise InvalidInput("sheet-missing", f"{self.title} needs a sheet.", {"file": SHEET})
        nothing = True
        with closing(files.open(SHEET)) as stream:
            for read in read_values(stream, files.reading, self.columns(params)):
                nothing = False
                if read.problem is None:
                    row = self.source_row(read.values, read.number, params)
                    yield replace(row, cells=read.cells, number=read.number)
                else:
                    key = f"row {read.number}"
                    yield SourceRow(
                        row=None,
                        key=key,
                        label=read.label,
                        cells=read.cells,
                        number=read.number,
                        problem=read.problem,
                    )
        if nothing:
            raise InvalidInput("sheet-empty", "The sheet has a header but no rows to do.")


Progress = Callable[[int, int | None], None]


class TaskJob(ABC, Generic[P]):
    """One piece of work without rows (a letter print, an export). Must be safe to run twice."""

    name: ClassVar[str]
    title: ClassVar[str]
    Params: ClassVar[type[BaseModel]]

    @abstractmethod
    def permission(self, params: P) -> str:
        """Return the permission that starting needs."""

    def explain(self, params: P) -> str:
        """Return one line for lists."""
        return self.title

    @abstractmethod
    def run(self, params: P, progress: Progress) -> "TaskResult":
        """Do it outside any transaction; open short ones as needed.

        ``progress(done, total)`` renews the lease and raises :class:`Cancelled` when a person cancelled.
        """


@dataclass(frozen=True, kw_only=True)
class ResultFile:
    """A file that a task made: already durable in the store.

    With ``keep_hours`` it is removed after that time, and given only to who made it and to who manages all jobs.
    """

    name: str
    sha256: str
    size_bytes: int
    media_type: str
    keep_hours: int | None = None


@dataclass(frozen=True, kw_only=True)
class TaskResult:
    """What a task leaves: facts shown on its page, and files to download."""

    facts: Mapping[str, Any] = field(default_factory=dict)
    files: Sequence[ResultFile] = ()


class Cancelled(PortalError):
    """A person cancelled the job."""

    def __init__(self) -> None:
        super().__init__("cancelled", "The job was cancelled.")


AnyKind = RowJob[Any, Any] | TaskJob[Any]
KINDS_KEY = "PORTAL_JOB_KINDS"


def init_jobs(app: Flask) -> None:
    """Check the declared kinds and make one instance of each.

    Raises:
        PluginLoadError: when a kind does not derive from RowJob or TaskJob.
    """
    registry: Registry = app.extensions[REGISTRY_KEY]
    kinds: dict[str, AnyKind] = {}
    for name, declared in registry.job_kinds.items():
        with blamed_on(name.partition(".")[0]):
            if not issubclass(declared.kind, RowJob | TaskJob):
                raise PluginLoadError("job-kind", f"Job kind {name} must derive from RowJob or TaskJob.")
            kinds[name] = declared.kind()
    app.extensions[KINDS_KEY] = kinds


def kind_named(name: str) -> AnyKind:
    """Return the kind.

    Raises:
        NotFound: when no loaded plugin declares it (its plugin may be blocked or removed).
    """
    kinds: dict[str, AnyKind] = current_app.extensions[KINDS_KEY]
    if name not in kinds:
        loaded = ", ".join(sorted(current_registry().job_kinds)) or "none"
        raise NotFound(
            "job-kind-unknown", f"No loaded plugin declares the job kind {name!r}. Loaded: {loaded}."
        )
    return kinds[name]


def loaded_kinds() -> Collection[AnyKind]:
    """Return all kinds of loaded plugins."""
    kinds: dict[str, AnyKind] = current_app.extensions[KINDS_KEY]
    return kinds.values()
