"""The blob store in an S3-compatible bucket: one object per blob, many requests at a time, nothing half to be seen."""

import hashlib
import importlib
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from io import BufferedReader, RawIOBase
from threading import Lock
from typing import IO, Any, BinaryIO, Protocol, TypeVar, cast

from portal.files.blobs import StoredBlob, blob_not_found, checked_name, copy_blob
from portal.files.buckets import Bucket, opened
from portal.kernel import faults
from portal.kernel.errors import StorageFull, TemporaryFailure
from portal.kernel.processes import forks_later, in_child

PARALLEL = 32
READ_AHEAD_BYTES = 1 << 20
#: Larger streams go up in parts; the object appears when the last one is there.
ONE_REQUEST_BYTES = 8 << 20
LISTED_BLOBS = 1000
REMEMBERED_BLOBS = 20_000
#: No longer than this a name counts as stored because this process has stored it.
REMEMBERED_SECONDS = 60.0
_NO_ROOM = ("507 Insufficient Storage", "QuotaExceeded", "StorageFull", "InsufficientStorage")
T = TypeVar("T")
A = TypeVar("A")


class StorageAway(TemporaryFailure):
    """The bucket does not answer or refuses; trying again later mends the first."""

    def __init__(self, bucket: str, cause: BaseException) -> None:
        super().__init__(
            "storage-away",
            f"The bucket {bucket} does not answer or refuses ({type(cause).__name__}). Check the PORTAL_BLOB_STORE "
            "settings with `portal doctor`.",
        )


class _Object(Protocol):
    """A remote object that is read in pieces."""

    size: int

    def seek(self, offset: int, whence: int = 0) -> int: ...
    def tell(self) -> int: ...
    def read(self, size: int | None = None) -> Any: ...


class S3Store:
    """Blobs as objects ``<prefix>/<first two digits>/<name>``.

    Putting a blob that is there writes it again: the same bytes, and a fresh time that keeps the sweeper away.

    Args:
        grace_seconds: Age at which the sweeper may remove; what this process has just put is not asked for again.
    """

    def __init__(self, bucket: Bucket, grace_seconds: float = 86_400) -> None:
        self.bucket = bucket
        self._remembered_seconds = min(REMEMBERED_SECONDS, grace_seconds / 2)
        self._put_at: dict[str, float] = {}
        self._lock = Lock()
        self._opened: tuple[int, Any] | None = None

    def put_many(self, blobs: Sequence[bytes]) -> list[str]:
        """Make blobs durable together, 32 at a time, and return their names in the same order.

        Raises:
            StorageFull: when there is no room; none of them counts as stored.
            StorageAway: when the bucket does not answer.
        """
        names = [hashlib.sha256(blob).hexdigest() for blob in blobs]
        faults.point("blobs-in-temp")
        self._each(lambda item: self._put(*item), list(dict(zip(names, blobs, strict=True)).items()))
        self._remember(names)
        faults.point("renamed")
        return names

    def put_stream(self, source: BinaryIO, max_bytes: int) -> StoredBlob:
        """Make one stream durable and return its name and size; memory does not grow with it.

        It passes through a nameless temporary file, because its name is known only at its end.

        Raises:
            InvalidInput: code ``file-too-large``, when it has more than ``max_bytes``.
            StorageFull: when there is no room.
        """
        with tempfile.TemporaryFile() as file:
            blob = copy_blob(source, file, max_bytes)
            file.seek(0)
            self._put(blob.sha256, file.read() if blob.size_bytes <= ONE_REQUEST_BYTES else file)
        self._remember([blob.sha256])
        return blob

    def read(self, sha256: str) -> bytes:
        """Return the bytes of a blob.

        Raises:
            NotFound: code ``blob-not-found``.
        """
        path = self._path(checked_name(sha256))
        return self._call(lambda store, api: bytes(api.get(store, path).bytes()), missing=sha256)

    def open(self, sha256: str) -> BinaryIO:
        """Return a blob as a stream that can seek and reads a megabyte at a time; the caller closes it.

        Raises:
            NotFound: code ``blob-not-found``.
        """
        path = self._path(checked_name(sha256))
        if forks_later():
            file = cast("BinaryIO", tempfile.TemporaryFile())  # noqa: SIM115 - the caller closes it
            file.write(self.read(sha256))
            file.seek(0)
            return file
        found = self._call(
            lambda store, api: api.open_reader(store, path, buffer_size=READ_AHEAD_BYTES), missing=sha256
        )
        return cast("BinaryIO", BufferedReader(_Reader(found), READ_AHEAD_BYTES))

    def missing(self, names: Iterable[str]) -> set[str]:
        """Return which of the names are not in the store; what this process put a moment ago is not asked for."""
        limit = time.monotonic() - self._remembered_seconds
        wanted = [checked_name(name) for name in set(names)]
        unknown = [name for name in wanted if self._put_at.get(name, limit) <= limit]
        found = self._each(lambda name: self._head(name) is not None, unknown)
        return {name for name, is_there in zip(unknown, found, strict=True) if not is_there}

    def older_than(self, age_seconds: float) -> Iterator[str]:
        """Yield the names of the blobs that nobody has put for so long."""
        limit = time.time() - age_seconds
        listed = self._call(lambda store, api: api.list(store, chunk_size=LISTED_BLOBS))
        while batch := self._call(lambda store, api: next(listed, None)):
            for item in batch:
                name = str(item["path"]).rpartition("/")[2]
                if len(name) == 64 and item["last_modified"].timestamp() < limit:
                    yield name

    def remove_if_older(self, sha256: str, age_seconds: float) -> bool:
        """Remove a blob unless somebody has put it again meanwhile; say whether it was removed."""
        found = self._head(checked_name(sha256))
        if found is None or found["last_modified"].timestamp() >= time.time() - age_seconds:
            return False
        self._put_at.pop(sha256, None)
        self._call(lambda store, api: api.delete(store, self._path(sha256)))
        return True

    def remove_all_older(self, names: Sequence[str], age_seconds: float) -> int:
        """Remove those of the blobs that nobody has put again meanwhile, 32 at a time, and return how many."""
        return sum(self._each(lambda name: self.remove_if_older(name, age_seconds), list(names)))

    def remove_unfinished(self, age_seconds: float) -> int:
        """Return 0: what interrupted writers leave is not visible; a lifecycle rule of the bucket removes it."""
        return 0

    def _put(self, name: str, content: bytes | IO[bytes]) -> None:
        self._call(
            lambda store, api: api.put(
                store,
                self._path(name),
                content,
                use_multipart=not isinstance(content, bytes),
                chunk_size=ONE_REQUEST_BYTES,
            )
        )

    def _head(self, name: str) -> Mapping[str, Any] | None:
        def look(store: Any, api: Any) -> Mapping[str, Any] | None:
            try:
                return dict(api.head(store, self._path(name)))
            except FileNotFoundError:
                return None

        return self._call(look)

    def _path(self, name: str) -> str:
        return f"{name[:2]}/{name}"

    def _remember(self, names: Iterable[str]) -> None:
        now = time.monotonic()
        with self._lock:
            if len(self._put_at) > REMEMBERED_BLOBS:
                self._put_at.clear()
            self._put_at.update(dict.fromkeys(names, now))

    def _each(self, action: Callable[[A], T], items: Sequence[A]) -> list[T]:
        if len(items) < 2 or forks_later():
            return [action(item) for item in items]
        with ThreadPoolExecutor(min(PARALLEL, len(items))) as threads:
            return list(threads.map(action, items))

    def _call(self, action: Callable[[Any, Any], T], *, missing: str = "") -> T:
        """Run one request; the library's errors become the portal's."""
        if forks_later():
            # The library's threads would not be there in the children of this process.
            return in_child(partial(self._translated, action, missing))
        return self._translated(action, missing)

    def _translated(self, action: Callable[[Any, Any], T], missing: str) -> T:
        api = importlib.import_module("obstore")
        failures = importlib.import_module("obstore.exceptions")
        try:
            return action(self._store(), api)
        except FileNotFoundError:
            raise blob_not_found(missing) from None
        except failures.BaseError as error:
            if any(word in str(error) for word in _NO_ROOM):
                raise StorageFull("There is no room left in the bucket. Make some and resume.") from None
            raise StorageAway(self.bucket.name, error) from error

    def _store(self) -> Any:
        with self._lock:
            if self._opened is None or self._opened[0] != os.getpid():
                self._opened = (os.getpid(), opened(self.bucket))
            return self._opened[1]


class _Reader(RawIOBase):
    """A remote object as a raw stream, to be buffered."""

    def __init__(self, source: _Object) -> None:
        self._source = source

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._source.seek(offset, whence)

    def tell(self) -> int:
        return self._source.tell()

    def readinto(self, target: Any) -> int:
        wanted = min(len(target), max(self._source.size - self._source.tell(), 0))
        piece = bytes(self._source.read(wanted)) if wanted else b""
        target[: len(piece)] = piece
        return len(piece)
