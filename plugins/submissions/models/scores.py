"""The append-only ledger of scores, with its summary and annotations."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from plugins.submissions.models.answers import StudentItem, Submission
from plugins.submissions.models.columns import Identifier, ItemType, Key
from portal.sdk import Base, utc_now


class Score(Base):
    """Points for a student item, mostly for one submission of it; append-only.

    With ``points_possible`` 0 it is hidden; a reset is 0/0 without a submission.
    """

    __tablename__ = "submissions_score"
    __audited__ = False
    __table_args__ = (
        CheckConstraint("points_earned >= 0", name="points_earned"),
        CheckConstraint("points_possible >= 0", name="points_possible"),
        Index("ix_submissions_score_student_item", "student_item_id", "id"),
        Index("ix_submissions_score_submission", "submission_id", "id"),
        Index("ix_submissions_score_created_at", "created_at", "id"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    student_item_id: Mapped[int] = mapped_column(
        ForeignKey(
            "submissions_student_item.id", ondelete="CASCADE", name="fk_submissions_score_student_item_id"
        )
    )
    submission_id: Mapped[int | None] = mapped_column(
        ForeignKey("submissions_submission.id", ondelete="CASCADE", name="fk_submissions_score_submission_id")
    )
    points_earned: Mapped[int] = mapped_column(default=0)
    points_possible: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    reset: Mapped[bool] = mapped_column(default=False)

    student_item: Mapped[StudentItem] = relationship()
    submission: Mapped[Submission | None] = relationship()
    annotations: Mapped[list["ScoreAnnotation"]] = relationship(viewonly=True, order_by="ScoreAnnotation.id")

    @property
    def is_hidden(self) -> bool:
        return self.points_possible == 0

    def __str__(self) -> str:
        return f"{self.points_earned}/{self.points_possible}"


class ScoreSummary(Base):
    """The latest and the highest score of a student item, with what comparing and the top list need."""

    __tablename__ = "submissions_score_summary"
    __audited__ = False
    __table_args__ = (
        Index(
            "ix_submissions_score_summary_top",
            "course_id",
            "item_id",
            "item_type",
            "top_order",
            "latest_at",
            "latest_id",
            sqlite_where=text("top_order IS NOT NULL"),
            postgresql_where=text("top_order IS NOT NULL"),
        ),
        Index("ix_submissions_score_summary_latest_id", "latest_id"),
        Index("ix_submissions_score_summary_highest_id", "highest_id"),
    )

    student_item_id: Mapped[int] = mapped_column(
        ForeignKey(
            "submissions_student_item.id",
            ondelete="CASCADE",
            name="fk_submissions_score_summary_student_item_id",
        ),
        primary_key=True,
        autoincrement=False,
    )
    latest_id: Mapped[int] = mapped_column(
        ForeignKey("submissions_score.id", ondelete="CASCADE", name="fk_submissions_score_summary_latest_id")
    )
    highest_id: Mapped[int] = mapped_column(
        ForeignKey("submissions_score.id", ondelete="CASCADE", name="fk_submissions_score_summary_highest_id")
    )
    #: Points of the highest score: what a new one is compared with.
    highest_earned: Mapped[int] = mapped_column(BigInteger)
    highest_possible: Mapped[int] = mapped_column(BigInteger)
    #: Minus the points of the latest score when the top list shows it, else nothing: most points come first.
    top_order: Mapped[int | None]
    latest_at: Mapped[datetime]
    course_id: Mapped[str] = mapped_column(Identifier)
    item_id: Mapped[str] = mapped_column(Identifier)
    item_type: Mapped[str] = mapped_column(ItemType)

    student_item: Mapped[StudentItem] = relationship()
    latest: Mapped[Score] = relationship(foreign_keys=[latest_id])
    highest: Mapped[Score] = relationship(foreign_keys=[highest_id])


class ScoreAnnotation(Base):
    """Who gave a score, of which kind, and why."""

    __tablename__ = "submissions_score_annotation"
    __audited__ = False
    __table_args__ = (
        Index("ix_submissions_score_annotation_score", "score_id", "id"),
        Index("ix_submissions_score_annotation_creator", "creator", "id"),
        Index("ix_submissions_score_annotation_type", "annotation_type", "id"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    score_id: Mapped[int] = mapped_column(
        ForeignKey(
            "submissions_score.id", ondelete="CASCADE", name="fk_submissions_score_annotation_score_id"
        )
    )
    annotation_type: Mapped[str] = mapped_column(String(255))
    creator: Mapped[str] = mapped_column(String(255))
    reason: Mapped[str] = mapped_column(Text)
