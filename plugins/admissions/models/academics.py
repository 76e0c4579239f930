"""Faculties, departments and certificates (study programmes)."""

import uuid

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.sdk import Base, Versioned, new_id, search_index, word_indexes


class Faculty(Base, Versioned):
    """A faculty; holds departments."""

    __tablename__ = "admissions_faculty"
    __table_args__ = (Index("ix_admissions_faculty_title", "title", "id"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    code: Mapped[str] = mapped_column(String(40), unique=True)
    title: Mapped[str] = mapped_column(String(200))

    departments: Mapped[list["Department"]] = relationship(
        back_populates="faculty", passive_deletes="all", order_by="Department.title"
    )

    def __str__(self) -> str:
        return f"{self.code} – {self.title}"


class Department(Base, Versioned):
    """A department of a faculty; offers certificates."""

    __tablename__ = "admissions_department"
    __table_args__ = (
        Index("ix_admissions_department_title", "title", "id"),
        Index("ix_admissions_department_faculty_id", "faculty_id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    code: Mapped[str] = mapped_column(String(40), unique=True)
    title: Mapped[str] = mapped_column(String(200))
    faculty_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("admissions_faculty.id", ondelete="RESTRICT"))

    faculty: Mapped[Faculty] = relationship(back_populates="departments")
    certificates: Mapped[list["Certificate"]] = relationship(
        back_populates="department", passive_deletes="all", order_by="Certificate.code"
    )

    def __str__(self) -> str:
        return f"{self.code} – {self.title}"


class Certificate(Base, Versioned):
    """A study programme that applicants are admitted to.

    Applicants name it by ``code`` and keep the code when it is removed, so nobody is moved silently.
    """

    __tablename__ = "admissions_certificate"
    __table_args__ = (
        CheckConstraint("start_level >= 0", name="start_level"),
        Index("ix_admissions_certificate_title", "title", "id"),
        Index("ix_admissions_certificate_department_id", "department_id"),
        Index("ix_admissions_certificate_application_category", "application_category", "code"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    code: Mapped[str] = mapped_column(String(40), unique=True)
    title: Mapped[str] = mapped_column(String(200))
    department_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("admissions_department.id", ondelete="RESTRICT")
    )
    study_mode: Mapped[str] = mapped_column(String(20), default="ug_ft")
    start_level: Mapped[int] = mapped_column(default=100)
    #: Containers of this category may offer it.
    application_category: Mapped[str] = mapped_column(String(20), default="basic")

    department: Mapped[Department] = relationship(back_populates="certificates")

    def __str__(self) -> str:
        return f"{self.code} – {self.title}"


for _model in (Faculty, Department, Certificate):
    search_index(_model.code)
    word_indexes(_model.title)
