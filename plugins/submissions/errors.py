"""Every error that leaves the submissions API: the old system's classes, which are also the portal's kinds."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any, Self

from portal.sdk import Conflict, Forbidden, InvalidInput, NotFound, PortalError, TemporaryFailure


class FieldProblem(str):
    """Why one field is refused, in words; ``code`` is stable (``required``, ``blank``, ``max_length`` …)."""

    __slots__ = ("code",)
    code: str

    def __new__(cls, code: str, message: str) -> Self:
        problem = super().__new__(cls, message)
        problem.code = code
        return problem

    def __getnewargs__(self) -> tuple[str, str]:  # type: ignore[override]  # what __new__ takes
        return self.code, str(self)


FieldErrors = Mapping[str, Sequence[str]]


class SubmissionError(PortalError):
    """Base of all errors of this plugin's API."""

    word = "submission-error"

    def __init__(self, msg: str = "", facts: Mapping[str, Any] | None = None) -> None:
        super().__init__(self.word, msg or type(self).__doc__ or "", facts)
        self.args = (msg,) if msg else ()


class SubmissionInternalError(SubmissionError):
    """Something failed that the caller cannot mend."""

    word = "submission-internal"


class SubmissionNotFoundError(SubmissionError, NotFound):
    """There is no such submission, or it was deleted."""

    word = "submission-not-found"


class SubmissionRequestError(SubmissionError, InvalidInput):
    """The call cannot be done as it was asked for; nothing was written.

    Args:
        msg: What is wrong.
        field_errors: Field → why its value is refused; copied.
    """

    word = "submission-request"

    def __init__(self, msg: str = "", field_errors: FieldErrors | None = None) -> None:
        self.field_errors: dict[str, list[str]] = {
            name: list(problems) for name, problems in deepcopy(dict(field_errors or {})).items()
        }
        told = "; ".join(f"{name}: {' '.join(problems)}" for name, problems in self.field_errors.items())
        super().__init__(
            msg or told or "The request cannot be done.",
            {"fields": {n: list(map(str, p)) for n, p in self.field_errors.items()}},
        )
        self.args = (msg, self.field_errors)

    def __str__(self) -> str:
        return self.message

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.message!r}, {self.field_errors!r})"


class InvalidPointsError(SubmissionRequestError, SubmissionInternalError):
    """The points of a score cannot be stored; an internal error too, because callers of old catch that one."""

    word = "points-invalid"


class DatabaseBusyError(SubmissionInternalError, TemporaryFailure):
    """The database asks to try again; ``run_in_transaction`` does."""

    word = "database-busy"


class ExternalGraderQueueEmptyError(SubmissionError, InvalidInput):
    """A queue entry needs the name of its queue."""

    word = "queue-name-missing"


class MoveRefused(SubmissionError, Conflict):
    """The entry is in a state from which it cannot go there."""

    word = "grader-move-refused"


class EntryLocked(SubmissionError, Conflict):
    """Another call works on the entry at this moment."""

    word = "grader-entry-locked"


class WrongKey(SubmissionError, Forbidden):
    """The key is not the one that the entry was handed out with last."""

    word = "grader-key-wrong"


class InvalidFileTypeError(SubmissionError, InvalidInput):
    """A file for a grader is no file."""

    word = "file-type-invalid"


class FileProcessingError(SubmissionError):
    """A file for a grader could not be stored."""

    word = "file-not-stored"


class DuplicateTeamSubmissionsError(SubmissionError, InvalidInput):
    """The team has an active submission for this item already."""

    word = "team-submission-exists"


class TeamSubmissionNotFoundError(SubmissionNotFoundError):
    """There is no such team submission, or it was deleted."""

    word = "team-submission-not-found"


class TeamSubmissionInternalError(SubmissionInternalError):
    """Something failed that the caller cannot mend."""

    word = "team-submission-internal"


class TeamSubmissionRequestError(SubmissionRequestError):
    """The call cannot be done as it was asked for; nothing was written."""

    word = "team-submission-request"


class MalformedTeamUuidError(TeamSubmissionInternalError, TeamSubmissionNotFoundError):
    """What was given can be no uuid, so no team submission has it; callers of old catch it as an internal error."""

    word = "team-submission-not-found"
