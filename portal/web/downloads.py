"""Sends stored files and folders to the browser: typed, never sniffed, never run, with bounded memory."""

import re
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import IO, BinaryIO, cast
from urllib.parse import quote

from flask import Response, request, stream_with_context
from werkzeug.http import dump_options_header
from werkzeug.wsgi import wrap_file

from portal.files.store import current_store

#: Types that a browser may show in place; everything else is a download.
SHOWN_INLINE = frozenset({"application/pdf", "image/jpeg", "image/png", "image/webp", "text/plain"})
_IMAGE_POLICY = "default-src 'none'; sandbox; frame-ancestors 'self'"
# The browser's own PDF viewer does not open inside a sandbox; the file still may load and run nothing.
_PDF_POLICY = "default-src 'none'; object-src 'self'; frame-ancestors 'self'"
_CHUNK_BYTES = 256 * 1024
_UNSAFE = re.compile(r"[\x00-\x1f\x7f/\\:*?\"<>|]+")


@dataclass(frozen=True, kw_only=True)
class ZipEntry:
    """One file of a streamed ZIP: its path inside, and how to open it."""

    name: str
    open: Callable[[], BinaryIO]
    modified_at: datetime | None = None


def safe_filename(name: str, fallback: str = "file") -> str:
    """Return ``name`` without what file systems and headers do not take."""
    cleaned = _UNSAFE.sub("_", name).strip(" .")[:150]
    return cleaned or fallback


def send_blob(sha256: str, media_type: str, download_name: str, *, inline: bool = False) -> Response:
    """Answer with a stored file; the caller has checked that the actor may see it.

    Args:
        sha256: Of the blob.
        media_type: As stored; types outside the safe list are never shown in place.
        download_name: As people see it, any letters.
        inline: Show it in the browser instead of downloading it.

    Raises:
        NotFound: when the blob is gone.
    """
    shown = inline and media_type in SHOWN_INLINE
    body = wrap_file(request.environ, current_store().open(sha256), _CHUNK_BYTES)
    response = Response(body, mimetype=media_type, direct_passthrough=True)
    name_download(response, download_name, inline=shown)
    response.headers["Content-Security-Policy"] = (
        _PDF_POLICY if media_type == "application/pdf" else _IMAGE_POLICY
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "private, no-cache"
    response.set_etag(sha256)
    response.make_conditional(request)
    return response


def stream_zip(entries: Iterable[ZipEntry], download_name: str) -> Response:
    """Answer with a ZIP of the entries, written as it is sent: memory stays small for any number of files."""
    response = Response(
        stream_with_context(_zip_chunks(entries)), mimetype="application/zip", direct_passthrough=True
    )
    name_download(response, download_name, inline=False)
    return response


def name_download(response: Response, name: str, *, inline: bool) -> None:
    """Give the response a file name that browsers of all languages take."""
    cleaned = safe_filename(name)
    ascii_name = cleaned.encode("ascii", "replace").decode().replace("?", "_")
    options: dict[str, str] = {"filename": ascii_name}
    header = dump_options_header("inline" if inline else "attachment", options)
    if ascii_name != cleaned:
        header += f"; filename*=UTF-8''{quote(cleaned, safe='')}"
    response.headers["Content-Disposition"] = header


def _zip_chunks(entries: Iterable[ZipEntry]) -> Iterator[bytes]:
    buffer = _Pieces()
    with zipfile.ZipFile(cast("IO[bytes]", buffer), "w", zipfile.ZIP_STORED) as archive:
        for entry in entries:
            info = zipfile.ZipInfo(entry.name)
            if entry.modified_at is not None:
                info.date_time = entry.modified_at.timetuple()[:6]
            with entry.open() as source, archive.open(info, "w", force_zip64=True) as target:
                while piece := source.read(_CHUNK_BYTES):
                    target.write(piece)
                    yield buffer.take()
            yield buffer.take()
    yield buffer.take()


class _Pieces:
    """A write-only stream that hands out what was written; without ``tell``, so that the archive never seeks."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._pieces.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def take(self) -> bytes:
        """Return what was written since the last call."""
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken
