"""Brings uploaded files into the store, streamed, for a job to read."""

from dataclasses import dataclass
from typing import BinaryIO

from portal.config import current_config
from portal.files.store import current_store


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
