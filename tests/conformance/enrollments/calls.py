"""The calls of the scenarios on Campus Portal."""

import uuid
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from sqlalchemy import exists, select

from plugins.enrollments import api
from plugins.enrollments.api.retirement import retire_learners
from plugins.enrollments.hooks import CourseEntries, CourseEntry, CourseRefusal, RefusalKind
from plugins.enrollments.models import IdentityProvider, Organization, ProgramEnrollment
from portal.kernel.db import db
from portal.sdk import (
    RetiredUser,
    User,
    UsersRetired,
    attach_at_sign_in,
    hookimpl,
    run_in_transaction,
    utc_now,
)
from tests.conformance.enrollments.fixtures import Fixtures

Call = Callable[..., Any]
_KINDS: Mapping[str, RefusalKind] = {
    "CourseFullError": "full",
    "EnrollmentClosedError": "closed",
    "AlreadyEnrolledError": "already-enrolled",
    "EnrollmentNotAllowed": "not-allowed",
    "CourseEnrollmentException": "other",
}
#: Calls that give rows, whatever their number.
GIVES_ROWS = frozenset(name for name in api.__all__ if name.startswith(("fetch_", "get_saml_providers")))
_refusals: dict[CourseEntry, CourseRefusal] = {}


def refusing_plugin() -> ModuleType:
    """Return a plugin that refuses the users a scenario names."""
    module = ModuleType("a_refuser")

    @hookimpl
    def enrollments_refuse_entries(event: CourseEntries) -> Mapping[CourseEntry, CourseRefusal]:
        return {entry: _refusals[entry] for entry in event.entries if entry in _refusals}

    module.__dict__.update(
        PORTAL_API="1",
        NAME="refuser",
        REQUIRES=("enrollments",),
        enrollments_refuse_entries=enrollments_refuse_entries,
    )
    return module


def refuse(fixtures: Fixtures) -> None:
    """Let the plugin refuse what the scenario says, and nothing else."""
    _refusals.clear()
    for item in fixtures.named("refuse"):
        entry = CourseEntry(user_id=fixtures.users[item["user"]], course_key=item["course"])
        _refusals[entry] = CourseRefusal(kind=_KINDS[item["exception"]], reason=item.get("message") or "")


def call_named(name: str) -> Call:
    """Return a function of the API; each runs in its own transaction, as an entry point would open it."""
    special: Mapping[str, Call] = {
        "$refuse_nothing": _refusals.clear,
        "matriculate_learner": _sign_in,
        "retire_user": _retire,
        "expire_waiting_enrollments": _expire,
    }
    function = special[name] if name in special else getattr(api, name)
    if name == "matriculate_learner":
        return function

    def call(**arguments: Any) -> Any:
        return run_in_transaction(lambda: function(**arguments))

    return call


def resolved(value: Any, fixtures: Fixtures, results: list[Any]) -> Any:
    """Return an argument with every placeholder in it replaced."""
    if isinstance(value, list):
        return [resolved(item, fixtures, results) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((name, argument),) = value.items()
        if name.startswith("$"):
            return _placeholder(name, argument, fixtures, results)
    return {key: resolved(item, fixtures, results) for key, item in value.items()}


def _placeholder(name: str, argument: Any, fixtures: Fixtures, results: list[Any]) -> Any:
    if name == "$user":
        return db.session.get(User, fixtures.users[argument])
    if name == "$ref":
        return db.session.get(*fixtures.refs[argument])
    if name == "$provider":
        return db.session.scalar(select(IdentityProvider).where(IdentityProvider.slug == argument))
    if name == "$organization":
        return db.session.scalar(select(Organization).where(Organization.short_name == argument))
    plain: Mapping[str, Call] = {
        "$course": str,
        "$uuid": uuid.UUID,
        "$pairs": dict,
        "$result": lambda place: results[place],
    }
    return plain[name](argument)


def _sign_in(user: User, uid: str) -> None:
    provider, _, key = uid.partition(":")
    attach_at_sign_in(user, provider, key)


def _retire(user: User) -> bool:
    token = f"retired-{user.id}"
    event = RetiredUser(user_id=user.id, token=token, name=user.display_name, sign_in_name=user.sign_in_name)
    retire_learners(UsersRetired(users=(event,), at=utc_now()))
    return bool(db.session.scalar(select(exists().where(ProgramEnrollment.user_id == user.id))))


def _expire(expiration_days: int) -> None:
    api.expire_waiting_enrollments(expiration_days)
