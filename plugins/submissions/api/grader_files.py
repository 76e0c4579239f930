"""Files that go to an external grader with an answer; their bytes lie in the portal's store."""

import uuid
from collections.abc import Mapping
from typing import BinaryIO

from sqlalchemy import insert, select

from plugins.submissions.api.inputs import word
from plugins.submissions.api.sessions import execute, reads
from plugins.submissions.errors import FileProcessingError, InvalidFileTypeError
from plugins.submissions.models import GraderFile
from portal.sdk import NewFile, PortalError, current_store, register_files, utc_now

#: A file that is in the store already (store it before the transaction begins), its bytes, or a stream of them.
FileGiven = NewFile | bytes | BinaryIO
LONGEST_NAME = 255


def add_files(entry_id: int, files: Mapping[str, FileGiven]) -> None:
    """Keep files for a queue entry. Needs an open transaction; does not commit.

    Raises:
        InvalidFileTypeError: when one is no file.
        FileProcessingError: when one cannot be stored.
    """
    if not files:
        return
    given: object = files
    if not isinstance(given, Mapping) or not all(_is_name(name) for name in given):
        raise InvalidFileTypeError("Files are a dict: name → bytes or a binary stream.")
    try:
        stored = {name: _stored(name, given) for name, given in files.items()}
        register_files(list(stored.values()))
    except (OSError, PortalError) as error:
        if isinstance(error, InvalidFileTypeError):
            raise
        raise FileProcessingError(f"A file for the grader could not be stored: {error}") from error
    now = utc_now()
    rows = [
        {
            "uuid": uuid.uuid4(),
            "entry_id": entry_id,
            "sha256": file.sha256,
            "original_filename": name[:LONGEST_NAME],
            "created_at": now,
        }
        for name, file in stored.items()
    ]
    execute(insert(GraderFile), rows)


def _is_name(given: object) -> bool:
    """Say whether it is a text that every database can keep."""
    return isinstance(given, str) and word(given) is not None


def _stored(name: str, given: object) -> NewFile:
    if isinstance(given, NewFile):
        return given
    data = given.read() if hasattr(given, "read") else given
    if not isinstance(data, bytes):
        raise InvalidFileTypeError(f"{name} is no file: bytes or a binary stream are needed.")
    (sha256,) = current_store().put_many([data])
    return NewFile(sha256=sha256, size_bytes=len(data), media_type="application/octet-stream")


def file_of(file_uuid: uuid.UUID) -> tuple[str, str] | None:
    """Return hash and name of a file that belongs to a queue entry, or None."""
    statement = select(GraderFile.sha256, GraderFile.original_filename).where(
        GraderFile.uuid == file_uuid, GraderFile.entry_id.is_not(None)
    )
    with reads() as connection:
        row = connection.execute(statement).one_or_none()
    return (row[0], row[1]) if row is not None else None


def files_of(entry_id: int) -> dict[str, uuid.UUID]:
    """Return the files of a queue entry: name → uuid, in the order they were given."""
    statement = (
        select(GraderFile.original_filename, GraderFile.uuid)
        .where(GraderFile.entry_id == entry_id)
        .order_by(GraderFile.id)
    )
    with reads() as connection:
        return {row[0]: row[1] for row in connection.execute(statement)}
