"""Files that are in the store already, for tests of what refers to files."""

from portal.files.service import NewFile, register
from portal.files.store import current_store
from portal.kernel.transaction import transaction


def make_file(data: bytes, media_type: str = "application/octet-stream") -> str:
    """Return the SHA-256 of a file that is stored and registered. Opens its own transaction."""
    (sha256,) = current_store().put_many([data])
    with transaction():
        register([NewFile(sha256=sha256, size_bytes=len(data), media_type=media_type)])
    return sha256
