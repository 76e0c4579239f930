"""The settings of submissions that people change while the portal runs."""

from pydantic import BaseModel, Field


class SubmissionsSettings(BaseModel):
    """Limits, and how external graders are served."""

    answer_limit_characters: int = Field(
        102_400,
        ge=1_000,
        le=10_000_000,
        title="Longest answer",
        description="Characters of the answer as JSON with everything beyond ASCII escaped.",
        json_schema_extra={"unit": "characters"},
    )
    grader_lease_minutes: int = Field(
        5,
        ge=1,
        le=1_440,
        title="Time for an external grader",
        description="After this a submission that was handed out and not answered is handed out anew.",
        json_schema_extra={"unit": "minutes"},
    )
    grader_failures: int = Field(
        5,
        ge=1,
        le=100,
        title="Failures of a queue entry",
        description="After so many an entry waits for a person.",
    )
    queue_delay_minutes: int = Field(
        60,
        ge=0,
        le=100_000,
        title="Delay of the queue length",
        description="Only entries that have waited longer count as waiting.",
        json_schema_extra={"unit": "minutes"},
    )
    student_id_system: str = Field(
        "",
        max_length=60,
        title="System of student ids",
        description=(
            "Whose keys, tied to users, the student ids are; empty: the names that people sign in with. By this a "
            "person's submissions are found when the person asks for a copy or is erased."
        ),
    )
    metrics_by_course: bool = Field(
        False,
        title="Metrics by course and item",
        description="Label the metrics with course and item too; many courses make many series.",
    )
