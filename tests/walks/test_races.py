"""Clients that write scores and attempts of the same student items at the same moment: nothing is lost or doubled."""

import random
import threading
from collections import Counter
from collections.abc import Callable
from functools import partial

import pytest
from flask import Flask
from sqlalchemy import func, select

from plugins.submissions import api
from plugins.submissions.api import teams
from plugins.submissions.models import Score, ScoreSummary, StudentItem, Submission
from portal.kernel.actor import SYSTEM, acting_as
from portal.kernel.db import db
from portal.kernel.transaction import run_in_transaction
from portal.testing.people import make_user

pytestmark = pytest.mark.both_engines

CLIENTS = 8
MANY_CLIENTS = 64
ROUNDS = 20


def race(app: Flask, clients: int, work: Callable[[int], object]) -> None:
    """Let clients with a connection each do ``work(number)`` at the same moment; fail when any of them fails."""
    errors: list[BaseException] = []
    line = threading.Barrier(clients)

    def run(number: int) -> None:
        with app.app_context(), acting_as(SYSTEM):
            line.wait()
            try:
                work(number)
            except BaseException as error:
                errors.append(error)
            finally:
                db.session.remove()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    db.session.rollback()


def item(name: str, student: str = "ann") -> dict[str, str]:
    return {"student_id": student, "course_id": "course", "item_id": name, "item_type": "essay"}


def handed_in(name: str, student: str = "ann") -> str:
    shape = run_in_transaction(lambda: api.create_submission(item(name, student), "an answer"))
    return str(shape["uuid"])


def counted(model: type) -> int:
    return int(db.session.scalar(select(func.count()).select_from(model)) or 0)


def test_first_scores_of_new_items(app: Flask) -> None:
    for number in range(ROUNDS):
        uuid = handed_in(f"item-{number}")
        race(
            app,
            CLIENTS,
            lambda client, uuid=uuid: run_in_transaction(lambda: api.set_score(uuid, client, CLIENTS)),
        )
    assert (counted(Score), counted(ScoreSummary)) == (ROUNDS * CLIENTS, ROUNDS)
    assert list(api.check_ledger()) == []
    highest = {api.get_highest_score(item(f"item-{number}"))["points_earned"] for number in range(ROUNDS)}  # type: ignore[index]
    assert highest == {CLIENTS - 1}


def test_attempts_of_new_items_get_each_number_once(app: Flask) -> None:
    for number in range(ROUNDS):
        race(app, CLIENTS, lambda client, name=f"item-{number}": handed_in(name))
    numbers = select(StudentItem.item_id, Submission.attempt_number).join(
        StudentItem, StudentItem.id == Submission.student_item_id
    )
    found = Counter(tuple(row) for row in db.session.execute(numbers))
    assert found == Counter(
        {(f"item-{number}", attempt): 1 for number in range(ROUNDS) for attempt in range(1, CLIENTS + 1)}
    )


def test_resets_against_scores(app: Flask) -> None:
    uuids = [handed_in(f"item-{number}") for number in range(4)]

    def work(client: int) -> None:
        chance = random.Random(client)
        for _ in range(10):
            number = chance.randrange(4)
            if chance.random() < 0.3:
                run_in_transaction(partial(api.reset_score, "ann", "course", f"item-{number}"))
            else:
                run_in_transaction(partial(api.set_score, uuids[number], chance.randrange(10), 10))

    race(app, CLIENTS, work)
    assert counted(Score) == CLIENTS * 10
    assert list(api.check_ledger()) == []


def test_a_cleared_submission_gets_no_score_afterwards(app: Flask) -> None:
    for number in range(ROUNDS):
        uuid = handed_in(f"item-{number}")

        def work(client: int, uuid: str = uuid, name: str = f"item-{number}") -> None:
            if client == 0:
                run_in_transaction(lambda: api.reset_score("ann", "course", name, clear_state=True))
            else:
                try:
                    run_in_transaction(lambda: api.set_score(uuid, 1, 2))
                except api.SubmissionNotFoundError:
                    return

        race(app, 4, work)
    late = (
        select(func.count())
        .select_from(ScoreSummary)
        .join(Score, Score.id == ScoreSummary.latest_id)
        .where(Score.reset.is_(False))
    )
    assert db.session.scalar(late) == 0
    assert list(api.check_ledger()) == []


def test_team_scores_and_single_scores_of_the_same_people(app: Flask) -> None:
    captain = make_user("captain")
    people = ["ann", "bob", "cid", "dora"]
    team = run_in_transaction(
        lambda: teams.create_submission_for_team(
            "course", "item", "team", captain, people, "ours", item_type="essay"
        )
    )
    members = [str(uuid) for uuid in team["submission_uuids"]]

    def work(client: int) -> None:
        for _ in range(5):
            if client % 2:
                run_in_transaction(lambda: teams.set_score(team["team_submission_uuid"], client, 10))
            else:
                random.Random(client).shuffle(members)
                run_in_transaction(
                    lambda: api.set_scores(
                        [
                            {"submission_uuid": uuid, "points_earned": client, "points_possible": 10}
                            for uuid in list(members)
                        ]
                    )
                )

    race(app, CLIENTS, work)
    assert counted(Score) == CLIENTS * 5 * len(people)
    assert list(api.check_ledger()) == []


def test_sixty_four_clients_on_one_item(app: Flask) -> None:
    uuid = handed_in("item")
    race(app, MANY_CLIENTS, lambda client: run_in_transaction(lambda: api.set_score(uuid, client, 100)))
    race(app, MANY_CLIENTS, lambda client: handed_in("item"))
    assert counted(Score) == MANY_CLIENTS
    assert counted(Submission) == MANY_CLIENTS + 1
    assert list(api.check_ledger()) == []
    assert len(api.get_submissions(item("item"))) == MANY_CLIENTS + 1
