"""Students with their study courses, files and history."""

import uuid
from datetime import date, datetime
from typing import ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from plugins.admissions.models.academics import Certificate
from plugins.admissions.models.applicant import Applicant
from plugins.admissions.models.names import NamedPerson, folded
from plugins.admissions.models.vocabulary import FileKind, StudentState, session_title
from portal.sdk import Base, StoredFile, Versioned, new_id, search_index, utc_now, word_indexes


class Student(NamedPerson, Base, Versioned):
    """The record made from an admitted applicant. ``student_id`` is the student number (K1000000)."""

    __tablename__ = "admissions_student"
    __table_args__ = (
        CheckConstraint("sex IN ('m', 'f')", name="sex"),
        Index("ix_admissions_student_state", "state", "id"),
        Index("ix_admissions_student_fullname", "fullname", "date_of_birth"),
        Index("ix_admissions_student_lastname", "lastname", "id"),
        Index("ix_admissions_student_email", "email"),
        Index("ix_admissions_student_created_at", "created_at", "id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    student_id: Mapped[str] = mapped_column(String(20), unique=True)
    state: Mapped[str] = mapped_column(String(30), default=StudentState.CREATED)
    user_id: Mapped[int | None] = mapped_column(
        ForeignKey("portal_user.id", ondelete="SET NULL"), unique=True
    )
    #: The application it was made from; the student stays when that is purged.
    applicant_uid: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("admissions_applicant.id", ondelete="SET NULL"), unique=True
    )
    created_at: Mapped[datetime] = mapped_column(default=utc_now)

    # Base data
    sex: Mapped[str] = mapped_column(String(1))
    reg_number: Mapped[str | None] = mapped_column(String(60), unique=True)
    matric_number: Mapped[str | None] = mapped_column(String(60), unique=True)
    email: Mapped[str] = mapped_column(String(254), default="")
    phone: Mapped[str] = mapped_column(String(40), default="")
    parents_email: Mapped[str] = mapped_column(String(254), default="", server_default="")
    adm_code: Mapped[str] = mapped_column(String(60), default="", server_default="")
    suspended: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    suspended_comment: Mapped[str] = mapped_column(Text, default="", server_default="")
    flash_notice: Mapped[str] = mapped_column(Text, default="", server_default="")
    # Clearance data
    date_of_birth: Mapped[date]
    nationality: Mapped[str] = mapped_column(String(100), default="", server_default="")
    clr_code: Mapped[str] = mapped_column(String(60), default="", server_default="")
    officer_comment: Mapped[str] = mapped_column(Text, default="", server_default="")
    employer: Mapped[str] = mapped_column(String(200), default="", server_default="")
    # Personal data
    perm_address: Mapped[str] = mapped_column(Text, default="", server_default="")
    personal_updated: Mapped[datetime | None]

    applicant: Mapped[Applicant | None] = relationship()
    study_courses: Mapped[list["StudyCourse"]] = relationship(back_populates="student", passive_deletes="all")
    files: Mapped[list["StudentFile"]] = relationship(
        back_populates="student", passive_deletes="all", order_by="StudentFile.name"
    )
    history: Mapped[list["StudentHistory"]] = relationship(
        back_populates="student", passive_deletes="all", order_by="StudentHistory.at, StudentHistory.id"
    )

    @property
    def study_course(self) -> "StudyCourse | None":
        """The current study course; earlier ones stay after transfers."""
        return next((course for course in self.study_courses if course.is_current), None)

    @property
    def passport(self) -> "StudentFile | None":
        return next((file for file in self.files if file.kind == FileKind.PASSPORT), None)

    @property
    def application_slip(self) -> "StudentFile | None":
        return next((file for file in self.files if file.kind == FileKind.APPLICATION_SLIP), None)

    def __str__(self) -> str:
        return f"{self.display_fullname} ({self.student_id})"


class StudyCourse(Base, Versioned):
    """What a student studies: programme, entry and current session, level and verdicts."""

    __tablename__ = "admissions_study_course"
    __table_args__ = (
        Index(
            "uq_admissions_study_course_current",
            "student_uid",
            unique=True,
            sqlite_where=text("is_current"),
            postgresql_where=text("is_current"),
        ),
        Index("ix_admissions_study_course_student_uid", "student_uid"),
        Index("ix_admissions_study_course_certificate_id", "certificate_id"),
        Index("ix_admissions_study_course_entry_session", "entry_session", "id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    student_uid: Mapped[uuid.UUID] = mapped_column(ForeignKey("admissions_student.id", ondelete="CASCADE"))
    is_current: Mapped[bool] = mapped_column(default=True)
    certificate_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("admissions_certificate.id", ondelete="RESTRICT")
    )
    entry_mode: Mapped[str] = mapped_column(String(20))
    entry_session: Mapped[int]
    current_session: Mapped[int]
    current_level: Mapped[int]
    #: ``0``: no verdict yet.
    current_verdict: Mapped[str] = mapped_column(String(20), default="0", server_default="0")
    previous_verdict: Mapped[str] = mapped_column(String(20), default="0", server_default="0")

    student: Mapped[Student] = relationship(back_populates="study_courses")
    certificate: Mapped[Certificate] = relationship()

    @property
    def entry_session_title(self) -> str:
        return session_title(self.entry_session)

    def __str__(self) -> str:
        return f"{self.certificate.code} ({self.entry_session_title})"


class StudentFile(Base):
    """A file in a student's folder; a passport is the same blob as the applicant's."""

    __tablename__ = "admissions_student_file"
    __table_args__ = (
        UniqueConstraint("student_uid", "name"),
        Index("ix_admissions_student_file_sha256", "sha256"),
        Index("ix_admissions_student_file_added_at", "added_at", "id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    student_uid: Mapped[uuid.UUID] = mapped_column(ForeignKey("admissions_student.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(30), default=FileKind.ADDITIONAL)
    name: Mapped[str] = mapped_column(String(120))
    sha256: Mapped[str] = mapped_column(ForeignKey("portal_stored_file.sha256", ondelete="RESTRICT"))
    added_at: Mapped[datetime] = mapped_column(default=utc_now)

    student: Mapped[Student] = relationship(back_populates="files")
    stored: Mapped[StoredFile] = relationship(viewonly=True)


class StudentHistory(Base):
    """One line of what happened to a student record."""

    __tablename__ = "admissions_student_history"
    __audited__: ClassVar[bool] = False
    __table_args__ = (
        Index("ix_admissions_student_history_student_uid", "student_uid", "at", "id"),
        Index("ix_admissions_student_history_at", "at", "id"),
        Index("ix_admissions_student_history_actor_name", "actor_name", "id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    student_uid: Mapped[uuid.UUID] = mapped_column(ForeignKey("admissions_student.id", ondelete="CASCADE"))
    at: Mapped[datetime]
    text: Mapped[str] = mapped_column(String(300))
    actor_name: Mapped[str] = mapped_column(String(200))
    transition: Mapped[str] = mapped_column(String(20), default="")

    student: Mapped[Student] = relationship(back_populates="history")


word_indexes(Student.fullname, fold=folded)
for _column in (Student.student_id, Student.reg_number, Student.matric_number, Student.email):
    search_index(_column)
