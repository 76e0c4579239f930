"""What every blob store promises. Bytes are named by their SHA-256 in 64 lower-case hex digits."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from portal.kernel.errors import InvalidInput, NotFound, TemporaryFailure

PIECE_BYTES = 1 << 20
NAME_RULE = re.compile(r"[0-9a-f]{64}")


class StorageError(TemporaryFailure):
    """Blobs that a record is about to name are not in the store; making them again mends it."""

    def __init__(self, missing: Iterable[str]) -> None:
        names = sorted(missing)
        shown = ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
        super().__init__(
            "blob-missing", f"{len(names)} stored files are missing: {shown}", {"missing": names}
        )


@dataclass(frozen=True, kw_only=True)
class StoredBlob:
    """Bytes that are durable in the store: their name and their number."""

    sha256: str
    size_bytes: int


class BlobStore(Protocol):
    """A place for blobs; what it has returned the name of survives a crash, whole."""

    def put_many(self, blobs: Sequence[bytes]) -> list[str]:
        """Make blobs durable together and return their names in the same order.

        Raises:
            StorageFull: when there is no room; none of them counts as stored.
        """
        ...

    def put_stream(self, source: BinaryIO, max_bytes: int) -> StoredBlob:
        """Make one stream durable and return its name and size.

        Raises:
            InvalidInput: code ``file-too-large``, when it has more than ``max_bytes``.
            StorageFull: when there is no room.
        """
        ...

    def read(self, sha256: str) -> bytes:
        """Return the bytes of a blob.

        Raises:
            NotFound: code ``blob-not-found``.
        """
        ...

    def open(self, sha256: str) -> BinaryIO:
        """Return a blob as a stream that can seek; the caller closes it.

        Raises:
            NotFound: code ``blob-not-found``.
        """
        ...

    def missing(self, names: Iterable[str]) -> set[str]:
        """Return which of the names are not in the store."""
        ...

    def older_than(self, age_seconds: float) -> Iterator[str]:
        """Yield the names of the blobs that nobody has put for so long."""
        ...

    def remove_if_older(self, sha256: str, age_seconds: float) -> bool:
        """Remove a blob unless somebody has put it again meanwhile; say whether it was removed."""
        ...

    def remove_all_older(self, names: Sequence[str], age_seconds: float) -> int:
        """Remove those of the blobs that nobody has put again meanwhile, and return how many."""
        ...

    def remove_unfinished(self, age_seconds: float) -> int:
        """Remove what interrupted writers left behind so long ago, and return how many."""
        ...


def checked_name(sha256: str) -> str:
    """Return the name if it is one, so that nothing else can become part of a path.

    Raises:
        NotFound: code ``blob-not-found``.
    """
    if not NAME_RULE.fullmatch(sha256):
        raise blob_not_found(sha256)
    return sha256


def blob_not_found(sha256: str) -> NotFound:
    """Return the error for a blob that the store does not have."""
    return NotFound("blob-not-found", f"There is no stored file {sha256[:64]!r}.")


def copy_blob(source: BinaryIO, target: BinaryIO, max_bytes: int) -> StoredBlob:
    """Copy a stream piece by piece and return what it is called and how large it is.

    Raises:
        InvalidInput: code ``file-too-large``, when it has more than ``max_bytes``.
    """
    digest, size_bytes = hashlib.sha256(), 0
    while piece := source.read(PIECE_BYTES):
        size_bytes += len(piece)
        if size_bytes > max_bytes:
            raise InvalidInput(
                "file-too-large",
                f"The file is larger than {max_bytes:,} bytes, which is the most that is accepted here.",
                {"max_bytes": max_bytes},
            )
        digest.update(piece)
        target.write(piece)
    return StoredBlob(sha256=digest.hexdigest(), size_bytes=size_bytes)
