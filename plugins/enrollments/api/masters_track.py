"""The masters track: what becomes of a user's course enrollment when a program's row asks for it. One table."""

from typing import Any, NamedTuple

from plugins.enrollments.models.vocabulary import CourseEnrollmentStatus, CourseModeSlug

MASTERS = CourseModeSlug.MASTERS.value
AUDIT = CourseModeSlug.AUDIT.value
#: Modes that cost nothing: an active enrollment in one of them moves to the masters track.
CONVERTED = frozenset({AUDIT, CourseModeSlug.HONOR.value})


class CourseState(NamedTuple):
    """The mode and activity of a course enrollment."""

    mode: str
    is_active: bool

    def as_values(self) -> dict[str, Any]:
        return {"mode": self.mode, "is_active": self.is_active}


def target_state(current: CourseState | None, status: str) -> CourseState:
    """Return what a course enrollment becomes.

    =========================  ================  ==================
    now                        asked active      asked inactive
    =========================  ================  ==================
    none                       masters, active   masters, inactive
    inactive, any mode         masters, active   masters, inactive
    active, audit or honor     masters, active   masters, inactive
    active, masters            unchanged         masters, inactive
    active, any other (paid)   unchanged         its mode, inactive
    =========================  ================  ==================
    """
    is_asked_active = status == CourseEnrollmentStatus.ACTIVE
    if current is None or not current.is_active or current.mode in CONVERTED:
        return CourseState(MASTERS, is_asked_active)
    return CourseState(current.mode, is_asked_active)


def switched_state(current: CourseState, status: str) -> CourseState:
    """Return what the course enrollment of an existing row becomes: switched on or off, the mode as it is."""
    return CourseState(current.mode, status == CourseEnrollmentStatus.ACTIVE)


def is_entering(current: CourseState | None) -> bool:
    """Say whether the user would enter the course run anew, which rules may refuse."""
    return current is None or not current.is_active
