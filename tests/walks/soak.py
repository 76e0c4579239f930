"""Wears the portal out: kills its processes at random and at every named point, and proves that nothing is lost.

Run as ``python -m tests.walks.soak --database both --kills 100``; ends with status 1 when anything is wrong.
"""

import contextlib
import random
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from subprocess import Popen

import click
import psutil
from redis.exceptions import RedisError

from benchmarks.campus import CREATE_STUDENTS, WHOLE_PORTAL, Campus, Intake, quick_photo
from portal.app import create_app
from portal.documents.service import warm_up
from portal.files.sweeper import sweep
from portal.jobs.api import draft, retry, submit
from portal.jobs.models import Job
from portal.jobs.queries import counts_by_code
from portal.jobs.queue import connect, queue_of, wake
from portal.jobs.states import ENDED, JobState, RowState
from portal.kernel.actor import SYSTEM, acting_as
from portal.kernel.db import db
from portal.kernel.faults import POINTS
from portal.kernel.processes import start_guarded
from portal.kernel.transaction import transaction
from portal.supervisor.web import environment_of
from portal.testing.postgresql import PostgresqlServer
from portal.testing.sandboxes import ENGINES, EngineName
from tests.walks.editor import Editor
from tests.walks.proof import Blobs, Findings, blobs, findings

LEASE_SECONDS = 2
ROUND_ROWS = 1_200
#: At each point a work horse dies with this probability: about every second chunk is cut somewhere.
FAULT_PROBABILITY = 0.06
LONGEST_SECONDS = 600.0
#: Wake-ups are sent by the relay and by whoever submits; these die at them, workers at all others.
WAKE_POINTS = ("before-wake-up", "after-wake-up")


@dataclass
class Kills:
    """Who was killed where."""

    log: Path
    per_point: int
    random: Counter[str] = field(default_factory=Counter)

    @property
    def at_points(self) -> Counter[str]:
        """Return the kills at named points; the dying processes have written them down."""
        lines = self.log.read_text(encoding="utf-8").split() if self.log.exists() else []
        return Counter(lines)

    @property
    def total(self) -> int:
        return self.at_points.total() + self.random.total()

    def missing(self, wanted: int) -> set[str]:
        """Return the points at which fewer than ``wanted`` processes have died."""
        seen = self.at_points
        return {point for point in POINTS if seen[point] < wanted}


class Troop:
    """Two workers and the relay, each started again when it dies, with or without faults."""

    def __init__(self, campus: Campus, kills: Kills) -> None:
        self._campus = campus
        self._log = campus.config.home / "soak.log"
        self.kills = kills
        self.faulty = True
        self._wanted: str | None = None
        self._processes: dict[str, Popen[bytes]] = {}

    def environment(self, fault: str) -> dict[str, str]:
        variables = environment_of(self._campus.config)
        if self.faulty and fault:
            variables |= {"PORTAL_FAULT": fault, "PORTAL_FAULT_LOG": str(self.kills.log)}
        return variables

    def start(self, module: str, *arguments: str, fault: str) -> "Popen[bytes]":
        """Start a Python program of the portal with this fault; its words go to a file."""
        with self._log.open("ab") as output:
            return start_guarded(
                [sys.executable, "-m", module, *arguments],
                environment=self.environment(fault),
                output=output.fileno(),
            )

    def heal(self) -> None:
        """Start what is not running."""
        for name in ("worker-1", "worker-2", "relay"):
            process = self._processes.get(name)
            if process is None or process.poll() is not None:
                command, fault = self._role(name)
                self._processes[name] = self.start("portal", command, fault=fault)

    def _role(self, name: str) -> tuple[str, str]:
        if name == "relay":
            missing = sorted(self.kills.missing(self.kills.per_point) & set(WAKE_POINTS))
            return "relay", f"{random.choice(missing or WAKE_POINTS)}:0.5"
        return "worker", f"{self._wanted or 'any'}:{0.5 if self._wanted else FAULT_PROBABILITY}"

    def aim_at(self, point: str | None) -> None:
        """Let workers die at one point only from now on; None: at any."""
        if point != self._wanted:
            self._wanted = point
            self.end(("worker-1", "worker-2"))

    def calm(self) -> None:
        """Start everything anew without faults."""
        self.faulty = False
        self.end()
        self.heal()

    def kill_one(self) -> None:
        """Kill a random process: mostly a work horse, sometimes a worker with it, or the relay."""
        name = random.choices(("horse", "worker", "relay"), (85, 10, 5))[0]
        if name == "relay":
            victims = [psutil.Process(self._processes["relay"].pid)] if self._alive("relay") else []
        else:
            workers = [
                psutil.Process(self._processes[w].pid) for w in ("worker-1", "worker-2") if self._alive(w)
            ]
            horses = [horse for worker in workers for horse in worker.children()]
            victims = horses if name == "horse" else workers
        if victims:
            with contextlib.suppress(psutil.NoSuchProcess):
                random.choice(victims).kill()
                self.kills.random[f"random: {name}"] += 1

    def _alive(self, name: str) -> bool:
        process = self._processes.get(name)
        return process is not None and process.poll() is None

    def end(self, names: tuple[str, ...] = ("worker-1", "worker-2", "relay")) -> None:
        for name in names:
            process = self._processes.pop(name, None)
            if process is not None:
                process.kill()
                process.wait()


@contextmanager
def troop_of(campus: Campus, kills: Kills) -> Iterator[Troop]:
    """Run queue server and troop."""
    with campus.queue_server():
        troop = Troop(campus, kills)
        try:
            troop.heal()
            yield troop
        finally:
            troop.end()


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a soak run has found."""

    database: EngineName
    seconds: float
    kills: Counter[str]
    jobs: int
    given_up: int
    healed_seconds: float
    flushed: int
    editor: Editor
    findings: Findings
    before_sweep: Blobs
    after_sweep: Blobs
    unswept: int
    missing: set[str]
    timed_out: bool

    @property
    def faults(self) -> dict[str, object]:
        found: dict[str, object] = dict(self.findings.faults)
        more = {
            "editor errors": [repr(error) for error in self.editor.errors[:3]],
            "nameless files after the sweep": self.after_sweep.nameless,
            "files that a second sweep still removed": self.unswept,
            "points without a kill": sorted(self.missing),
            "time": "ran out" if self.timed_out else "",
        }
        return found | {name: value for name, value in more.items() if value}


def soak(database: EngineName, kills_wanted: int, folder: Path) -> Report:
    """Kill until there were enough, let the portal heal by itself, then judge everything it made."""
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(PostgresqlServer()) if database == "postgresql" else None
        settings = {"lease_seconds": LEASE_SECONDS, "workers": 2, "base_url": "https://campus.example"}
        campus = Campus(database, folder / f"soak_{database}", server, **settings)
        stack.enter_context(campus.open())
        campus.found()
        warm_up()
        intake = Intake(photo_of=quick_photo)
        kills = Kills(folder / f"kills-{database}", max(1, kills_wanted // 25))
        troop = stack.enter_context(troop_of(campus, kills))
        editor = stack.enter_context(Editor(campus.app, ()).at_work())
        run = _Run(campus, troop, editor, intake, kills_wanted, began + LONGEST_SECONDS)
        run.until_enough()
        healed_seconds = run.until_healed()
        troop.end()
        given_up = run.retried_rows
        judged = findings(run.job_ids)
        before = blobs()
        sweep(0)
        after = blobs()
        again = sweep(0)
        return Report(
            database=database,
            seconds=time.monotonic() - began,
            kills=kills.at_points + kills.random,
            jobs=len(run.job_ids),
            given_up=given_up,
            healed_seconds=healed_seconds,
            flushed=run.flushed,
            editor=editor,
            findings=judged,
            before_sweep=before,
            after_sweep=after,
            unswept=again.rows + again.blobs,
            missing=kills.missing(kills.per_point),
            timed_out=run.timed_out,
        )


class _Run:
    """Rounds of applicants, each one job, with kills beside it."""

    def __init__(
        self,
        campus: Campus,
        troop: Troop,
        editor: Editor,
        intake: Intake,
        kills_wanted: int,
        deadline: float,
    ) -> None:
        self._campus, self._troop, self._editor, self._intake = campus, troop, editor, intake
        self._kills_wanted, self._deadline = kills_wanted, deadline
        self.job_ids: list[uuid.UUID] = []
        self.flushed = 0
        self.retried_rows = 0

    @property
    def timed_out(self) -> bool:
        return time.monotonic() > self._deadline

    @property
    def _enough(self) -> bool:
        kills = self._troop.kills
        return kills.total >= self._kills_wanted and not kills.missing(kills.per_point)

    def until_enough(self) -> None:
        while not self._enough and not self.timed_out:
            self._round()

    def _round(self) -> None:
        self._editor.uids = self._intake.add(ROUND_ROWS)
        job_id = self._started_by_someone_killed()
        self.job_ids.append(job_id)
        self._flush()
        # In every second round nobody but the relay wakes workers, seconds after each silence.
        rings = len(self.job_ids) % 2 == 1
        next_kill = next_ring = time.monotonic() + random.uniform(0.5, 3)
        while not self._ended(job_id) and not self._enough and not self.timed_out:
            self._troop.heal()
            self._aim()
            if time.monotonic() > next_kill:
                self._troop.kill_one()
                next_kill = time.monotonic() + random.uniform(0.5, 3)
            if rings and time.monotonic() > next_ring:
                self._ring(job_id)
                next_ring = time.monotonic() + 1
            time.sleep(0.1)
        click.echo(f"  round {len(self.job_ids)}: {self._troop.kills.total} kills so far")

    def _aim(self) -> None:
        """Once there are enough kills, go for the points that are still missing."""
        kills = self._troop.kills
        if kills.total >= self._kills_wanted:
            missing = sorted(kills.missing(kills.per_point) - set(WAKE_POINTS))
            self._troop.aim_at(missing[0] if missing else None)

    def _started_by_someone_killed(self) -> uuid.UUID:
        """Submit through processes that die on the way, until one has left the job behind."""
        key = uuid.uuid4().hex
        while True:
            fault = random.choice(
                ("before-commit:0.5", "after-commit:0.5", *(f"{point}:0.7" for point in WAKE_POINTS))
            )
            command = [sys.executable, "-m", "tests.walks.soak", "--submit", key]
            start_guarded(command, environment=self._troop.environment(fault)).wait()
            db.session.rollback()
            found = db.session.query(Job.id).filter(Job.idempotency_key == key).scalar()
            if found is not None:
                return uuid.UUID(str(found))

    def _ring(self, job_id: uuid.UUID) -> None:
        """Be quicker than the relay, which waits some seconds: otherwise a kill costs seconds of silence."""
        with connect(self._campus.config) as connection, contextlib.suppress(RedisError):
            if not queue_of(connection).count:
                wake(job_id)

    def _flush(self) -> None:
        """Lose everything that the queue server has."""
        with connect(self._campus.config) as connection:
            connection.flushall()
        self.flushed += 1

    @staticmethod
    def _ended(job_id: uuid.UUID) -> bool:
        db.session.rollback()
        return db.session.get_one(Job, job_id, populate_existing=True).state in ENDED

    def until_healed(self) -> float:
        """Leave the portal alone, with fresh processes, and return the seconds until every job has ended."""
        began = time.monotonic()
        self._editor.uids = ()
        self._flush()
        self._troop.calm()
        for job_id in self.job_ids:
            self._await_end(job_id)
        healed = time.monotonic() - began
        for job_id in self.job_ids:
            if self._retried(job_id):
                self._await_end(job_id)
        return healed

    def _await_end(self, job_id: uuid.UUID) -> None:
        while not self._ended(job_id) and not self.timed_out:
            self._troop.heal()
            time.sleep(0.1)

    def _retried(self, job_id: uuid.UUID) -> bool:
        """Try rows again that were given up because their worker died too often."""
        failed = [count for count in counts_by_code(job_id) if count.state == RowState.FAILED]
        job = db.session.get_one(Job, job_id, populate_existing=True)
        if not failed or job.state != JobState.FINISHED:
            return False
        self.retried_rows += sum(count.count for count in failed)
        with transaction():
            retry(job_id, SYSTEM)
        return True


def print_report(report: Report) -> None:
    """Print the table."""
    click.echo(
        f"\n{report.database}: {report.kills.total()} kills in {report.seconds:.0f} s, {report.jobs} jobs"
    )
    for name, count in sorted(report.kills.items()):
        click.echo(f"  killed {name:24} {count:>6}")
    lines: dict[str, object] = {
        "queue data lost (times)": report.flushed,
        "seconds to heal alone": f"{report.healed_seconds:.1f}",
        "rows given up, then retried": report.given_up,
        "edits beside the jobs": len(report.editor.seconds),
        "  of which conflicts": report.editor.conflicts,
        "  99 in 100 below (seconds)": f"{report.editor.slow_seconds:.3f}",
        **asdict(report.findings),
        "files, nameless before sweep": f"{report.before_sweep.files}, {report.before_sweep.nameless}",
        "files, nameless after sweep": f"{report.after_sweep.files}, {report.after_sweep.nameless}",
    }
    for name, value in lines.items():
        click.echo(f"  {name.replace('_', ' '):31} {value!s:>6}")
    click.echo(f"  faults: {report.faults or 'none'}", color=True)


def _submit(key: str) -> None:
    app = create_app()
    with app.app_context(), acting_as(SYSTEM):
        request = draft(CREATE_STUDENTS, WHOLE_PORTAL, SYSTEM, idempotency_key=key)
        with transaction():
            submit(request, apply=True, close_portal=False)


@click.command()
@click.option("--database", type=click.Choice([*ENGINES, "both"]), default="both", show_default=True)
@click.option("--kills", type=click.IntRange(1, 10_000), default=100, show_default=True)
@click.option("--submit", "key", hidden=True)
def main(database: str, kills: int, key: str | None) -> None:
    """Kill processes of the portal until --kills have died, then check every promise about what they made."""
    if key is not None:
        _submit(key)
        return
    reports = []
    with tempfile.TemporaryDirectory(prefix="portal-soak-") as folder:
        for engine in ENGINES if database == "both" else [name for name in ENGINES if name == database]:
            click.echo(f"{engine}: killing …")
            reports.append(soak(engine, kills, Path(folder)))
            print_report(reports[-1])
    if any(report.faults for report in reports):
        sys.exit(1)


if __name__ == "__main__":
    main()
