"""The settings of admissions that people change while the portal runs."""

from pydantic import BaseModel, Field


class AdmissionsSettings(BaseModel):
    """How student records are made from applications."""

    student_number_letter: str = Field(
        "K",
        pattern="^[A-Z]$",
        title="Letter of student numbers",
        description="One capital letter before the digits.",
    )
    student_number_spread: bool = Field(
        False,
        title="Spread student numbers",
        description="Numbers in an order that nobody can count from outside, instead of one after the other.",
    )
    refuse_possible_duplicates: bool = Field(
        False,
        title="Refuse possible duplicates",
        description="Do not create a student when one with the same name and date of birth exists; else only warn.",
    )
    activation_valid_days: int = Field(
        180,
        ge=1,
        le=3650,
        title="Days an activation code is valid",
        description="Days after creation in which a new student can choose a password with the code of the letter.",
    )
