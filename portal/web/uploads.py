"""Files that people send with a form."""

from flask import request
from werkzeug.datastructures import FileStorage

from portal.kernel.errors import InvalidInput


def uploaded_file(field: str, *, required: bool = True, label: str = "A file") -> FileStorage | None:
    """Return the file sent in ``field``, or None when none was chosen and none is required.

    Raises:
        InvalidInput: ``file-missing`` when a required file was not chosen.
    """
    found = request.files.get(field)
    if found is not None and found.filename:
        return found
    if required:
        raise InvalidInput("file-missing", f"{label} must be chosen.", {"field": field})
    return None
