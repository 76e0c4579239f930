"""The REST cases of the old enrollments system: the world they speak of, and what the portal answers to them."""

import json
import uuid
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

from flask import Flask
from sqlalchemy import delete, select

from plugins.enrollments import permissions
from plugins.enrollments.hooks import CourseGrade, GradesWanted
from plugins.enrollments.models import (
    MODELS,
    CourseAccessRole,
    CourseEnrollment,
    CourseRun,
    Curriculum,
    CurriculumCourse,
    IdentityProvider,
    Organization,
    Program,
    ProgramAuthor,
    ProgramCourseEnrollment,
    ProgramEnrollment,
)
from plugins.enrollments.settings import EnrollmentsSettings
from portal.sdk import ExternalIdentity, User, db, hookimpl, transaction
from portal.settings.store import set_values
from portal.testing.clients import ApiClient
from portal.testing.people import make_token, make_user

PROGRAM = uuid.UUID("11111111-1111-4111-8111-111111111111")
CURRICULUM = uuid.UUID("aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa")
ORGANIZATION = "testorg"
COURSE, ELSEWHERE = "course-v1:testorg+A1+R1", "course-v1:testorg+Z9+R1"
MEMBERS = ("staff", "learner", "course-staff", "u1", "u2", "u3")
STAFF = (
    permissions.ENROLLMENTS_VIEW,
    permissions.ENROLLMENTS_EDIT,
    permissions.ENROLLMENTS_RESET,
    permissions.GRADES_VIEW,
)
_grades: dict[int, CourseGrade] = {}


def grading_plugin() -> ModuleType:
    """Return a plugin that knows the grades of a case."""
    module = ModuleType("a_grader")

    @hookimpl
    def enrollments_course_grades(event: GradesWanted) -> Mapping[int, CourseGrade]:
        return {user_id: _grades[user_id] for user_id in event.user_ids if user_id in _grades}

    module.__dict__.update(
        PORTAL_API="1",
        NAME="grader",
        REQUIRES=("enrollments",),
        enrollments_course_grades=enrollments_course_grades,
    )
    return module


class World:
    """People with their tokens, who stay, and the rows of one case at a time."""

    def __init__(self, app: Flask, base_path: str) -> None:
        self._app, self._base = app, base_path
        self.users = {name: make_user(name, *(STAFF if name == "staff" else ())) for name in MEMBERS}
        with transaction() as session:
            for name, user_id in self.users.items():
                session.get_one(User, user_id).email = f"{name}@example.com"
        tokens = {"staff": STAFF, "learner": STAFF, "course-staff": STAFF}
        self._tokens = {name: make_token(self.users[name], *scopes) for name, scopes in tokens.items()}

    def answer(self, who: str, method: str, path: str, sent: Any = None) -> tuple[int, Any]:
        """Return status and content of a call; ``path`` may be a whole address."""
        client = ApiClient(self._app)
        client.api_token = self._tokens.get(who, "")
        address = path if path.startswith("http") else f"{self._base}{path}"
        answer = client.open(address, method=method, json=sent)
        return answer.status_code, answer.get_json(silent=True) if answer.is_json else answer.get_data()

    def make(self, setup: Mapping[str, Any]) -> None:
        """Make the rows of a case, past the API."""
        _grades.clear()
        with transaction() as session:
            for model in (*reversed(MODELS), ExternalIdentity):
                session.execute(delete(model))
            session.expire_all()
            organization = Organization(short_name=ORGANIZATION)
            session.add(organization)
            if not setup.get("no_provider"):
                session.add(IdentityProvider(slug="testorg-saml", organization=organization))
            session.add(
                Program(
                    id=PROGRAM, slug="p1", authors=[ProgramAuthor(position=0, organization_key=ORGANIZATION)]
                )
            )
            session.flush()
            session.add_all([CourseRun(course_key=key) for key in (COURSE, ELSEWHERE)])
            if setup.get("curricula") != []:
                session.add(Curriculum(program_id=PROGRAM, is_active=False))
                courses = [CurriculumCourse(course_key=COURSE)]
                session.add(Curriculum(id=CURRICULUM, program_id=PROGRAM, courses=courses))
            role = {"user_id": self.users["course-staff"], "course_key": COURSE, "role": "staff"}
            session.add(CourseAccessRole(**role))
            set_values(EnrollmentsSettings, {"allow_reset": "feature" in setup})
            self._enroll(session, setup)

    def _enroll(self, session: Any, setup: Mapping[str, Any]) -> None:
        for item in setup.get("program_enrollments", ()):
            session.add(self._learner(item["student_key"], item["user"], item["status"]))
        for pair in setup.get("linked_course_rows", ()):
            name, key = pair.split(":")
            session.add(self._learner(key, name, "enrolled"))
        session.flush()
        rows = {row.external_user_key: row for row in session.scalars(select(ProgramEnrollment))}
        for item in setup.get("course_rows", ()):
            session.add(self._taker(rows[item["student_key"]], item["status"]))
        for pair in setup.get("linked_course_rows", ()):
            session.add(self._taker(rows[pair.split(":")[1]], "active"))
        for key, grade in setup.get("grades", {}).items():
            _grades[rows[key].user_id] = (
                CourseGrade(error=grade)
                if isinstance(grade, str)
                else CourseGrade(passed=grade[0], percent=grade[1], letter=grade[2])
            )
        for status in setup.get("learner_rows", ()):
            session.add(self._learner("learner-key", "learner", status))
        for name, key, mode, active in setup.get("course_enrollments", ()):
            values = {"course_key": key, "mode": mode, "is_active": active}
            session.add(CourseEnrollment(user_id=self.users[name], **values))
        for number in range(setup.get("runs", 0)):
            key = f"course-v1:testorg+RUN{number}+R1"
            session.add(CourseRun(course_key=key))
            session.add(CurriculumCourse(curriculum_id=CURRICULUM, course_key=key))
            session.add(CourseEnrollment(user_id=self.users["learner"], course_key=key, mode="masters"))

    def _learner(self, key: str, user: str | None, status: str) -> ProgramEnrollment:
        return ProgramEnrollment(
            external_user_key=key,
            external_key=key,
            user_id=self.users[user] if user else None,
            program_uuid=PROGRAM,
            curriculum_uuid=CURRICULUM,
            status=status,
        )

    @staticmethod
    def _taker(learner: ProgramEnrollment, status: str) -> ProgramCourseEnrollment:
        return ProgramCourseEnrollment(
            program_enrollment=learner,
            course_key=COURSE,
            status=status,
            user_id=learner.user_id,
            external_key=learner.external_key,
            organization_key=ORGANIZATION,
        )


def answered(world: World, case: Mapping[str, Any]) -> tuple[int, Any]:
    """Return what the portal answers to a case whose rows are made."""
    asked = case["request"]
    if asked["path"].startswith("$next"):
        first = f"/programs/{PROGRAM}/enrollments/?page_size=2"
        _, page = world.answer(case["as"], "GET", first)
        return world.answer(case["as"], "GET", page["next"])
    return world.answer(case["as"], asked["method"], asked["path"], asked.get("json"))


def is_as_expected(expect: Mapping[str, Any], status: int, content: Any) -> bool:
    """Say whether an answer is the expected one: status, whole content or the named members, and rows."""
    if status != expect["status"]:
        return False
    if "json" in expect and content != expect["json"]:
        return False
    members = expect.get("json_contains", {})
    if members and not isinstance(content, dict):
        return False
    if any(content.get(name, ...) != value for name, value in members.items()):
        return False
    return all(_rows(name) == _told(rows) for name, rows in expect.get("state_after", {}).items())


def _rows(table: str) -> list[tuple[str, str]]:
    db.session.rollback()
    learner = ProgramEnrollment
    statement = select(learner.external_user_key, learner.status)
    if table != "program_enrollments":
        row = ProgramCourseEnrollment
        statement = select(learner.external_user_key, row.status).join(
            row, row.program_enrollment_id == learner.id
        )
    return sorted((key or "", status) for key, status in db.session.execute(statement))


def _told(rows: Sequence[Mapping[str, str]]) -> list[tuple[str, str]]:
    return sorted((row["student_key"], row["status"]) for row in rows)


def pages(world: World, who: str, path: str) -> list[Sequence[Any]]:
    """Return the results of every page of a list, following ``next``."""
    found, address = [], path
    while address:
        status, page = world.answer(who, "GET", address)
        assert status == 200, json.dumps(page)
        found.append(page["results"])
        address = page["next"]
    return found
