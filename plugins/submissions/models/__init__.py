"""The tables of submissions, one subject per file."""

from plugins.submissions.models.answers import StudentItem, Submission, SubmissionStatus, TeamSubmission
from plugins.submissions.models.graders import GraderEntry, GraderFile, GraderState
from plugins.submissions.models.scores import Score, ScoreAnnotation, ScoreSummary

MODELS: tuple[type, ...] = (
    StudentItem,
    TeamSubmission,
    Submission,
    Score,
    ScoreSummary,
    ScoreAnnotation,
    GraderEntry,
    GraderFile,
)

__all__ = [
    "MODELS",
    "GraderEntry",
    "GraderFile",
    "GraderState",
    "Score",
    "ScoreAnnotation",
    "ScoreSummary",
    "StudentItem",
    "Submission",
    "SubmissionStatus",
    "TeamSubmission",
]
