"""Web, worker, cron and relay as processes of their own, on PostgreSQL, a queue server behind TLS, and a bucket."""

import csv
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from pydantic import SecretStr
from sqlalchemy import func, select, update

from benchmarks.campus import CREATE_STUDENTS, IMPORT_APPLICANTS, Campus, submitted
from plugins.admissions.api.integrity import broken_promises
from plugins.admissions.demo import write_university_files
from plugins.admissions.models import Student
from portal.files.s3 import S3Store
from portal.files.store import current_store
from portal.jobs.models import Job
from portal.jobs.queries import wait_for
from portal.jobs.queue import connect
from portal.jobs.schedules import ScheduleRun, ScheduleState
from portal.jobs.states import JobState
from portal.kernel.clock import utc_now
from portal.kernel.db import db, reading
from portal.kernel.replica import Beat
from portal.kernel.transaction import transaction
from portal.supervisor.network import is_live
from portal.testing.people import make_user
from tests.s3_server import made_bucket, s3_server
from tests.walks.apart import PASSWORD, Apart, free_port, tls_queue_server
from tests.walks.walk import until

pytestmark = pytest.mark.postgresql

COUNT = 8
PATIENCE_SECONDS = 40.0
TOKEN = "token-of-the-scraper"
#: A person whose name, address and numbers must not be in any log.
CANARY = {
    "firstname": "Zebedea",
    "lastname": "Quillfeather",
    "email": "zq@quillfeather.example",
    "reg_number": "W7654321",
}
SCHEDULE = "portal.remove_expired"


@pytest.fixture
def campus(campus_of: Callable[..., Campus], tmp_path: Path) -> Iterator[Campus]:
    """An installation whose database, queue server and files are all elsewhere."""
    with tls_queue_server(tmp_path) as queue_url, s3_server() as endpoint:
        bucket = made_bucket(endpoint)
        made = campus_of(
            "postgresql",
            redis_url=queue_url,
            port=free_port(),
            blob_store_url=f"s3://{bucket.name}/{bucket.prefix}",
            blob_store_endpoint=endpoint,
            blob_store_access_key_id=bucket.access_key_id,
            blob_store_secret_access_key=SecretStr(bucket.secret_access_key),
            metrics_token=SecretStr(TOKEN),
            log_format="json",
            workers=1,
        )
        with made.open():
            yield made


@pytest.fixture
def apart(campus: Campus, tmp_path: Path) -> Iterator[Apart]:
    """The four processes, up and answering. They log everything, and have the database itself as its own replica."""
    config = campus.config.model_copy(
        update={"log_level": "DEBUG", "read_replica_url": campus.config.database_url}
    )
    processes = Apart(config, tmp_path)
    try:
        for name in ("web", "worker", "cron", "relay"):
            processes.start(name)
        until(lambda: is_live(config.host, config.port), seconds=PATIENCE_SECONDS)
        with connect(config) as connection:
            until(lambda: connection.smembers("rq:workers"), seconds=PATIENCE_SECONDS)
        yield processes
    finally:
        processes.kill()


def test_each_process_does_its_part_and_stops_when_asked(
    campus: Campus, apart: Apart, tmp_path: Path
) -> None:
    number = _students_are_made(tmp_path)
    _schedule_is_run_once()
    _web_is_visited(campus, number)
    figures = requests.get(
        f"http://{campus.config.host}:{campus.config.port}/metrics",
        headers={"Authorization": f"Bearer {TOKEN}"},
        timeout=10,
    ).text

    assert f'portal_rows_total{{kind="{CREATE_STUDENTS}",outcome="done"}} {COUNT}.0' in figures
    assert f'portal_chunk_seconds_count{{kind="{CREATE_STUDENTS}"}}' in figures
    assert 'portal_requests_total{endpoint="security.login",method="POST"' in figures
    assert "portal_workers_alive 1.0" in figures
    until(lambda: _scalar(select(Beat.at)), seconds=PATIENCE_SECONDS)
    assert apart.stop(15) == {"web": 0, "worker": 0, "cron": 0, "relay": 0}
    _logs_are_clean(apart, number)


def _students_are_made(folder: Path) -> str:
    """Import applicants, create their students, and return the canary's student number."""
    written = write_university_files(folder, COUNT, seed=3, state="admitted", flawed=False)
    with written.sheet.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    rows[0].update({name: value for name, value in CANARY.items() if name in rows[0]})
    # A row that is refused, naming the person.
    rows.append({**rows[0], "date_of_birth": "31.02.2001", "photo": ""})
    with written.sheet.open("w", encoding="utf-8", newline="") as file:
        sheet = csv.DictWriter(file, rows[0])
        sheet.writeheader()
        sheet.writerows(rows)

    imported = wait_for(
        submitted(IMPORT_APPLICANTS, {"mode": "create"}, {"sheet": written.sheet, "photos": written.photos}),
        PATIENCE_SECONDS,
    )
    assert (imported.state, imported.done_count, imported.refused_count) == (JobState.FINISHED, COUNT, 1)
    created = wait_for(submitted(CREATE_STUDENTS, {"scope": "portal"}, close_portal=False), PATIENCE_SECONDS)
    assert (created.state, created.done_count) == (JobState.FINISHED, COUNT)
    assert isinstance(current_store(), S3Store)
    assert broken_promises() == []
    return str(_scalar(select(Student.student_id).where(Student.lastname == CANARY["lastname"])))


def _schedule_is_run_once() -> None:
    """Let a slot be due for cron and relay alike."""
    until(
        lambda: _scalar(select(ScheduleState.name).where(ScheduleState.name == SCHEDULE)),
        seconds=PATIENCE_SECONDS,
    )
    with transaction() as session:
        session.execute(
            update(ScheduleState)
            .where(ScheduleState.name == SCHEDULE)
            .values(since=utc_now().replace(year=2020))
        )
    finished = select(func.count()).where(Job.kind == SCHEDULE, Job.state == JobState.FINISHED)
    until(lambda: _scalar(finished), seconds=PATIENCE_SECONDS)
    assert _scalar(select(func.count()).select_from(ScheduleRun)) == 1


def _web_is_visited(campus: Campus, number: str) -> None:
    """Look for the person everywhere, sign in as them, and make mistakes on the way."""
    make_user("officer", is_administrator=True)
    base = f"http://{campus.config.host}:{campus.config.port}"
    name, email = CANARY["lastname"], CANARY["email"]
    with requests.Session() as browser:
        for tried in (number, email, name):
            form = {
                "sign_in_name": tried,
                "password": f"{name}-wrong",
                "csrf_token": _token(browser, f"{base}/login"),
            }
            assert browser.post(f"{base}/login", data=form, timeout=10).status_code == 200
        code = {
            "sign_in_name": number,
            "code": name,
            "password": name,
            "csrf_token": _token(browser, f"{base}/activate"),
        }
        assert browser.post(f"{base}/activate", data=code, timeout=10).status_code in (200, 422)
        assert browser.get(f"{base}/panel/{name}?who={email}", timeout=10).status_code == 404
        assert browser.post(f"{base}/login", data={"sign_in_name": name}, timeout=10).status_code == 400
        answer = browser.get(f"{base}/login?next=/{name}", headers={"X-Request-ID": "walk-0001"}, timeout=10)
        assert answer.headers["X-Request-ID"] == "walk-0001"


def _token(browser: requests.Session, page: str) -> str:
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', browser.get(page, timeout=10).text)
    assert found
    return found[1]


def _logs_are_clean(apart: Apart, number: str) -> None:
    """Every line is an object, what happened is there under its ids, and nobody's data."""
    told: dict[str, list[dict[str, Any]]] = {}
    for name in apart.processes:
        written = apart.log(name).read_text(encoding="utf-8")
        secrets = (*CANARY.values(), number, PASSWORD, TOKEN)
        assert [word for word in secrets if word.casefold() in written.casefold()] == [], name
        told[name] = [json.loads(line) for line in written.splitlines()]
    assert any(line.get("request_id") == "walk-0001" for line in told["web"])
    assert [line for line in told["web"] if line["level"] in ("error", "critical")] == []
    assert any("portal.jobs.engine.run" in line["event"] for line in told["worker"])


def _scalar(statement: Any) -> Any:
    with reading():
        return db.session.scalar(statement)
