"""What a creation of students is asked with, and the applicants that it means."""

import uuid
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, Field, model_validator
from sqlalchemy import select

from plugins.admissions.models import Applicant, ApplicantState
from plugins.admissions.models.names import display_name
from portal.sdk import db
from portal.sdk.jobs import SourceRow

#: Applicants read in one go while the rows are listed.
PAGE_ROWS = 1000


class Scope(StrEnum):
    """Whose students are made."""

    APPLICANTS = "applicants"
    CONTAINER = "container"
    PORTAL = "portal"


class CreateStudentsParams(BaseModel):
    """Whose student records to make."""

    scope: Scope
    applicants: list[uuid.UUID] = Field(
        default_factory=list, description="Keys of the applicants of a selection."
    )
    container: str | None = Field(None, description="Code of the container.")
    send_email: bool = Field(False, description="Mail each new student how to choose a password.")

    @model_validator(mode="after")
    def _complete(self) -> "CreateStudentsParams":
        if self.scope is Scope.APPLICANTS and not self.applicants:
            raise ValueError("no applicant selected")
        if self.scope is Scope.CONTAINER and not self.container:
            raise ValueError("no container named")
        return self


class ApplicantRef(BaseModel):
    """One applicant to make a student of."""

    applicant_uid: uuid.UUID


def selected(uids: Sequence[uuid.UUID]) -> Iterator[SourceRow[ApplicantRef]]:
    """Give these applicants in the given order, each once, also those that do not exist."""
    unique = list(dict.fromkeys(uids))
    for start in range(0, len(unique), PAGE_ROWS):
        page = unique[start : start + PAGE_ROWS]
        found = db.session.execute(select(*_LISTED).where(Applicant.id.in_(page)))
        rows = {row.id: row for row in found}
        for uid in page:
            label = _label(rows[uid]) if uid in rows else f"applicant {uid}"
            yield SourceRow(row=ApplicantRef(applicant_uid=uid), key=str(uid), subject=str(uid), label=label)


_LISTED = (
    Applicant.id,
    Applicant.applicant_id,
    Applicant.firstname,
    Applicant.middlename,
    Applicant.lastname,
)


def admitted(container_id: uuid.UUID | None) -> Iterator[SourceRow[ApplicantRef]]:
    """Give the admitted applicants of a container, or of the portal, in key order."""
    statement = (
        select(*_LISTED)
        .where(Applicant.state == ApplicantState.ADMITTED)
        .order_by(Applicant.id)
        .limit(PAGE_ROWS)
    )
    if container_id is not None:
        statement = statement.where(Applicant.container_id == container_id)
    page = db.session.execute(statement).all()
    while page:
        for row in page:
            reference = ApplicantRef(applicant_uid=row.id)
            yield SourceRow(row=reference, key=str(row.id), subject=str(row.id), label=_label(row))
        page = db.session.execute(statement.where(Applicant.id > page[-1].id)).all()


def _label(row: Any) -> str:
    return f"{row.applicant_id} {display_name(row.firstname, row.middlename, row.lastname)}"
