"""The calls of the scenarios on Campus Portal: the API's functions, and helpers that look at what they left."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from types import ModuleType
from typing import Any

from flask import Flask
from flask_security import hash_password
from sqlalchemy import delete, func, select, update

from plugins.submissions import api
from plugins.submissions.api import grading, teams, waiting
from plugins.submissions.api.inputs import submission_uuid
from plugins.submissions.hooks import ScoreReset, ScoresSet
from plugins.submissions.models import (
    MODELS,
    GraderEntry,
    Score,
    ScoreAnnotation,
    ScoreSummary,
    StudentItem,
    Submission,
    TeamSubmission,
)
from plugins.submissions.permissions import GRADERS_SERVE
from portal.auth.models import Role
from portal.kernel.db import db
from portal.kernel.transaction import run_in_transaction
from portal.sdk import User, hookimpl, utc_now
from portal.testing.clients import PortalClient
from portal.testing.people import make_user

WRITING = ("create_submission", "create_external_grader_detail", "reset_score", "set_score")
READING = (
    "get_submission",
    "get_submission_and_student",
    "get_submissions",
    "get_all_submissions",
    "get_all_course_submission_information",
    "get_top_submissions",
    "get_score",
    "get_scores",
    "get_latest_score_for_submission",
    "get_student_ids_by_submission_uuid",
)
TEAM_WRITING = ("create_submission_for_team", "set_score", "reset_scores")
ITEM = ("student_id", "course_id", "item_id", "item_type")
Call = Callable[..., Any]
_heard: list[dict[str, Any]] = []


def listening_plugin() -> ModuleType:
    """Return a plugin that writes every notice down, as the old system's signals."""
    module = ModuleType("a_listener")
    module.__dict__.update(PORTAL_API="1", NAME="listener", REQUIRES=("submissions",))

    @hookimpl
    def submissions_scores_set(event: ScoresSet) -> None:
        _heard.extend({"signal": "score_set", **vars(score)} for score in event.scores)

    @hookimpl
    def submissions_score_reset(event: ScoreReset) -> None:
        _heard.append({"signal": "score_reset", **vars(event)})

    module.__dict__.update(
        submissions_scores_set=submissions_scores_set, submissions_score_reset=submissions_score_reset
    )
    return module


def calls_of(app: Flask) -> dict[str, Call]:
    """Return name → function; each that writes opens its own transaction, as an entry point does."""
    session = Session(app)
    found: dict[str, Call] = {name: _in_transaction(getattr(api, name)) for name in WRITING}
    found |= {name: getattr(api, name) for name in READING}
    for name in teams.__all__:
        function = getattr(teams, name)
        found[f"team.{name}"] = _in_transaction(function) if name in TEAM_WRITING else function
    return found | {
        "$clear_cache": lambda: None,
        "$user": _user,
        "$http": session.call,
        "$signals": _signals,
        "$counts": _counts,
        "$score_summary": _score_summary,
        "$grader": grading.entry_shape,
        "$grader_update_status": _in_transaction(_move),
        "$grader_age": _in_transaction(_age),
        "$queue_length": waiting.queue_length,
    }


def clean() -> None:
    """Empty every table of the plugin."""

    def empty() -> None:
        for model in (*reversed(MODELS), User):
            db.session.execute(delete(model))
        db.session.execute(delete(Role).where(Role.name.startswith("role-of-")))

    run_in_transaction(empty)
    _heard.clear()


def _in_transaction(function: Call) -> Call:
    def call(*arguments: Any, **keywords: Any) -> Any:
        return run_in_transaction(lambda: function(*arguments, **keywords))

    return call


LEASE = timedelta(minutes=5)
#: The old system's group of the same name.
GROUPS = {"xqueue": (GRADERS_SERVE,)}


def _user(name: str, password: str = "", groups: Sequence[str] = ()) -> dict[str, int]:
    key = make_user(name, *(permission for group in groups for permission in GROUPS[group]))
    if password:
        stored = hash_password(password)
        run_in_transaction(
            lambda: db.session.execute(update(User).where(User.id == key).values(password=stored))
        )
    return {"id": key}


class Session:
    """Calls by a program that keeps its cookies while a scenario runs."""

    def __init__(self, app: Flask) -> None:
        self._client = PortalClient(app)

    def call(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        data: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """Return status and body, with the JSON texts inside opened."""
        answer = self._client.open(path, method=method, query_string=query, data=data)
        return {"status": answer.status_code, "body": _opened(answer.get_json())}


def _opened(value: Any) -> Any:
    """Open texts that hold a JSON object; other texts stay."""
    if isinstance(value, str) and value.startswith("{"):
        value = json.loads(value)
    return {name: _opened(item) for name, item in value.items()} if isinstance(value, dict) else value


def _signals() -> list[dict[str, Any]]:
    heard = list(_heard)
    _heard.clear()
    return heard


def _counts() -> dict[str, int]:
    counted = {
        "student_items": select(func.count()).select_from(StudentItem),
        "submissions_active": select(func.count()).select_from(Submission).where(Submission.status == "A"),
        "submissions_all": select(func.count()).select_from(Submission),
        "scores": select(func.count()).select_from(Score),
        "summaries": select(func.count()).select_from(ScoreSummary),
        "annotations": select(func.count()).select_from(ScoreAnnotation),
        "team_submissions_all": select(func.count()).select_from(TeamSubmission),
        "external_graders": select(func.count()).select_from(GraderEntry),
    }
    return {name: int(db.session.scalar(statement) or 0) for name, statement in counted.items()}


def _score_summary(item: dict[str, str]) -> dict[str, Any] | None:
    statement = select(ScoreSummary).join(StudentItem, StudentItem.id == ScoreSummary.student_item_id)
    for name in ITEM:
        statement = statement.where(getattr(StudentItem, name) == item[name])
    summary = db.session.scalar(statement)
    if summary is None:
        return None
    ends = {"latest": summary.latest, "highest": summary.highest}
    names = ("points_earned", "points_possible", "reset")
    return {end: {name: getattr(score, name) for name in names} for end, score in ends.items()}


def _move(uuid: str, status: str) -> dict[str, Any]:
    grading.move([uuid], status)
    return grading.entry_shape(uuid)


def _age(uuid: str, minutes: int) -> None:
    key = select(Submission.id).where(Submission.uuid == submission_uuid(uuid)).scalar_subquery()
    then = utc_now() - timedelta(minutes=minutes)
    statement = update(GraderEntry).where(GraderEntry.submission_id == key)
    db.session.execute(statement.values(status_time=then, lease_until=then + LEASE))
