"""The hooks that enrollments offers to other plugins, with the data they carry: plain and frozen."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from portal.sdk import hookspec

RefusalKind = Literal["full", "closed", "already-enrolled", "not-allowed", "other"]


@dataclass(frozen=True, kw_only=True)
class CourseEntry:
    """A user who is about to be enrolled in a course run, where they are not enrolled (any more)."""

    user_id: int
    course_key: str


@dataclass(frozen=True, kw_only=True)
class CourseEntries:
    """1 to 5,000 entries, unique, any order; their course runs exist."""

    entries: tuple[CourseEntry, ...]


@dataclass(frozen=True, kw_only=True)
class CourseRefusal:
    """Why an entry is refused; ``reason`` may be empty and is shown to partners."""

    kind: RefusalKind = "not-allowed"
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class GradesWanted:
    """Somebody asks for the grades of 1 to 500 users in a course run."""

    course_key: str
    user_ids: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class CourseGrade:
    """A learner's grade: ``percent`` is 0 to 1, ``letter`` may be None; or ``error`` says why there is none."""

    passed: bool = False
    percent: float = 0.0
    letter: str | None = None
    error: str | None = None


@hookspec
def enrollments_refuse_entries(event: CourseEntries) -> Mapping[CourseEntry, CourseRefusal] | None:
    """Users are about to enter course runs; name the entries that must not happen.

    Called inside the transaction that would enroll them, once per chunk, before anything of the chunk is written.
    Not asked for users who are enrolled already, nor for learners without an account. A call that is repeated after
    a collision with another writer asks again.

    Args:
        event: See :class:`CourseEntries`.

    Returns:
        Entry to refusal, for those that are refused. None or an empty mapping: all may enter.

    Order: portal, then plugins by REQUIRES and name; the first refusal of an entry counts.
    Do not: write, commit, use the network, loop queries per entry.
    First user: tests.conformance. Since: 1.0.
    """


@hookspec
def enrollments_course_grades(event: GradesWanted) -> Mapping[int, CourseGrade] | None:
    """Give grades of users in a course run.

    Args:
        event: See :class:`GradesWanted`.

    Returns:
        User to grade, for those you know a grade (or an error) of; the first plugin that knows a user counts.

    Order: portal, then plugins by REQUIRES and name.
    Do not: write, loop queries per user.
    First user: tests.plugins.enrollments. Since: 1.0.
    """
