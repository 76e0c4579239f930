"""What a plugin supplies to get bulk work done: subclasses of :class:`RowJob` or :class:`TaskJob`."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, ClassVar, Generic, TypeVar
from uuid import UUID

from flask import Flask, current_app
from pydantic import BaseModel

from portal.files.store import current_store
from portal.hooks.registry import REGISTRY_KEY, Registry, current_registry
from portal.jobs.states import Action, Closing, RowState
from portal.kernel.errors import NotFound, PluginLoadError, PortalError

P = TypeVar("P", bound=BaseModel)
R = TypeVar("R", bound=BaseModel)


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Why a row is refused: a stable code, and a message that names column, value, rule and remedy."""

    code: str
    message: str


@dataclass(frozen=True, kw_only=True)
class SourceRow(Generic[R]):
    """One row as it comes in.

    Args:
        row: The parsed row; None when ``problem`` says why it cannot be one.
        key: What makes it the same thing within the job; a second row with the key is refused as ``duplicate``.
        subject: What may be in one running job of the kind only (an applicant's id); None: nothing.
        label: How people recognise it in lists.
        cells: The uploaded cells, untouched and in order; None when nothing was uploaded.
    """

    row: R | None
    key: str
    label: str
    subject: str | None = None
    cells: tuple[str, ...] | None = None
    problem: Problem | None = None


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What applying a row will do, as far as reading can tell.

    ``version`` is whatever the kind wants to see unchanged when the preview is binding.
    """

    action: Action
    code: str = ""
    message: str = ""
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    version: str | None = None
    warning: str = ""


@dataclass(frozen=True, kw_only=True)
class Work(Generic[R]):
    """A claimed row: ``binding`` means a person confirmed the preview, so a changed row is refused."""

    row_id: UUID
    position: int
    row: R
    action: Action
    seen_version: str | None
    binding: bool
    reserved: Mapping[str, Any] | None = None
    attempts: int = 1


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What was done: ``record_id`` is the id of the record that the row became or changed."""

    state: RowState
    code: str = ""
    message: str = ""
    record_id: str | None = None

    @classmethod
    def refused(cls, code: str, message: str) -> "Outcome":
        return cls(state=RowState.REFUSED, code=code, message=message)


@dataclass(frozen=True, kw_only=True)
class JobFiles:
    """The uploaded files of a job, by the name the kind gave them."""

    shas: Mapping[str, str] = field(default_factory=dict)

    def __contains__(self, name: str) -> bool:
        return name in self.shas

    def open(self, name: str) -> BinaryIO:
        """Open a file for reading.

        Raises:
            NotFound: when the job has no such file.
        """
        if name not in self.shas:
            raise NotFound("job-file-missing", f"This job has no file {name!r}.")
        return current_store().open(self.shas[name])


class RowJob(ABC, Generic[P, R]):
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
    """A file that a task made: already durable in the store."""

    name: str
    sha256: str
    size_bytes: int
    media_type: str


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


def chunked(rows: Iterable[Any], size: int) -> Iterator[list[Any]]:
    """Cut a stream into lists of at most ``size``."""
    chunk: list[Any] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
