"""What the REST interface of submissions takes and gives."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from plugins.submissions.models import GraderState
from portal.sdk.rest import Listing, PageQuery

POINTS = 2_147_483_647
WORD, TYPE, QUEUE = 255, 100, 128
#: Blanks alone are no reason.
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2_000)]


class Given(BaseModel):
    """A body; what it does not know it refuses."""

    model_config = ConfigDict(extra="forbid")


class StudentItemIn(Given):
    """The four words that name a student item."""

    student_id: str = Field(min_length=1, max_length=WORD, description="An anonymous id.")
    course_id: str = Field(min_length=1, max_length=WORD)
    item_id: str = Field(min_length=1, max_length=WORD)
    item_type: str = Field(min_length=1, max_length=TYPE, description="No part of the key; one for ever.")


class NewSubmissionIn(Given):
    """An answer to hand in."""

    student_item: StudentItemIn
    answer: Any = Field(description="Any JSON value but null, up to the limit of the settings.")
    submitted_at: AwareDatetime | None = Field(None, description="When it was handed in; now when absent.")
    attempt_number: int | None = Field(
        None, strict=True, ge=0, le=POINTS, description="The next one when absent."
    )


class NewScoreIn(Given):
    """A score to set."""

    points_earned: int = Field(strict=True, ge=0, le=POINTS)
    points_possible: int = Field(strict=True, ge=0, le=POINTS, description="With 0 the score is hidden.")
    reason: Reason = Field(description="Why; kept with the score.")
    kind: str = Field("staff_defined", min_length=1, max_length=WORD, description="Of which kind it is.")


class ResetIn(Given):
    """A reset of the score of a student item."""

    reason: Reason
    clear: bool = Field(
        False,
        strict=True,
        description="Also delete what was handed in; needs `submissions.state.clear` too. A restore brings it back.",
    )


class NewEntryIn(Given):
    """An answer to hand in and to put into the queue of an external grader."""

    student_item: StudentItemIn
    answer: Any = Field(description="Any JSON value but null, up to the limit of the settings.")
    queue_name: str = Field(min_length=1, max_length=QUEUE)
    queue_key: str | None = Field(None, max_length=QUEUE)
    grader_payload: str = Field(
        "", max_length=QUEUE, description="What the grader is told, such as a file name."
    )
    points_possible: int = Field(1, strict=True, ge=0, le=POINTS)


class ResultIn(Given):
    """What an external grader found."""

    key: str = Field(max_length=QUEUE, description="The key that the entry was handed out with.")
    score: float = Field(ge=0, le=POINTS, description="Share of the possible points; 1 for all of them.")
    reply: str = Field("", max_length=100_000, description="The grader's words, kept with the entry.")


class ItemOut(BaseModel):
    """A student item."""

    id: int
    student_id: str
    course_id: str
    item_id: str
    item_type: str


class SubmissionOut(BaseModel):
    """A submission without its answer."""

    uuid: UUID
    student_item: int = Field(description="Id of the student item.")
    course_id: str
    item_type: str
    attempt_number: int
    submitted_at: datetime
    created_at: datetime


class WholeSubmissionOut(BaseModel):
    """A submission with its answer."""

    uuid: UUID
    student_item: ItemOut
    attempt_number: int
    submitted_at: datetime
    created_at: datetime
    answer: Any
    team_submission_uuid: UUID | None


class ScoreOut(BaseModel):
    """The latest score of a student item, which is not hidden."""

    id: int
    student_item: ItemOut
    submission_uuid: UUID | None
    points_earned: int
    points_possible: int
    created_at: datetime


class AnnotationOut(BaseModel):
    """Who gave a score, of which kind, and why."""

    creator: str
    annotation_type: str
    reason: str


class PastScoreOut(BaseModel):
    """A score as the ledger keeps it, resets and hidden ones included."""

    id: int
    submission_uuid: UUID | None
    points_earned: int
    points_possible: int
    reset: bool
    is_latest: bool
    is_highest: bool
    created_at: datetime
    annotations: list[AnnotationOut]


class RestoredOut(BaseModel):
    """What a restore brought back."""

    submissions: int


class TopOut(BaseModel):
    """A line of the top list."""

    score: int
    content: Any = Field(description="The answer.")


class TopListOut(BaseModel):
    """The students with most points, by their latest score; of equal ones the earlier."""

    items: list[TopOut]


class EntryOut(BaseModel):
    """An entry of a grader's queue."""

    id: int
    submission_uuid: UUID
    queue_name: str
    status: GraderState
    points_possible: int
    num_failures: int
    lease_until: datetime | None = Field(
        description="Until when a grader may take; then it is handed out anew."
    )
    status_time: datetime
    created_at: datetime


class QueueOut(BaseModel):
    """A queue with the number of its entries by state."""

    queue_name: str
    entries: dict[str, int]


class QueueListOut(BaseModel):
    """Every queue, by name."""

    items: list[QueueOut]


class HandedOut(BaseModel):
    """What a grader gets to do. The key is new each time; an older one is refused."""

    submission_id: int = Field(description="Names the entry when the result is brought.")
    key: str
    grader_payload: str
    student_id: str
    submitted_at: datetime
    answer: Any
    files: dict[str, str] = Field(description="File name → address.")

    @classmethod
    def of(cls, pulled: Any, answer: Any, files: Mapping[str, str]) -> "HandedOut":
        """Return what a grader is told of an entry."""
        names = ("submission_id", "key", "grader_payload", "student_id", "submitted_at")
        return cls(**{name: getattr(pulled, name) for name in names}, answer=answer, files=dict(files))


class PulledOut(BaseModel):
    """The entry that waited longest, or null when none waits."""

    entry: HandedOut | None


class TakenOut(BaseModel):
    """Whether the score was stored; else the failure is counted and the entry is handed out anew."""

    is_scored: bool


class ItemListOut(Listing[ItemOut]):
    """Student items, by course, item and student."""


class SubmissionListOut(Listing[SubmissionOut]):
    """Active submissions, newest first."""


class ScoreListOut(Listing[ScoreOut]):
    """Latest scores, by course, item and student."""


class PastScoreListOut(Listing[PastScoreOut]):
    """Scores of a student item, newest first."""


class EntryListOut(Listing[EntryOut]):
    """Entries, newest first."""


class ItemQuery(PageQuery):
    """Which student items are meant."""

    course_id: str | None = Field(None, max_length=WORD)
    item_id: str | None = Field(None, max_length=WORD)
    student_id: str | None = Field(None, max_length=WORD)
    item_type: str | None = Field(None, max_length=TYPE)


class SubmissionQuery(PageQuery):
    """Which submissions are listed."""

    course_id: str | None = Field(None, max_length=WORD)
    item_type: str | None = Field(None, max_length=TYPE)
    student_item: int | None = Field(None, ge=1, le=2**62, description="Id of a student item.")
    submitted_from: AwareDatetime | None = Field(None, description="This moment or later.")
    submitted_before: AwareDatetime | None = Field(None, description="Before this moment.")


class EntryQuery(PageQuery):
    """Which entries are listed."""

    queue_name: str | None = Field(None, max_length=QUEUE)
    status: GraderState | None = None


class TopQuery(Given):
    """Whose top list."""

    course_id: str = Field(min_length=1, max_length=WORD)
    item_id: str = Field(min_length=1, max_length=WORD)
    item_type: str = Field(min_length=1, max_length=TYPE)
    number: int = Field(10, ge=1, le=100, description="Length of the list.")
