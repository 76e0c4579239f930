"""Kills clients that hand in, score and reset the same student items, and proves that nothing is lost or doubled.

Run as ``python -m tests.walks.soak_scores --database both --kills 100``; ends with status 1 when anything is wrong.
A client writes down what it is about to do, and again when the call has come back: what has come back must be there
once, what was tried may be there once, and nothing else may be there.
"""

import contextlib
import os
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from subprocess import Popen
from typing import TextIO

import click
from sqlalchemy import func, select

from benchmarks.campus import Campus
from plugins.submissions import api
from plugins.submissions.models import ScoreAnnotation, StudentItem, Submission
from portal.app import create_app
from portal.installation import migrate_all
from portal.kernel.actor import SYSTEM, acting_as
from portal.kernel.db import db
from portal.kernel.processes import start_guarded
from portal.kernel.transaction import run_in_transaction
from portal.supervisor.web import environment_of
from portal.testing.postgresql import PostgresqlServer
from portal.testing.sandboxes import ENGINES, EngineName

CLIENTS = 6
ITEMS = 3
LONGEST_SECONDS = 600.0
FAULTS = ("before-commit:0.02", "after-commit:0.02", "")


def work(log: TextIO) -> None:
    """Do calls until killed; each has a word of its own that is stored with what it writes."""
    chance = random.Random(os.getpid())
    for number in range(1_000_000):
        word = f"{os.getpid()}-{time.monotonic_ns()}-{number}"
        item = {"student_id": "ann", "course_id": "soak", "item_id": f"i{chance.randrange(ITEMS)}"}
        kind = chance.choices(("submission", "score", "reset"), (4, 5, 1))[0]
        _note(log, "trying", kind, word)
        done = _call(kind, item, word, chance)
        _note(log, "done" if done else "refused", kind, word)


def _call(kind: str, item: dict[str, str], word: str, chance: random.Random) -> bool:
    whole = {**item, "item_type": "essay"}
    if kind == "submission":
        run_in_transaction(lambda: api.create_submission(whole, word))
        return True
    if kind == "reset":
        run_in_transaction(lambda: api.reset_score(**item, clear_state=chance.random() < 0.2))
        return True
    handed = api.get_submissions(whole, 5)
    db.session.rollback()
    if not handed:
        return False
    given = (chance.choice(handed)["uuid"], chance.randrange(11), 10, "soak", "soak", word)
    with contextlib.suppress(api.SubmissionNotFoundError):
        run_in_transaction(lambda: api.set_score(*given))
        return True
    return False


def _note(log: TextIO, *words: str) -> None:
    log.write(" ".join(words) + "\n")
    log.flush()


class Crowd:
    """Clients that are started again when they die."""

    def __init__(self, campus: Campus, folder: Path) -> None:
        self._environment = environment_of(campus.config)
        self._folder = folder
        self._clients: list[tuple[Popen[bytes], Path]] = []
        self._logs: list[Path] = []
        self.killed: Counter[str] = Counter()

    def heal(self) -> None:
        """Start as many as are missing; some of them die at a commit by themselves."""
        for client, _ in self._clients:
            if client.poll() is not None:
                self.killed["at a commit"] += 1
        self._clients = [pair for pair in self._clients if pair[0].poll() is None]
        while len(self._clients) < CLIENTS:
            log = self._folder / f"client-{len(self._logs)}.log"
            log.touch()
            fault = random.choice(FAULTS)
            environment = self._environment | ({"PORTAL_FAULT": fault} if fault else {})
            command = [sys.executable, "-m", "tests.walks.soak_scores", "--log", str(log)]
            self._clients.append((start_guarded(command, environment=environment), log))
            self._logs.append(log)

    def kill_one(self) -> None:
        """Kill a random client that has done something."""
        busy = [client for client, log in self._clients if client.poll() is None and log.stat().st_size]
        if busy:
            victim = random.choice(busy)
            victim.kill()
            victim.wait()
            self._clients = [pair for pair in self._clients if pair[0] is not victim]
            self.killed["at random"] += 1

    def end(self) -> None:
        for client, _ in self._clients:
            client.kill()
            client.wait()

    def noted(self) -> dict[tuple[str, str], str]:
        """Return (kind, word) → the last that its client has written about it."""
        lines = [line.split() for log in self._logs for line in log.read_text(encoding="utf-8").splitlines()]
        return {(line[1], line[2]): line[0] for line in lines if len(line) == 3}


def faults(noted: dict[tuple[str, str], str]) -> dict[str, object]:
    """Return what is wrong, by name; empty when every promise was kept."""
    db.session.rollback()
    stored = {
        "submission": Counter(text.strip('"') for text in db.session.scalars(select(Submission.raw_answer))),
        "score": Counter(db.session.scalars(select(ScoreAnnotation.reason))),
    }
    found: dict[str, object] = {}
    for kind, counted in stored.items():
        states = {word: state for (its, word), state in noted.items() if its == kind}
        found[f"{kind}s lost"] = [
            word for word, state in states.items() if state == "done" and not counted[word]
        ]
        found[f"{kind}s doubled"] = [word for word, number in counted.items() if number > 1]
        found[f"{kind}s out of nothing"] = [
            word for word in counted if states.get(word) not in ("done", "trying")
        ]
    twice = (
        select(StudentItem.item_id, Submission.attempt_number)
        .join(StudentItem, StudentItem.id == Submission.student_item_id)
        .where(Submission.status == "A")
        .group_by(StudentItem.item_id, Submission.attempt_number)
        .having(func.count() > 1)
    )
    found["attempt numbers twice"] = [tuple(row) for row in db.session.execute(twice)]
    found["wrong summaries"] = list(api.check_ledger())
    return {name: value for name, value in found.items() if value}


def soak(database: EngineName, kills: int, folder: Path) -> dict[str, object]:
    """Kill until there were enough, print what was done, and return what is wrong."""
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(PostgresqlServer()) if database == "postgresql" else None
        campus = Campus(database, folder / f"scores_{database}", server)
        stack.enter_context(campus.open())
        migrate_all()
        logs = folder / f"logs_{database}"
        logs.mkdir()
        crowd = Crowd(campus, logs)
        try:
            while crowd.killed.total() < kills and time.monotonic() < began + LONGEST_SECONDS:
                crowd.heal()
                time.sleep(random.uniform(0.1, 0.6))
                crowd.kill_one()
        finally:
            crowd.end()
        noted = crowd.noted()
        wrong = faults(noted)
    if crowd.killed.total() < kills:
        wrong["time"] = "ran out"
    states = Counter(f"{kind}: {state}" for (kind, _), state in noted.items())
    click.echo(f"\n{database}: {crowd.killed.total()} clients killed in {time.monotonic() - began:.0f} s")
    for name, count in sorted((crowd.killed + states).items()):
        click.echo(f"  {name:28} {count:>7}")
    click.echo(f"  faults: {wrong or 'none'}")
    return wrong


@click.command()
@click.option("--database", type=click.Choice([*ENGINES, "both"]), default="both", show_default=True)
@click.option("--kills", type=click.IntRange(1, 10_000), default=100, show_default=True)
@click.option("--log", type=click.Path(path_type=Path), hidden=True)
def main(database: str, kills: int, log: Path | None) -> None:
    """Kill clients of submissions until --kills have died, then check that nothing was lost or doubled."""
    if log is not None:
        app = create_app()
        with app.app_context(), acting_as(SYSTEM), log.open("a", encoding="utf-8") as lines:
            work(lines)
        return
    with tempfile.TemporaryDirectory(prefix="portal-soak-") as folder:
        names = ENGINES if database == "both" else [name for name in ENGINES if name == database]
        wrong = [soak(engine, kills, Path(folder)) for engine in names]
    if any(wrong):
        sys.exit(1)


if __name__ == "__main__":
    main()
