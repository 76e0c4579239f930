"""Plain set-based SQL that does what the enrollments API does, without looking, asking or answering: the limit."""

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import text

from portal.kernel.db import db

LINK_COURSES = 5


@dataclass(frozen=True, kw_only=True)
class Names:
    """The program, curriculum and course runs of a benchmark."""

    program: uuid.UUID
    curriculum: uuid.UUID
    courses: tuple[str, ...] = field(
        default_factory=lambda: tuple(f"course-v1:bench+C{number}+2026" for number in range(LINK_COURSES))
    )


class Limit:
    """The statements, on whichever database the session has. Each method is one operation; none commits."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._is_postgresql = db.session.get_bind().dialect.name == "postgresql"

    def create(self, keys: Sequence[str], status: str) -> None:
        """Insert waiting program rows: one statement."""
        self._run(
            f"INSERT INTO enrollments_program_enrollment (external_user_key, external_key, program_uuid, "
            f"curriculum_uuid, status, version, created_at, modified_at, changed_by, changed_through) "
            f"SELECT given.key, given.key, {self._program}, {self._curriculum}, :status, 1, {self._now}, {self._now}, "
            f"'sql', 'bench' FROM {self._given()} WHERE true ON CONFLICT DO NOTHING",
            keys,
            status=status,
        )

    def update(self, keys: Sequence[str], status: str) -> None:
        """Set the status of program rows: one statement."""
        self._run(
            f"UPDATE enrollments_program_enrollment AS row SET status = :status, version = row.version + 1, "
            f"modified_at = {self._now} FROM {self._given()} "
            f"WHERE row.program_uuid = {self._program} AND row.external_key = given.key",
            keys,
            status=status,
        )

    def enroll_waiting(self, keys: Sequence[str], course: str) -> None:
        """Insert course rows of waiting learners: one statement."""
        self._run(
            f"{self._rows('NULL')} FROM {self._learners()} WHERE true ON CONFLICT DO NOTHING",
            keys,
            course=course,
        )

    def enroll_linked(self, keys: Sequence[str], course: str) -> None:
        """Bring users into the masters track and insert their course rows: two statements."""
        self._run(
            f"{self._courses} SELECT learner.user_id, :course, 'masters', true, 1, {self._now}, {self._now}, 'sql', "
            f"'bench' FROM {self._learners()} WHERE true {self._masters}",
            keys,
            course=course,
        )
        self._run(
            f"{self._rows('course.id')} FROM {self._learners()} JOIN enrollments_course_enrollment AS course "
            "ON course.user_id = learner.user_id AND course.course_key = :course WHERE true ON CONFLICT DO NOTHING",
            keys,
            course=course,
        )

    def link(self, keys: Sequence[str], names: Sequence[str]) -> None:
        """Give waiting learners their users with all course runs: three statements."""
        self._run(
            f"UPDATE enrollments_program_enrollment AS learner SET user_id = account.id, version = learner.version + 1, "
            f"modified_at = {self._now} FROM {self._given('name')}, portal_user AS account "
            f"WHERE account.sign_in_key = given.name AND learner.program_uuid = {self._program} "
            "AND learner.external_key = given.key AND learner.user_id IS NULL",
            keys,
            names,
        )
        self._run(
            f"{self._courses} SELECT learner.user_id, row.course_key, 'masters', row.status = 'active', 1, {self._now}, "
            f"{self._now}, 'sql', 'bench' FROM {self._learners()} "
            "JOIN enrollments_program_course_enrollment AS row ON row.program_enrollment_id = learner.id "
            f"WHERE true {self._masters}",
            keys,
        )
        self._run(
            "UPDATE enrollments_program_course_enrollment AS row SET course_enrollment_id = course.id, "
            f"user_id = learner.user_id, version = row.version + 1, modified_at = {self._now} "
            f"FROM {self._given()}, enrollments_program_enrollment AS learner, enrollments_course_enrollment AS course "
            f"WHERE learner.program_uuid = {self._program} AND learner.external_key = given.key "
            "AND row.program_enrollment_id = learner.id AND course.user_id = learner.user_id "
            "AND course.course_key = row.course_key",
            keys,
        )

    @property
    def _program(self) -> str:
        return self._uuid(self._names.program)

    @property
    def _curriculum(self) -> str:
        return self._uuid(self._names.curriculum)

    @property
    def _now(self) -> str:
        return "now()" if self._is_postgresql else "strftime('%Y-%m-%d %H\\:%M\\:%f000', 'now')"

    @property
    def _courses(self) -> str:
        return (
            "INSERT INTO enrollments_course_enrollment (user_id, course_key, mode, is_active, version, created_at, "
            "modified_at, changed_by, changed_through)"
        )

    @property
    def _masters(self) -> str:
        kept = (
            "enrollments_course_enrollment.is_active AND enrollments_course_enrollment.mode NOT IN "
            "('audit', 'honor', 'masters')"
        )
        return (
            "ON CONFLICT (user_id, course_key) DO UPDATE SET "
            f"mode = CASE WHEN {kept} THEN enrollments_course_enrollment.mode ELSE 'masters' END, "
            "is_active = excluded.is_active, version = enrollments_course_enrollment.version + 1, "
            "modified_at = excluded.modified_at"
        )

    def _rows(self, course_id: str) -> str:
        return (
            "INSERT INTO enrollments_program_course_enrollment (program_enrollment_id, course_enrollment_id, course_key, "
            "status, user_id, external_key, organization_key, version, created_at, modified_at, changed_by, "
            f"changed_through) SELECT learner.id, {course_id}, :course, 'active', learner.user_id, learner.external_key, "
            f"'bench', 1, {self._now}, {self._now}, 'sql', 'bench'"
        )

    def _learners(self) -> str:
        return (
            f"{self._given()} JOIN enrollments_program_enrollment AS learner "
            f"ON learner.program_uuid = {self._program} AND learner.external_key = given.key"
        )

    def _given(self, *more: str) -> str:
        """Return the rows as a table ``given``: key, and name where asked."""
        if self._is_postgresql:
            arrays = ", ".join(f"CAST(:{name}s AS text[])" for name in ("key", *more))
            return f"unnest({arrays}) AS given ({', '.join(('key', *more))})"
        values = ", ".join(
            f"json_extract(value, '$[{place}]') AS {name}" for place, name in enumerate(("key", *more))
        )
        return f"(SELECT {values} FROM json_each(:rows)) AS given"

    def _uuid(self, value: uuid.UUID) -> str:
        return f"CAST('{value}' AS uuid)" if self._is_postgresql else f"'{value.hex}'"

    def _run(self, statement: str, keys: Sequence[str], names: Sequence[str] = (), **values: Any) -> None:
        if self._is_postgresql:
            values["keys"] = list(keys)
            if names:
                values["names"] = list(names)
        else:
            rows = list(zip(keys, names, strict=True)) if names else [(key,) for key in keys]
            values["rows"] = json.dumps(rows)
        db.session.connection().execute(text(statement), values)
