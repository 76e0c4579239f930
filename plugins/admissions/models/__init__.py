"""The tables of admissions, one subject per file."""

from plugins.admissions.models.academics import Certificate, Department, Faculty
from plugins.admissions.models.applicant import Applicant, ApplicantFile, ApplicantHistory
from plugins.admissions.models.container import Container
from plugins.admissions.models.numbers import NumberCounter
from plugins.admissions.models.student import Student, StudentFile, StudentHistory, StudyCourse
from plugins.admissions.models.vocabulary import (
    ApplicantState,
    ContainerMode,
    FileKind,
    Sex,
    StudentState,
    session_title,
)

MODELS: tuple[type, ...] = (
    Faculty,
    Department,
    Certificate,
    Container,
    Applicant,
    ApplicantFile,
    ApplicantHistory,
    Student,
    StudyCourse,
    StudentFile,
    StudentHistory,
    NumberCounter,
)

__all__ = [
    "MODELS",
    "Applicant",
    "ApplicantFile",
    "ApplicantHistory",
    "ApplicantState",
    "Certificate",
    "Container",
    "ContainerMode",
    "Department",
    "Faculty",
    "FileKind",
    "NumberCounter",
    "Sex",
    "Student",
    "StudentFile",
    "StudentHistory",
    "StudentState",
    "StudyCourse",
    "session_title",
]
