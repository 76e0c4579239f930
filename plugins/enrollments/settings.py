"""The settings of enrollments that people change while the portal runs."""

from typing import Literal

from pydantic import BaseModel, Field, field_validator

from plugins.enrollments.models.vocabulary import PROGRAM_STATUSES


class EnrollmentsSettings(BaseModel):
    """How keys are compared and which changes are allowed."""

    key_letter_case: Literal["exact", "fold"] = Field(
        "exact",
        title="Letter case of external keys",
        description=(
            "exact: k1 and K1 are two learners. fold: they are one. "
            "After a change, existing keys follow with 'portal enrollments fold-keys'."
        ),
    )
    course_key_form: Literal["course-v1", "any"] = Field(
        "course-v1",
        title="Form of course keys",
        description="course-v1: only course-v1:ORG+COURSE+RUN (or ORG/COURSE/RUN) is accepted. any: any text.",
    )
    forbidden_transitions: list[str] = Field(
        default_factory=list,
        title="Forbidden changes of status",
        description="One a line, such as ended>enrolled. Empty: every status may follow every other one.",
    )
    rows_per_call: int = Field(
        25,
        ge=1,
        le=5_000,
        title="Rows per call of older programs",
        description="Calls of /api/program_enrollments/v1/ that write more rows are refused, as they always were.",
    )
    allow_reset: bool = Field(
        False,
        title="Allow a reset",
        description="Only for trial portals: lets all enrollments of an organization or a program be deleted at once.",
    )

    @field_validator("forbidden_transitions")
    @classmethod
    def _two_statuses(cls, lines: list[str]) -> list[str]:
        tidy = []
        for line in lines:
            before, _, after = (part.strip() for part in line.partition(">"))
            for status in (before, after):
                if status not in PROGRAM_STATUSES:
                    allowed = ", ".join(sorted(PROGRAM_STATUSES))
                    message = f"{line!r} is not written status>status; statuses are {allowed}"
                    raise ValueError(message)
            tidy.append(f"{before}>{after}")
        return tidy
