"""What the page of one student shows beside the record."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import select

from plugins.admissions.api.folders import safe_name
from plugins.admissions.models import Student, StudentFile, StudyCourse
from plugins.admissions.models.vocabulary import SEX_TITLES, STUDY_MODE_TITLES
from portal.sdk import ExternalIdentity, User, current_store, db
from portal.sdk.web import ZipEntry

_ICONS = {"application/pdf": "fa-file-pdf-o", "image/jpeg": "fa-file-image-o", "image/png": "fa-file-image-o"}


@dataclass(frozen=True, kw_only=True)
class StudentFacts:
    """What the page of a student shows beside the record itself."""

    student: Student
    course: StudyCourse | None
    user: User | None
    identities: Sequence[ExternalIdentity]

    @property
    def sex(self) -> str:
        return SEX_TITLES.get(self.student.sex, self.student.sex)

    @property
    def entry_mode(self) -> str:
        mode = self.course.entry_mode if self.course is not None else ""
        return STUDY_MODE_TITLES.get(mode, mode)

    @property
    def has_chosen_password(self) -> bool:
        return self.user is not None and bool(self.user.password)

    def icon_of(self, file: StudentFile) -> str:
        """Return the icon of a file by its type."""
        return _ICONS.get(file.stored.media_type, "fa-file-o")


def facts_of(student: Student) -> StudentFacts:
    """Collect what the page shows. Reads only."""
    user = db.session.get(User, student.user_id) if student.user_id is not None else None
    identities: Sequence[Any] = ()
    if user is not None:
        wanted = select(ExternalIdentity).where(ExternalIdentity.user_id == user.id)
        identities = db.session.scalars(wanted.order_by(ExternalIdentity.provider)).all()
    return StudentFacts(
        student=student,
        course=student.study_course,
        user=user,
        identities=identities,
    )


def zip_entries(student: Student) -> list[ZipEntry]:
    """Return the files of the student's folder for a ZIP, in a directory named by the student number.

    A list: the ZIP is written when the request's database session is gone.
    """
    store = current_store()
    return [
        ZipEntry(
            name=f"{student.student_id}/{safe_name(file.name)}",
            open=partial(store.open, file.sha256),
            modified_at=file.added_at,
        )
        for file in student.files
    ]
