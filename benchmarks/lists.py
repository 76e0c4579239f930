"""Measures lists at size: SQL time and statements of the pages of an applicants' list with a million rows."""

import contextlib
import statistics
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

from flask import Flask
from sqlalchemy import event, select, text

from benchmarks import machine
from benchmarks.campus import Campus
from plugins.admissions.demo.people import FAMILY, MEN, WOMEN
from plugins.admissions.models import Applicant, ApplicantState, Container
from plugins.admissions.models.names import folded
from portal.kernel.db import db
from portal.kernel.paging import order_of, position_text
from portal.kernel.transaction import transaction
from portal.testing.clients import PortalClient
from portal.testing.people import make_user, sign_in
from portal.testing.postgresql import PostgresqlServer
from portal.testing.sandboxes import EngineName

FIRST_NAMES = WOMEN + MEN
TABLE: Any = Applicant.__table__
LIST = "/panel/admissions/applicant/"
CHUNK = 20_000
RUNS = 5
#: Milliseconds of SQL that a page may take.
LIMIT_MS = 50.0
_folded = cache(folded)
#: A statement and its parameters.
Sent = tuple[str, Any]


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One page: SQL time of its reads, number of its statements, records shown."""

    page: str
    sql_ms: float
    statements: int
    rows: int


def measure(rows: int, database: EngineName, *, explain: bool) -> dict[str, Any]:
    """Fill an applicants' list, ask for its pages as a browser does, print and return the figures."""
    about = machine.description()
    for name, value in about.items():
        print(f"{name + ':':10} {value}")
    print(
        f"method:    {rows:,} applicants on {database}; each page is asked for as a browser does; its reads are then sent\n"
        f"           again {RUNS} times, all rows fetched: the median of their sum. Statements include those of sign-in, settings\n"
        "           and maintenance.",
        flush=True,
    )
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="portal-bench-")))
        server = stack.enter_context(PostgresqlServer(durable=False)) if database == "postgresql" else None
        campus = Campus(database, folder / "portal_bench", server)
        app = stack.enter_context(campus.open())
        campus.found()
        started = time.monotonic()
        fill(rows)
        print(f"filled:    {rows / (time.monotonic() - started):,.0f} rows/s", flush=True)
        figures = _figures(app, rows, explain=explain)
    return {**about, "database": database, "rows": rows, "pages": [asdict(figure) for figure in figures]}


def fill(rows: int) -> None:
    """Add applicants by set-based inserts: names of the demo university, all states, a fifth without a programme.

    Indexes are made afterwards, from all rows at once.
    """
    containers = db.session.execute(select(Container.id, Container.code).order_by(Container.code)).all()
    states = list(ApplicantState)
    with transaction() as session:
        for index in TABLE.indexes:
            index.drop(session.connection())
    for first in range(0, rows, CHUNK):
        numbers = range(first, min(first + CHUNK, rows))
        with transaction() as session:
            session.execute(TABLE.insert(), [_applicant(number, containers, states) for number in numbers])
    with transaction() as session:
        for index in TABLE.indexes:
            index.create(session.connection())
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))


def _applicant(number: int, containers: Sequence[Any], states: Sequence[ApplicantState]) -> dict[str, Any]:
    # Neighbours in time share nothing: a row's values come from its number by strides without a common divisor.
    first = FIRST_NAMES[number * 7 % len(FIRST_NAMES)]
    middle = FIRST_NAMES[number * 13 % len(FIRST_NAMES)] if number % 3 else ""
    last = FAMILY[number * 11 % len(FAMILY)] + ("" if number % 2 else f"-{number % 997:03}")
    container = containers[number % len(containers)]
    application_number = f"{number // len(containers):06}"
    return {
        # Ordered by time, as keys are.
        "id": uuid.UUID(
            int=(0x018F_0000_0000 + number << 80) | 0x7 << 76 | 0b10 << 62 | number * 2_654_435_761 % 2**32
        ),
        "container_id": container.id,
        "application_number": application_number,
        "applicant_id": f"{container.code}_{application_number}",
        "reg_number": f"R{number:08}" if number % 4 else None,
        "firstname": first,
        "middlename": middle,
        "lastname": last,
        "fullname": " ".join(filter(None, map(_folded, (first, middle, last)))),
        "sex": "f" if number % 2 else "m",
        "date_of_birth": date(1990, 1, 1) + timedelta(days=number % 6000),
        "email": f"{_folded(first).replace(' ', '.')}.{number}@example.org",
        "course_admitted": f"C{number % 40:02}" if number % 5 else None,
        "course1": f"C{number % 40:02}",
        "state": states[number % len(states)],
        "locked": number % 1000 == 0,
    }


def _figures(app: Flask, rows: int, *, explain: bool) -> list[Figure]:
    client = sign_in(PortalClient(app), make_user("registrar", is_administrator=True))
    figures = []
    print(f"\n{'page':34} {'SQL ms':>9} {'statements':>11} {'rows':>6}")
    for name, query in pages(rows).items():
        figure = _measured(client, name, query, explain=explain)
        figures.append(figure)
        late = "" if figure.sql_ms <= LIMIT_MS else f"   over {LIMIT_MS:.0f} ms"
        print(
            f"{name:34} {figure.sql_ms:>9.1f} {figure.statements:>11} {figure.rows:>6}{late}",
            flush=True,
        )
    return figures


def pages(rows: int) -> dict[str, str]:
    """Return name → query of the pages that are measured."""
    middle = db.session.scalars(select(Applicant).order_by(Applicant.id).offset(rows // 2).limit(1)).one()
    by_name = order_of(Applicant, Applicant.lastname)
    key, name = position_text((middle.id,)), position_text(by_name.position_of(middle))
    programme = position_text((None, middle.id))
    word = middle.lastname.partition("-")[0].split()[-1]
    db.session.rollback()
    return {
        "first": "",
        "middle": f"after={key}",
        "last": "last=1",
        "first by name": "sort=0",
        "middle by name": f"sort=0&after={name}",
        "last by name": "sort=0&last=1",
        "first by name, descending": "sort=0&desc=1",
        "first by programme": "sort=3",
        "middle of those without programme": f"sort=3&after={programme}",
        "last by programme": "sort=3&last=1",
        "search: a registration number": "search=R00000777",
        "search: the beginning of a number": "search=R0000",
        "search: a last name": f"search={quote_plus(word)}",
        "search: first and last name": f"search={quote_plus(f'{middle.firstname} {word}')}",
        "search: two frequent words": "search=a+b",
        "search: one letter": "search=a",
        "search: one letter, by name": "search=a&sort=0",
        "search: nothing": "search=zzzzzz",
        "filter: state": "flt0_0=admitted",
        "filter: state, by name": "flt0_0=admitted&sort=0",
    }


def _measured(client: PortalClient, name: str, query: str, *, explain: bool) -> Figure:
    client.get(f"{LIST}?{query}")
    with _watched() as sent:
        answer = client.get(f"{LIST}?{query}")
    if answer.status_code != HTTPStatus.OK:
        raise AssertionError(f"{name}: {answer.status}")
    times = [_replayed(sent) * 1000 for _ in range(RUNS)]
    if explain:
        _explain(sent)
    shown = answer.get_data(as_text=True).count('class="row-link"')
    return Figure(page=name, sql_ms=round(statistics.median(times), 2), statements=len(sent), rows=shown)


@contextlib.contextmanager
def _watched() -> Iterator[list[Sent]]:
    sent: list[Sent] = []

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, *rest: Any) -> None:
        sent.append((statement, parameters))

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


def _replayed(sent: Sequence[Sent]) -> float:
    """Return the seconds of a page's reads: each statement sent again and all its rows fetched."""
    seconds = 0.0
    with db.engine.connect() as connection:
        for statement, parameters in sent:
            if statement.startswith("SELECT"):
                started = time.perf_counter()
                connection.exec_driver_sql(statement, parameters).fetchall()
                seconds += time.perf_counter() - started
    return seconds


def _explain(sent: Sequence[Sent]) -> None:
    """Print how the database answers the statements about applicants."""
    is_postgresql = db.engine.dialect.name == "postgresql"
    how = "EXPLAIN (ANALYZE, BUFFERS, COSTS OFF)" if is_postgresql else "EXPLAIN QUERY PLAN"
    with db.engine.connect() as connection:
        for statement, parameters in sent:
            if not statement.startswith("SELECT") or "admissions_applicant" not in statement:
                continue
            plan = connection.exec_driver_sql(f"{how} {statement}", parameters)
            print("\n    " + "\n    ".join(str(row[-1]) for row in plan))
