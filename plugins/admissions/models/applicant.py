"""Applicants with their files and history."""

import uuid
from datetime import date, datetime
from typing import ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from plugins.admissions.models.academics import Certificate
from plugins.admissions.models.container import Container
from plugins.admissions.models.names import NamedPerson, folded
from plugins.admissions.models.vocabulary import ApplicantState, FileKind
from portal.sdk import Base, StoredFile, Versioned, new_id, search_index, utc_now, word_indexes

_STATES = ", ".join(f"'{state}'" for state in ApplicantState)


class Applicant(NamedPerson, Base, Versioned):
    """A person's application. ``id`` is the key in the database, ``applicant_id`` is what people see."""

    __tablename__ = "admissions_applicant"
    __table_args__ = (
        CheckConstraint(f"state IN ({_STATES})", name="state"),
        CheckConstraint("sex IN ('m', 'f')", name="sex"),
        UniqueConstraint("container_id", "application_number"),
        Index("ix_admissions_applicant_state", "state", "id"),
        Index("ix_admissions_applicant_container_id_state", "container_id", "state", "id"),
        Index("ix_admissions_applicant_lastname", "lastname", "id"),
        Index("ix_admissions_applicant_email", "email"),
        Index("ix_admissions_applicant_course_admitted", "course_admitted", "id"),
        Index("ix_admissions_applicant_course1", "course1", "id"),
        Index("ix_admissions_applicant_date_of_birth", "date_of_birth", "id"),
        Index("ix_admissions_applicant_locked", "locked", "id"),
        Index("ix_admissions_applicant_student_id", "student_id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    container_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("admissions_container.id", ondelete="RESTRICT")
    )
    #: Six random digits, unique in the container.
    application_number: Mapped[str] = mapped_column(String(6))
    #: Container code, underscore, application number.
    applicant_id: Mapped[str] = mapped_column(String(60), unique=True)
    reg_number: Mapped[str | None] = mapped_column(String(60), unique=True)
    sex: Mapped[str] = mapped_column(String(1))
    date_of_birth: Mapped[date | None]
    email: Mapped[str] = mapped_column(String(254), default="")
    phone: Mapped[str] = mapped_column(String(40), default="")
    #: Codes of certificates, kept when the certificate is removed.
    course1: Mapped[str | None] = mapped_column(String(40))
    course2: Mapped[str | None] = mapped_column(String(40))
    course_admitted: Mapped[str | None] = mapped_column(String(40))
    notice: Mapped[str] = mapped_column(Text, default="")
    special_application: Mapped[str | None] = mapped_column(String(20))
    #: Number of the student record made from this application.
    student_id: Mapped[str | None] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(20), default=ApplicantState.INITIALIZED)
    #: The form is closed to the applicant, whatever the state.
    locked: Mapped[bool] = mapped_column(default=False)
    suspended: Mapped[bool] = mapped_column(default=False)
    #: When the application was finally submitted.
    application_date: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)

    container: Mapped[Container] = relationship()
    files: Mapped[list["ApplicantFile"]] = relationship(
        back_populates="applicant",
        passive_deletes="all",
        order_by="ApplicantFile.kind.desc(), ApplicantFile.name",
    )
    history: Mapped[list["ApplicantHistory"]] = relationship(
        back_populates="applicant", passive_deletes="all", order_by="ApplicantHistory.at, ApplicantHistory.id"
    )
    admitted_certificate: Mapped[Certificate | None] = relationship(
        primaryjoin="foreign(Applicant.course_admitted) == Certificate.code", viewonly=True
    )
    first_choice: Mapped[Certificate | None] = relationship(
        primaryjoin="foreign(Applicant.course1) == Certificate.code", viewonly=True
    )

    @property
    def passport(self) -> "ApplicantFile | None":
        return next((file for file in self.files if file.kind == FileKind.PASSPORT), None)

    def __str__(self) -> str:
        return f"{self.display_fullname} ({self.applicant_id})"


class ApplicantFile(Base):
    """A file in an applicant's folder; the bytes are the blob that ``sha256`` names."""

    __tablename__ = "admissions_applicant_file"
    __table_args__ = (
        UniqueConstraint("applicant_uid", "name"),
        Index("ix_admissions_applicant_file_sha256", "sha256"),
        Index("ix_admissions_applicant_file_added_at", "added_at", "id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    applicant_uid: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("admissions_applicant.id", ondelete="CASCADE")
    )
    kind: Mapped[str] = mapped_column(String(30), default=FileKind.ADDITIONAL)
    name: Mapped[str] = mapped_column(String(120))
    sha256: Mapped[str] = mapped_column(ForeignKey("portal_stored_file.sha256", ondelete="RESTRICT"))
    added_at: Mapped[datetime] = mapped_column(default=utc_now)

    applicant: Mapped[Applicant] = relationship(back_populates="files")
    stored: Mapped[StoredFile] = relationship(viewonly=True)


class ApplicantHistory(Base):
    """One line of what happened to an application; shown on its page and printed on the slip."""

    __tablename__ = "admissions_applicant_history"
    __audited__: ClassVar[bool] = False
    __table_args__ = (
        Index("ix_admissions_applicant_history_applicant_uid", "applicant_uid", "at", "id"),
        Index("ix_admissions_applicant_history_at", "at", "id"),
        Index("ix_admissions_applicant_history_actor_name", "actor_name", "id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    applicant_uid: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("admissions_applicant.id", ondelete="CASCADE")
    )
    at: Mapped[datetime]
    text: Mapped[str] = mapped_column(String(300))
    actor_name: Mapped[str] = mapped_column(String(200))
    #: Id of the transition, empty for other lines.
    transition: Mapped[str] = mapped_column(String(20), default="")

    applicant: Mapped[Applicant] = relationship(back_populates="history")


word_indexes(Applicant.fullname, fold=folded)
for _column in (Applicant.applicant_id, Applicant.application_number, Applicant.reg_number, Applicant.email):
    search_index(_column)
