"""A portal with something on every page of submissions, for the tests."""

from typing import Any

from sqlalchemy import select

from plugins.submissions import api
from plugins.submissions.api import teams
from plugins.submissions.api.grading import move
from plugins.submissions.models import GraderEntry
from portal.kernel.transaction import run_in_transaction
from portal.sdk import User, db
from portal.testing.people import make_user
from tests.plugins.submissions.conftest import handed_in, item, scored

#: What a student might try.
SCRIPT = "<script>alert('x')</script>"


def fill(number: int, start: int = 0) -> None:
    """Hand in, score, reset and queue so many of each; students ``s0``, ``s1`` …"""
    for place in range(start, start + number):
        student = f"s{place}"
        submission = handed_in(student, {"text": f"{SCRIPT} {place}", "é": [1, 2]})
        scored(submission["uuid"], place % 11, 10, annotation_creator="ada", annotation_reason=SCRIPT)
        handed_in(student, f"again {SCRIPT}")
        with_grader(f"g{place}", place)
        with_team(f"t{place}", [f"m{place}", f"n{place}"])
    run_in_transaction(lambda: api.reset_score(f"s{start}", "c1", "i1", clear_state=True))


def with_grader(student: str, place: int) -> None:
    """Put an entry into a queue, in another state each time."""
    files: dict[str, Any] = {"tests.py": b"print(1)"}
    made = run_in_transaction(
        lambda: api.create_external_grader_detail(
            item(student, name="i9"), SCRIPT, f"q{place % 3}", None, files=files
        )
    )
    if place % 2:
        run_in_transaction(lambda: move([made["submission_uuid"]], "pulled"))
        if place % 4 == 3:
            run_in_transaction(lambda: move([made["submission_uuid"]], "failed"))


def with_team(team: str, members: list[str]) -> None:
    """Hand in for a team."""
    db.session.rollback()
    user = db.session.scalar(select(User.id).order_by(User.id).limit(1)) or make_user("ada")
    run_in_transaction(
        lambda: teams.create_submission_for_team("c1", "i5", team, user, members, {"of": team})
    )


def entries() -> list[GraderEntry]:
    """Return the entries of all queues."""
    db.session.rollback()
    return list(db.session.scalars(select(GraderEntry).order_by(GraderEntry.id)))
