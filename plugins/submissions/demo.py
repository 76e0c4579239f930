"""The demo's course: essays, a quiz, programs for an external grader and a team project, with scores."""

import csv
import random
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from flask import current_app
from sqlalchemy import select

from plugins.submissions import api
from plugins.submissions.api import teams
from plugins.submissions.api.grading import move, pull, put_result
from plugins.submissions.jobs import UploadScores
from plugins.submissions.models import Submission
from portal.sdk import DemoContext, DemoStep, User, db, run_in_transaction, utc_now
from portal.sdk.jobs import SHEET

COURSE = "PHY101-2026"
ESSAY, QUIZ, PROGRAM, PROJECT = "essay-1", "quiz-1", "program-1", "project"
STUDENTS, PROGRAMS, TEAMS, TEAM_SIZE = 60, 24, 6, 4
#: Days over which things were handed in.
DAYS = 28
QUEUE = "phy101-python"
_SENTENCES = (
    "The pendulum keeps its period as long as it swings only a little.",
    "We measured ten swings at a time and divided, so the error of the watch counts a tenth.",
    "Friction takes energy out of the motion; the amplitude falls, the period hardly.",
    "The longer pendulum swings more slowly, by the square root of its length.",
    "Our value of g is 9.79 m/s², one per cent below the book's.",
    "A heavier bob does not change the result, which surprised us.",
)


def demo_steps(size: int, seed: int) -> list[DemoStep]:
    """Return the step that makes the course; ``size`` does not matter, ``seed`` comes with the context."""
    return [DemoStep(order=300, title="Handing in and scoring for a course", run=_make_course)]


def _make_course(context: DemoContext) -> Mapping[str, Any]:
    # Predictable on purpose; it guards nothing.
    chance = random.Random(f"submissions {context.seed}")  # noqa: S311
    students = [f"anon-{chance.getrandbits(32):08x}" for _ in range(STUDENTS)]
    now = utc_now()
    submissions = run_in_transaction(partial(_hand_in, students, chance.getrandbits(32), now))
    run_in_transaction(partial(_send_to_grader, students[:PROGRAMS], chance.getrandbits(32)))
    run_in_transaction(partial(_hand_in_as_teams, students, now))
    sheet = context.folder / "scores.csv"
    _write_sheet(sheet, students, chance)
    result = context.run_job(UploadScores.name, {"course_id": COURSE}, {SHEET: sheet})
    links = [
        *context.facts.get("links", ()),
        ["Essays with their scores", _path("submissions_section.item", course=COURSE, item=ESSAY)],
        ["The upload of scores, and what it refused", _path("jobs.page", job_id=result["job_id"])],
    ]
    return {
        "submissions": submissions + PROGRAMS + TEAMS * TEAM_SIZE,
        "uploaded_scores": result["done"],
        "links": links,
    }


def _hand_in(students: Sequence[str], seed: int, now: datetime) -> int:
    chance = random.Random(seed)  # noqa: S311
    entries = []
    for student in students:
        # Most hand in shortly before the end.
        back = timedelta(days=DAYS * chance.random() ** 2, hours=chance.random() * 8)
        text = " ".join(chance.sample(_SENTENCES, 3))
        answer = {"parts": [{"text": text}], "files": []}
        entries.append(_entry(student, ESSAY, "openassessment", answer, now - back))
        choices = {f"question-{number}": chance.choice("abcd") for number in range(1, 6)}
        entries.append(_entry(student, QUIZ, "problem", choices, now - back * 0.7))
        if chance.random() < 0.25:
            entries.append(_entry(student, QUIZ, "problem", choices | {"question-1": "a"}, now - back * 0.4))
    made = api.create_submissions(entries)
    quizzes = [shape for shape, entry in zip(made, entries, strict=True) if _item(entry) == QUIZ]
    api.set_scores(
        [
            {
                "submission_uuid": shape["uuid"],
                "points_earned": min(5, max(0, round(chance.gauss(3.6, 1.2)))),
                "points_possible": 5,
            }
            for shape in quizzes
        ]
    )
    return len(made)


def _entry(student: str, item: str, kind: str, answer: Any, submitted_at: datetime) -> dict[str, Any]:
    return {"student_item": _named(student, item, kind), "answer": answer, "submitted_at": submitted_at}


def _named(student: str, item: str, kind: str) -> dict[str, str]:
    return {"student_id": student, "course_id": COURSE, "item_id": item, "item_type": kind}


def _item(entry: Mapping[str, Any]) -> str:
    return str(entry["student_item"]["item_id"])


def _send_to_grader(students: Sequence[str], seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311
    for student in students:
        program = f"def period(length):\n    return {chance.choice(('2 * 3.14', '2 * pi'))} * (length / 9.81) ** 0.5\n"
        api.create_external_grader_detail(
            _named(student, PROGRAM, "problem"), program, QUEUE, None, "check_period.py", points_possible=10
        )
    for place in range(2 * len(students) // 3):
        entry = pull(QUEUE)
        if entry is not None and place % 8 == 7:
            _fail(entry.submission_id)
        elif entry is not None and place % 8 != 6:
            put_result(entry.submission_id, entry.key, chance.randint(3, 10) / 10, "All tests ran.")


def _fail(submission_id: int) -> None:
    uuid = db.session.scalars(select(Submission.uuid).where(Submission.id == submission_id)).one()
    move([uuid], "failed")


def _hand_in_as_teams(students: Sequence[str], now: datetime) -> None:
    by = db.session.scalar(select(User.id).order_by(User.id).limit(1))
    if by is None:
        return
    for place in range(TEAMS):
        members = students[place * TEAM_SIZE : (place + 1) * TEAM_SIZE]
        answer = {"title": f"Coupled pendulums {place + 1}", "pages": 12 + place}
        made = teams.create_submission_for_team(
            COURSE, PROJECT, f"team-{place + 1}", by, members, answer, now - timedelta(days=place + 1)
        )
        if place % 2 == 0:
            teams.set_score(
                made["team_submission_uuid"], 12 + place, 20, "admin", "staff_defined", "Presented"
            )


def _write_sheet(path: Path, students: Sequence[str], chance: random.Random) -> None:
    """Write the scores of the essays, with the mistakes that sheets have."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("student_id", "item_id", "points_earned", "points_possible", "reason"))
        for place, student in enumerate(students[:-8]):
            points = min(100, max(0, round(chance.gauss(66, 17))))
            reason = "Very clear figures" if points > 85 else ""
            writer.writerow((student, ESSAY, f"{points}.5" if place == 11 else points, 100, reason))
        writer.writerow(("anon-00000000", ESSAY, 70, 100, ""))
        writer.writerow((students[0], ESSAY, 71, 100, "Counted twice"))


def _path(endpoint: str, **values: Any) -> str:
    """Return the address of a page, without a host: no request asks for it."""
    return current_app.url_map.bind("localhost").build(endpoint, values)
