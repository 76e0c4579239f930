"""The catalog: organizations with their identity providers, programs with their curricula."""

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from plugins.enrollments.models.columns import Identifier
from portal.sdk import Base, Versioned, new_id, search_index, utc_now, word_indexes


class Organization(Base, Versioned):
    """A partner whose programs are run here; ``short_name`` is its key."""

    __tablename__ = "enrollments_organization"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    short_name: Mapped[str] = mapped_column(String(100), unique=True)
    name: Mapped[str] = mapped_column(String(255), default="", server_default="")

    identity_providers: Mapped[list["IdentityProvider"]] = relationship(
        back_populates="organization", passive_deletes="all", order_by="IdentityProvider.id"
    )

    def __str__(self) -> str:
        return self.name or self.short_name


class IdentityProvider(Base, Versioned):
    """A sign-in system of an organization.

    ``slug`` is the ``provider`` of the portal's external identities; their external id is the learner's external key.
    """

    __tablename__ = "enrollments_identity_provider"
    __table_args__ = (Index("ix_enrollments_identity_provider_organization_id", "organization_id"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    slug: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[str] = mapped_column(String(255), default="", server_default="")
    organization_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey(
            "enrollments_organization.id",
            ondelete="SET NULL",
            name="fk_enrollments_identity_provider_organization",
        )
    )
    #: Only enabled ones are asked when keys are written; an identity that arrives is linked all the same.
    is_enabled: Mapped[bool] = mapped_column(default=True, server_default=text("true"))

    organization: Mapped[Organization | None] = relationship(back_populates="identity_providers")

    def __str__(self) -> str:
        return self.name or self.slug


class Program(Base, Versioned):
    """A degree program; ``id`` is the program's UUID."""

    __tablename__ = "enrollments_program"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    title: Mapped[str] = mapped_column(String(255), default="", server_default="")
    slug: Mapped[str] = mapped_column(String(120), default="", server_default="", index=True)
    type: Mapped[str] = mapped_column(String(40), default="masters", server_default="masters")
    created_at: Mapped[datetime] = mapped_column(default=utc_now)

    authors: Mapped[list["ProgramAuthor"]] = relationship(
        back_populates="program", cascade="all, delete-orphan", order_by="ProgramAuthor.position"
    )
    curricula: Mapped[list["Curriculum"]] = relationship(
        back_populates="program", passive_deletes="all", order_by="Curriculum.id"
    )

    def __str__(self) -> str:
        return self.title or str(self.id)


class ProgramAuthor(Base):
    """An authoring organization of a program; the first one says whose external keys the program uses.

    It is named by its key, because a catalog may name organizations that are not known here yet.
    """

    __tablename__ = "enrollments_program_author"
    __table_args__ = (CheckConstraint("position >= 0", name="position"),)

    program_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("enrollments_program.id", ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    organization_key: Mapped[str] = mapped_column(String(100), index=True)

    program: Mapped[Program] = relationship(back_populates="authors")

    def __str__(self) -> str:
        return self.organization_key


class Curriculum(Base, Versioned):
    """A version of a program's plan of courses; ``id`` is the curriculum's UUID."""

    __tablename__ = "enrollments_curriculum"
    __table_args__ = (Index("ix_enrollments_curriculum_program_id", "program_id"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    program_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("enrollments_program.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(255), default="", server_default="")
    is_active: Mapped[bool] = mapped_column(default=True, server_default=text("true"))
    #: Students that admissions admits to this certificate are enrolled here.
    certificate_code: Mapped[str | None] = mapped_column(String(40), unique=True)

    program: Mapped[Program] = relationship(back_populates="curricula")
    courses: Mapped[list["CurriculumCourse"]] = relationship(
        back_populates="curriculum", cascade="all, delete-orphan", order_by="CurriculumCourse.course_key"
    )

    def __str__(self) -> str:
        return self.name or str(self.id)


class CurriculumCourse(Base):
    """A course run of a curriculum."""

    __tablename__ = "enrollments_curriculum_course"
    __table_args__ = (
        UniqueConstraint("curriculum_id", "course_key"),
        Index("ix_enrollments_curriculum_course_course_key", "course_key"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    curriculum_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey(
            "enrollments_curriculum.id",
            ondelete="CASCADE",
            name="fk_enrollments_curriculum_course_curriculum",
        )
    )
    course_key: Mapped[str] = mapped_column(Identifier)

    curriculum: Mapped[Curriculum] = relationship(back_populates="courses")

    def __str__(self) -> str:
        return self.course_key


search_index(Organization.short_name)
word_indexes(Organization.name)
search_index(IdentityProvider.slug)
word_indexes(Program.title)
search_index(Program.slug)
word_indexes(Curriculum.name)
search_index(Curriculum.certificate_code)
