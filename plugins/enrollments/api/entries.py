"""Asks the plugins whether users may enter course runs."""

from collections.abc import Iterable, Mapping

from plugins.enrollments.errors import (
    AlreadyEnrolledError,
    CourseEnrollmentException,
    CourseFullError,
    EnrollmentClosedError,
    EnrollmentNotAllowed,
)
from plugins.enrollments.hooks import CourseEntries, CourseEntry, CourseRefusal
from portal.sdk import emit_reaction, is_heard

_KINDS: Mapping[str, type[CourseEnrollmentException]] = {
    "full": CourseFullError,
    "closed": EnrollmentClosedError,
    "already-enrolled": AlreadyEnrolledError,
    "not-allowed": EnrollmentNotAllowed,
    "other": CourseEnrollmentException,
}
Entry = tuple[int, str]


def are_judged() -> bool:
    """Say whether any plugin judges who may enter course runs."""
    return is_heard("enrollments_refuse_entries")


def refused_entries(entries: Iterable[Entry]) -> dict[Entry, CourseEnrollmentException]:
    """Return (user id, course key) to the error that says why the user may not enter; the others may.

    Raises:
        PluginReactionFailed: a plugin could not answer.
    """
    if not are_judged():
        return {}
    wanted = tuple(
        CourseEntry(user_id=user_id, course_key=course) for user_id, course in dict.fromkeys(entries)
    )
    if not wanted:
        return {}
    refusals: dict[CourseEntry, CourseRefusal] = {}
    for _, answer in emit_reaction("enrollments_refuse_entries", event=CourseEntries(entries=wanted)):
        refusals = {**answer, **refusals}
    return {
        (entry.user_id, entry.course_key): _KINDS[refusal.kind](refusal.reason, course_key=entry.course_key)
        for entry, refusal in refusals.items()
    }
