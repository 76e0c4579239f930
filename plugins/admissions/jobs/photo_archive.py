"""Reads photos out of an uploaded ZIP, by name, within bounds."""

import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath

from portal.sdk import ImageLimits, InvalidInput
from portal.sdk.jobs import JobFiles

ARCHIVE = "photos"
MAX_MEMBERS = 200_000
ENDINGS = (".jpg", ".jpeg", ".png")
LIMITS = ImageLimits()

_BROKEN = (zipfile.BadZipFile, zlib.error, OSError, RuntimeError, NotImplementedError, EOFError, ValueError)


class PhotoArchive:
    """An opened ZIP of photos. Folders inside it do not matter, nor do capital letters."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        members = archive.infolist()
        if len(members) > MAX_MEMBERS:
            message = f"The ZIP has {len(members):,} entries; {MAX_MEMBERS:,} are the most. Split it."
            raise InvalidInput("archive-too-large", message)
        self._by_name: dict[str, list[zipfile.ZipInfo]] = {}
        self._by_stem: dict[str, list[zipfile.ZipInfo]] = {}
        for member in members:
            path = PurePosixPath(member.filename.replace("\\", "/").lower())
            if member.is_dir() or path.name.startswith(".") or "__macosx" in path.parts:
                continue
            self._by_name.setdefault(path.name, []).append(member)
            if path.suffix in ENDINGS:
                self._by_stem.setdefault(path.stem, []).append(member)

    @classmethod
    @contextmanager
    def opened(cls, files: JobFiles) -> Iterator["PhotoArchive | None"]:
        """Open the job's ZIP; None when nobody uploaded one.

        Raises:
            InvalidInput: ``archive-unreadable`` or ``archive-too-large``.
        """
        if ARCHIVE not in files:
            yield None
            return
        with files.open(ARCHIVE) as stream:
            try:
                archive = zipfile.ZipFile(stream)
            except _BROKEN as error:
                message = f"The photos are no readable ZIP file ({error}). Make the ZIP again."
                raise InvalidInput("archive-unreadable", message) from None
            with archive:
                yield cls(archive)

    def named(self, name: str) -> str:
        """Return the member that a cell of the sheet names.

        Raises:
            InvalidInput: ``photo-not-found`` or ``photo-ambiguous``.
        """
        found = self._by_name.get(PurePosixPath(name.replace("\\", "/").strip().lower()).name, [])
        if not found:
            raise InvalidInput("photo-not-found", f"value {name[:80]!r}: the ZIP has no such file; add it")
        return self._only(found)

    def belonging_to(self, names: Iterable[str]) -> str | None:
        """Return the member called like one of the names (with an ending), or None.

        Raises:
            InvalidInput: ``photo-ambiguous``.
        """
        for name in names:
            found = self._by_stem.get(name.lower().replace("/", "_"))
            if found:
                return self._only(found)
        return None

    def _only(self, found: list[zipfile.ZipInfo]) -> str:
        if len(found) > 1:
            names = ", ".join(member.filename for member in found[:3])
            raise InvalidInput("photo-ambiguous", f"several files of the ZIP fit ({names}); keep one")
        return found[0].filename

    def read(self, member: str) -> bytes:
        """Return the bytes of a member, never more than a photo may have.

        Raises:
            InvalidInput: ``photo-too-large`` or ``photo-unreadable``.
        """
        try:
            with self._archive.open(member) as stream:
                data = stream.read(LIMITS.max_bytes + 1)
        except KeyError:
            raise InvalidInput("photo-not-found", f"The ZIP has no file {member!r}.") from None
        except _BROKEN as error:
            raise InvalidInput(
                "photo-unreadable", f"{member} cannot be taken out of the ZIP ({error})."
            ) from None
        if len(data) > LIMITS.max_bytes:
            message = f"{member} has more than {LIMITS.max_bytes / 1e6:.0f} MB. Make it smaller."
            raise InvalidInput("photo-too-large", message)
        return data
