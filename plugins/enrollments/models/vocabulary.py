"""The words that the tables store, as the old system spells them."""

from enum import StrEnum


class ProgramEnrollmentStatus(StrEnum):
    """Where a learner stands in a program. Every status may follow every other one unless a setting forbids it."""

    ENROLLED = "enrolled"
    PENDING = "pending"
    SUSPENDED = "suspended"
    CANCELED = "canceled"
    ENDED = "ended"


class CourseEnrollmentStatus(StrEnum):
    """Whether a learner of a program takes a course run."""

    ACTIVE = "active"
    INACTIVE = "inactive"


class CourseRole(StrEnum):
    """What a learner may be in a course run beside a learner."""

    STAFF = "staff"


class CourseModeSlug(StrEnum):
    """Tracks of a course run that the rules name; others are stored as they come."""

    AUDIT = "audit"
    HONOR = "honor"
    MASTERS = "masters"


class Change(StrEnum):
    """What happened to a row, in its history."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


PROGRAM_STATUSES = frozenset(status.value for status in ProgramEnrollmentStatus)
#: Statuses of people who study or are about to.
CURRENT_STATUSES = frozenset({ProgramEnrollmentStatus.ENROLLED.value, ProgramEnrollmentStatus.PENDING.value})
COURSE_STATUSES = frozenset(status.value for status in CourseEnrollmentStatus)
COURSE_ROLES = frozenset(role.value for role in CourseRole)


def listed(values: frozenset[str]) -> str:
    """Return words as an SQL list, for check constraints."""
    return ", ".join(f"'{value}'" for value in sorted(values))
