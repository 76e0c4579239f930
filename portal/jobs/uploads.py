"""Brings uploaded files into the store, streamed, and opens them for a job to read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import BinaryIO

from portal.config import current_config
from portal.files.store import current_store
from portal.jobs.sheets.reading import Reading
from portal.kernel.errors import NotFound


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A file for a job, already durable in the store; ``filename`` is the uploader's name for it."""

    sha256: str
    size_bytes: int
    media_type: str = "application/octet-stream"
    filename: str = ""


def store_upload(stream: BinaryIO, filename: str, media_type: str = "application/octet-stream") -> Upload:
    """Put an uploaded file into the store, streamed, and return what a job refers to it by. Writes no row."""
    blob = current_store().put_stream(stream, max_bytes=current_config().upload_max_bytes)
    return Upload(sha256=blob.sha256, size_bytes=blob.size_bytes, media_type=media_type, filename=filename)


@dataclass(frozen=True, kw_only=True)
class JobFiles:
    """The uploaded files of a job, by the name the kind gave them."""

    shas: Mapping[str, str] = field(default_factory=dict)
    #: How the sheet is to be read; None for a job without one.
    reading: Reading | None = None

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
