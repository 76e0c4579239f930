"""The log: JSON or lines for people, with ids, and nobody's name, e-mail or number in it."""

import io
import json
import logging
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from portal.kernel.db import db
from portal.kernel.errors import Conflict
from portal.kernel.logs import REMOVED, LogFormat, configure_logs, log_context, safe_words
from portal.kernel.transaction import transaction

CANARY = ("Zebedea Quillfeather", "zebedea@quill.example", "K7654321")
log = logging.getLogger("portal.test")
Logged = Callable[[LogFormat], io.StringIO]


@pytest.fixture
def logged() -> Iterator[Logged]:
    """Send the log into text; everything is as before afterwards."""
    root = logging.getLogger()
    handlers, level, hook = root.handlers[:], root.level, sys.excepthook

    def begin(form: LogFormat) -> io.StringIO:
        stream = io.StringIO()
        configure_logs("INFO", form, stream)
        return stream

    yield begin
    root.handlers[:], sys.excepthook = handlers, hook
    root.setLevel(level)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_each_line_is_one_object_with_what_it_is_about(logged: Logged) -> None:
    stream = logged("json")
    with log_context(request_id="r-1", job_id="j-2"):
        log.warning("%d rows\nof %s", 3, "something")
    log.info("after")

    first, second = lines(stream)
    assert (first["event"], first["level"], first["logger"]) == (
        "3 rows\nof something",
        "warning",
        "portal.test",
    )
    assert (first["request_id"], first["job_id"]) == ("r-1", "j-2")
    assert first["timestamp"].endswith("Z")
    assert "request_id" not in second


def test_lines_below_the_level_are_left_out(logged: Logged) -> None:
    stream = logged("json")
    log.debug("detail")
    logging.getLogger("fontTools.subset").info("chatter")

    assert stream.getvalue() == ""


@pytest.mark.parametrize("form", ["json", "console"])
def test_personal_keys_addresses_and_passwords_are_removed(logged: Logged, form: LogFormat) -> None:
    name, email, number = CANARY
    stream = logged(form)
    extra = {
        "full_name": name,
        "email": email,
        "student_number": number,
        "person": {"first_name": name, "age": 20},
        "facts": {"sign_in_name": number, "list": [email]},
        "password": "hunter2",
        "names": [name],
        "row_count": 7,
    }
    log.warning("mail to %s is late; postgresql://portal:hunter2@db.campus/x", email, extra=extra)

    written = stream.getvalue()
    assert [word for word in (*CANARY, "hunter2") if word in written] == []
    assert REMOVED in written
    assert "row_count" in written


def _fail(error: Exception) -> None:
    try:
        try:
            raise error
        except Exception as cause:
            raise KeyError(CANARY[0]) from cause
    except KeyError:
        log.exception("it failed for row %s", "0193")


@pytest.mark.parametrize("form", ["json", "console"])
@pytest.mark.parametrize(
    "error",
    [
        ValueError(f"no such person: {CANARY[0]}"),
        RuntimeError(*CANARY),
        Conflict("number-taken", f"{CANARY[2]} belongs to {CANARY[0]}.", {"email": CANARY[1]}),
    ],
)
def test_errors_show_type_and_place_but_not_their_words(
    logged: Logged, form: LogFormat, error: Exception
) -> None:
    stream = logged(form)
    _fail(error)

    written = stream.getvalue()
    assert [word for word in CANARY if word in written] == []
    assert "KeyError" in written
    assert type(error).__name__ in written
    assert "tests/portal/kernel/test_logs.py:" in written
    assert "_fail" in written
    assert "0193" in written


def test_error_among_the_arguments_loses_its_words_too(logged: Logged) -> None:
    stream = logged("json")
    log.warning("pending: %s", Conflict("number-taken", f"{CANARY[2]} is taken."))
    log.warning("not delivered: %s", OSError(28, "No space left on device"))

    assert [line["event"] for line in lines(stream)] == [
        "pending: Conflict number-taken",
        "not delivered: OSError: [Errno 28] No space left on device",
    ]


@pytest.mark.both_engines
def test_error_of_the_database_tells_its_code_and_no_values(app: object, logged: Logged) -> None:
    insert = text(
        "INSERT INTO portal_schedule (name, enabled, since, cron) VALUES (:name, true, '2026-01-01', '')"
    )
    with pytest.raises(DBAPIError) as caught, transaction() as session:
        for _ in range(2):
            session.execute(insert, {"name": CANARY[0]})
    stream = logged("json")
    log.error("it failed", exc_info=caught.value)

    written = stream.getvalue()
    assert CANARY[0] not in written
    words = safe_words(caught.value)
    assert words == (
        "IntegrityError UNIQUE constraint failed"
        if db.engine.dialect.name == "sqlite"
        else "IntegrityError 23505 pk_portal_schedule"
    )
    assert words in written


def test_libraries_write_no_tracebacks_into_the_message(logged: Logged) -> None:
    stream = logged("json")
    logging.getLogger("rq.worker").error("job %s failed\n%s", "x", f"Traceback\nValueError: {CANARY[0]}")
    logging.getLogger("gunicorn.error").error(
        "Error handling request %s", f"/panel/users/?search={CANARY[0]}"
    )

    assert [line["event"] for line in lines(stream)] == [
        "job x failed",
        "Error handling request /panel/users/",
    ]


def test_end_of_a_process_by_an_error_is_logged(logged: Logged) -> None:
    stream = logged("json")
    try:
        raise ValueError(CANARY[0])
    except ValueError as error:
        sys.excepthook(ValueError, error, error.__traceback__)

    (line,) = lines(stream)
    assert (line["level"], line["exception"][0]["error"]) == ("critical", "ValueError")
    assert CANARY[0] not in stream.getvalue()
