"""Entity tags: an answer that has not changed is not sent again, and a stale copy is not written back."""

import hashlib
import json
from typing import Any, ClassVar

from flask import Response, request
from pydantic import BaseModel
from werkzeug.wrappers import Response as AnyResponse

from portal.kernel.errors import PortalError

_TAG_LETTERS = 32


class PreconditionMissing(PortalError):
    """The call must say which version of the record it has seen."""

    status: ClassVar[int] = 428

    def __init__(self) -> None:
        super().__init__(
            "precondition-missing", "Send the ETag of the record, as you got it, in the header If-Match."
        )


class PreconditionFailed(PortalError):
    """The record is not the one that the caller has seen."""

    status: ClassVar[int] = 412

    def __init__(self, current: str) -> None:
        super().__init__(
            "changed-meanwhile",
            "The record has changed since you read it. Read it again, then decide.",
            {"etag": f'"{current}"'},
        )


def etag_of(answer: BaseModel) -> str:
    """Return the tag of an answer: the same for the same content."""
    return _tag(answer.model_dump(mode="json", by_alias=True))


def version_etag(record: Any) -> str:
    """Return the tag of a record with a ``version`` column: it changes with every write."""
    return _tag([type(record).__name__, str(record.id), record.version])


def tagged(answer: BaseModel, record: Any, status: int = 200) -> tuple[BaseModel, int, dict[str, str]]:
    """Return what an operation with ``etag=True`` answers: the model, with the tag of the record's version."""
    return answer, status, {"ETag": quoted(version_etag(record))}


def quoted(etag: str) -> str:
    """Return a tag as the ``ETag`` header has it."""
    return f'"{etag}"'


def need_match() -> None:
    """Refuse a call without ``If-Match``.

    Raises:
        PreconditionMissing: as the name says.
    """
    if not request.headers.get("If-Match", "").strip():
        raise PreconditionMissing


def check_match(etag: str) -> None:
    """Refuse a call whose ``If-Match`` names another version; one without the header passes.

    Call it inside the transaction, after the record is locked.

    Raises:
        PreconditionFailed: as the name says.
    """
    if not request.headers.get("If-Match", "").strip():
        return
    if not request.if_match.contains(etag):
        raise PreconditionFailed(etag)


def not_modified(response: Response) -> AnyResponse:
    """Return the response, or 304 when the caller has it already."""
    if response.status_code == 200 and response.get_etag()[0] is not None:
        response.headers["Cache-Control"] = "private, no-cache"
        return response.make_conditional(request)
    return response


def _tag(content: Any) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:_TAG_LETTERS]
