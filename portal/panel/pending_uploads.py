"""An upload between its form and its plan: a signed word in the address, so that looking at it writes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import current_app
from itsdangerous import BadData, URLSafeTimedSerializer

from portal.config import current_config
from portal.files.store import current_store
from portal.jobs.kinds import SHEET
from portal.jobs.uploads import Upload
from portal.kernel.actor import current_actor
from portal.kernel.errors import InvalidInput
from portal.settings.fields import as_text

_SALT = "portal-pending-upload"
#: The word must fit into an address that every server takes.
_MOST_CHARACTERS = 3000
_FILENAME_CHARACTERS = 120
#: Blobs that no record names are swept; the word ends well before.
_SHARE_OF_GRACE = 0.8


@dataclass(frozen=True, kw_only=True)
class PendingUpload:
    """What one person uploaded for a job that is not planned yet: in the store already, named by no record."""

    kind: str
    params: Mapping[str, Any]
    files: Mapping[str, Upload]

    @property
    def sheet(self) -> Upload:
        return self.files[SHEET]

    @property
    def form_values(self) -> dict[str, str]:
        """The parameters as an address carries them back to the form."""
        return {
            name: as_text(value) for name, value in self.params.items() if value not in (None, "", [], {})
        }

    def signed(self) -> str:
        """Return it as a word for an address, good for the current actor.

        Raises:
            InvalidInput: ``job-params-invalid`` when the parameters are too long for that.
        """
        files = {
            role: [file.sha256, file.size_bytes, file.media_type, file.filename[-_FILENAME_CHARACTERS:]]
            for role, file in self.files.items()
        }
        word = _signer().dumps([self.kind, current_actor().user_id, dict(self.params), files])
        if len(word) > _MOST_CHARACTERS:
            raise InvalidInput(
                "job-params-invalid", "The parameters are too long for this form. Use the command."
            )
        return str(word)


def pending_upload(word: str, kind: str) -> PendingUpload:
    """Return what the word stands for.

    Raises:
        InvalidInput: ``upload-expired`` when it is old, somebody else's, of another kind, or the files are gone.
    """
    grace = current_config().sweep_grace_seconds
    try:
        found_kind, user_id, params, files = _signer().loads(word, max_age=int(grace * _SHARE_OF_GRACE))
    except (BadData, ValueError, TypeError):
        raise _expired() from None
    if found_kind != kind or user_id != current_actor().user_id:
        raise _expired()
    uploads = {
        role: Upload(sha256=sha256, size_bytes=size, media_type=media_type, filename=filename)
        for role, (sha256, size, media_type, filename) in files.items()
    }
    if current_store().missing(upload.sha256 for upload in uploads.values()):
        raise _expired()
    return PendingUpload(kind=kind, params=params, files=uploads)


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(str(current_app.secret_key), salt=_SALT)


def _expired() -> InvalidInput:
    return InvalidInput("upload-expired", "This upload is not there any more. Upload the file again.")
