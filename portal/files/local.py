"""The blob store in a local folder, durable in groups: two flushes of the file system for a whole chunk."""

import errno
import hashlib
import os
import secrets
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from portal.files.blobs import StoredBlob, blob_not_found, checked_name, copy_blob
from portal.files.flushing import flush_files, flush_folders
from portal.kernel import faults
from portal.kernel.errors import StorageFull

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}


class LocalStore:
    """Blobs as files ``<root>/<first two digits>/<name>``, written under ``<root>/tmp`` and renamed when durable."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._unfinished = root / "tmp"

    def put_many(self, blobs: Sequence[bytes]) -> list[str]:
        """Make blobs durable together and return their names in the same order.

        A blob that is there already gets a fresh time, so that the sweeper leaves it to us.

        Raises:
            StorageFull: when there is no room; none of them counts as stored.
        """
        names = [hashlib.sha256(blob).hexdigest() for blob in blobs]
        written: dict[str, Path] = {}
        with self._cleaned_up(written):
            for name, blob in zip(names, blobs, strict=True):
                if name not in written and not self._refresh(name, len(blob)):
                    written[name] = self._unfinished / _unique_name()
                    written[name].write_bytes(blob)
            self._publish(written, names)
        return names

    def put_stream(self, source: BinaryIO, max_bytes: int) -> StoredBlob:
        """Make one stream durable and return its name and size; memory does not grow with it.

        Raises:
            InvalidInput: code ``file-too-large``, when it has more than ``max_bytes``.
            StorageFull: when there is no room.
        """
        written = {"": self._unfinished / _unique_name()}
        with self._cleaned_up(written):
            with written[""].open("wb") as file:
                blob = copy_blob(source, file, max_bytes)
            written[blob.sha256] = written.pop("")
            if self._refresh(blob.sha256, blob.size_bytes):
                written.pop(blob.sha256).unlink()
            self._publish(written, [blob.sha256])
        return blob

    def read(self, sha256: str) -> bytes:
        """Return the bytes of a blob.

        Raises:
            NotFound: code ``blob-not-found``.
        """
        with self.open(sha256) as file:
            return file.read()

    def open(self, sha256: str) -> BinaryIO:
        """Return a blob as a stream that can seek; the caller closes it.

        Raises:
            NotFound: code ``blob-not-found``.
        """
        try:
            return self._path(checked_name(sha256)).open("rb")
        except FileNotFoundError:
            raise blob_not_found(sha256) from None

    def missing(self, names: Iterable[str]) -> set[str]:
        """Return which of the names are not in the store."""
        return {name for name in set(names) if not self._path(checked_name(name)).exists()}

    def older_than(self, age_seconds: float) -> Iterator[str]:
        """Yield the names of the blobs that nobody has put for so long."""
        limit = time.time() - age_seconds
        for folder in sorted(self.root.glob("[0-9a-f][0-9a-f]")):
            with os.scandir(folder) as entries:
                for entry in entries:
                    with suppress(FileNotFoundError):
                        if len(entry.name) == 64 and entry.stat().st_mtime < limit:
                            yield entry.name

    def remove_if_older(self, sha256: str, age_seconds: float) -> bool:
        """Remove a blob unless somebody has put it again meanwhile; say whether it was removed."""
        path = self._path(checked_name(sha256))
        return _unlink_if_older(path, age_seconds)

    def remove_all_older(self, names: Sequence[str], age_seconds: float) -> int:
        """Remove those of the blobs that nobody has put again meanwhile, and return how many."""
        return sum(self.remove_if_older(name, age_seconds) for name in names)

    def remove_unfinished(self, age_seconds: float) -> int:
        """Remove what interrupted writers left behind so long ago, and return how many."""
        if not self._unfinished.exists():
            return 0
        return sum(_unlink_if_older(path, age_seconds) for path in self._unfinished.iterdir())

    def _path(self, name: str) -> Path:
        return self.root / name[:2] / name

    def _refresh(self, name: str, size_bytes: int) -> bool:
        """Say whether the whole blob is there, after giving it a fresh time."""
        path = self._path(name)
        try:
            os.utime(path)
            return path.stat().st_size == size_bytes
        except FileNotFoundError:
            return False

    def _publish(self, written: dict[str, Path], names: Sequence[str]) -> None:
        """Give durable files their names; ``names`` also has those that another writer may have just renamed."""
        faults.point("blobs-in-temp")
        if written:
            flush_files(self.root, written.values())
            faults.point("synced")
        folders = {self._path(name).parent for name in names}
        for folder in folders:
            folder.mkdir(exist_ok=True)
        for name in list(written):
            written[name].replace(self._path(name))
            del written[name]
        if names:
            flush_folders(self.root, folders)
        faults.point("renamed")

    @contextmanager
    def _cleaned_up(self, written: dict[str, Path]) -> Iterator[None]:
        """Remove what was not renamed when anything fails; a full disk gets its own error."""
        try:
            self.root.mkdir(mode=0o750, parents=True, exist_ok=True)
            self._unfinished.mkdir(exist_ok=True)
            yield
        except BaseException as error:
            for path in written.values():
                path.unlink(missing_ok=True)
            if isinstance(error, OSError) and error.errno in _NO_ROOM:
                raise StorageFull from error
            raise


def _unique_name() -> str:
    return f"{os.getpid()}-{secrets.token_hex(12)}"


def _unlink_if_older(path: Path, age_seconds: float) -> bool:
    try:
        if path.stat().st_mtime >= time.time() - age_seconds:
            return False
        path.unlink()
    except FileNotFoundError:
        return False
    return True
