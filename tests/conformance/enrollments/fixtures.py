"""Makes the rows that a scenario starts from, as they are, past the API."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, insert

from plugins.enrollments.models import (
    MODELS,
    CourseAccessRole,
    CourseAccessRoleAssignment,
    CourseEnrollment,
    CourseMode,
    CourseRun,
    IdentityProvider,
    Organization,
    Program,
    ProgramAuthor,
    ProgramCourseEnrollment,
    ProgramEnrollment,
)
from portal.kernel.db import db
from portal.sdk import ExternalIdentity, User, new_id, run_in_transaction, sign_in_key, utc_now

Rows = Sequence[Mapping[str, Any]]
#: Lists that are not rows of ours.
REFUSE = "refuse"


class Fixtures:
    """The rows of one scenario; ``refs`` leads from their names to the objects."""

    def __init__(self, base: Mapping[str, Rows], setup: Mapping[str, Rows]) -> None:
        self.lists = {name: [*base.get(name, ()), *setup.get(name, ())] for name in {*base, *setup}}
        for name in [name for name in setup if name.startswith("-")]:
            self.lists[name[1:]] = list(setup[name])
        self.users: dict[str, int] = {}
        self.refs: dict[str, tuple[type, int]] = {}
        self._organizations: dict[str, uuid.UUID] = {}
        self._authors: dict[str, str] = {}
        self._learners: dict[str, Mapping[str, Any]] = {}

    def make(self) -> None:
        """Insert everything, in a transaction of its own."""
        run_in_transaction(self._make)

    def named(self, name: str) -> list[Any]:
        return list(self.lists.get(name, ()))

    def _make(self) -> None:
        self._make_catalog()
        self._make_users()
        self._make_courses()
        self._make_enrollments()
        for key in self.named("drop_courses"):
            db.session.execute(delete(CourseRun).where(CourseRun.course_key == key))

    def _make_catalog(self) -> None:
        names = list(dict.fromkeys(item["short_name"] for item in self.named("organizations")))
        self._organizations = {name: new_id() for name in names}
        _insert(Organization, [{"id": uid, "short_name": name} for name, uid in self._organizations.items()])
        providers = [item for item in self.named("saml_providers") if item.get("current", True)]
        newest = {item["slug"]: item for item in providers}
        _insert(
            IdentityProvider,
            [
                {
                    "id": uid,
                    "slug": item["slug"],
                    "organization_id": self._organizations.get(item.get("organization") or ""),
                    "is_enabled": item.get("enabled", True),
                }
                for uid, item in zip(sorted(new_id() for _ in newest), newest.values(), strict=True)
            ],
        )
        programs = {item["uuid"]: item["authoring_organizations"] for item in self.named("programs")}
        _insert(Program, [{"id": uuid.UUID(uid), "created_at": utc_now()} for uid in programs])
        self._authors = {uid: authors[0] for uid, authors in programs.items() if authors}
        _insert(
            ProgramAuthor,
            [
                {"program_id": uuid.UUID(uid), "position": place, "organization_key": key}
                for uid, authors in programs.items()
                for place, key in enumerate(authors)
            ],
        )

    def _make_users(self) -> None:
        names = [item["username"] for item in self.named("users")]
        self.users = dict(
            zip(
                names,
                _insert(
                    User,
                    [
                        {
                            "sign_in_name": item["username"],
                            "sign_in_key": sign_in_key(item["username"]),
                            "display_name": item["username"],
                            "email": item["email"],
                            "fs_uniquifier": uuid.uuid4().hex,
                        }
                        for item in self.named("users")
                    ],
                ),
                strict=True,
            )
        )
        identities = {}
        for item in self.named("social_auths"):
            provider, _, key = item["uid"].partition(":")
            identities[provider, key] = self.users[item["user"]]
        _insert(
            ExternalIdentity,
            [
                {"id": new_id(), "provider": provider, "external_id": key, "user_id": user_id}
                for (provider, key), user_id in identities.items()
            ],
        )

    def _make_courses(self) -> None:
        runs = {key: new_id() for key in self.named("courses")}
        _insert(CourseRun, [{"id": uid, "course_key": key} for key, uid in runs.items()])
        modes = {(item["course"], item["mode"]) for item in self.named("course_modes")}
        _insert(
            CourseMode,
            [
                {"id": new_id(), "course_run_id": runs[key], "mode": mode}
                for key, mode in modes
                if key in runs
            ],
        )
        self._kept(
            CourseEnrollment,
            "course_enrollments",
            lambda item: {
                "user_id": self.users[item["user"]],
                "course_key": item["course"],
                "mode": item["mode"],
                "is_active": item["is_active"],
            },
        )
        _insert(
            CourseAccessRole,
            [
                {"user_id": self.users[item["user"]], "course_key": item["course"], "role": item["role"]}
                for item in self.named("course_access_roles")
            ],
        )

    def _make_enrollments(self) -> None:
        self._learners = {item["ref"]: item for item in self.named("program_enrollments") if "ref" in item}
        self._kept(ProgramEnrollment, "program_enrollments", self._learner)
        self._kept(ProgramCourseEnrollment, "program_course_enrollments", self._row)
        _insert(
            CourseAccessRoleAssignment,
            [
                {
                    "program_course_enrollment_id": self._number(item["program_course_enrollment"]),
                    "role": item["role"],
                }
                for item in self.named("role_assignments")
            ],
        )

    def _learner(self, item: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "user_id": self.users.get(item["user"] or ""),
            "external_user_key": item["external_user_key"],
            "external_key": item["external_user_key"],
            "program_uuid": uuid.UUID(item["program"]),
            "curriculum_uuid": uuid.UUID(item["curriculum"]),
            "status": item["status"],
            "modified_at": utc_now() - timedelta(days=item.get("modified_days_ago") or 0),
        }

    def _row(self, item: Mapping[str, Any]) -> dict[str, Any]:
        learner = self._learners[item["program_enrollment"]]
        return {
            "program_enrollment_id": self._number(item["program_enrollment"]),
            "course_enrollment_id": self._number(item["course_enrollment"])
            if item["course_enrollment"]
            else None,
            "course_key": item["course"],
            "status": item["status"],
            "user_id": self.users.get(learner["user"] or ""),
            "external_key": learner["external_user_key"],
            "organization_key": self._authors.get(learner["program"], ""),
        }

    def _kept(self, model: type, name: str, values: Any) -> None:
        items = self.named(name)
        for item, number in zip(items, _insert(model, [values(item) for item in items]), strict=True):
            if "ref" in item:
                self.refs[item["ref"]] = (model, number)

    def _number(self, ref: str) -> int:
        return self.refs[ref][1]


def clean() -> None:
    """Empty every table that a scenario fills."""

    def empty() -> None:
        for model in (*reversed(MODELS), ExternalIdentity, User):
            db.session.execute(delete(model))

    run_in_transaction(empty)
    db.session.expunge_all()


def _insert(model: Any, rows: Sequence[Mapping[str, Any]]) -> list[int]:
    if not rows:
        return []
    statement = insert(model.__table__)
    if "id" not in model.__table__.c:
        db.session.execute(statement, list(rows))
        return []
    statement = statement.returning(model.__table__.c.id, sort_by_parameter_order=True)
    return list(db.session.scalars(statement, list(rows)))
