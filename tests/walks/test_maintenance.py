"""A job that closes the portal: closed while it runs, open again however it ends."""

import http.client
import time

import pytest

from portal.jobs.queries import get_job
from portal.kernel.db import db
from portal.maintenance import service as maintenance
from tests.walks.walk import (
    PATIENCE_SECONDS,
    Walk,
    assert_ended_whole,
    create,
    create_in_portal,
    until,
    until_begun,
)


def answer(walk: Walk, path: str = "/login") -> tuple[int, str | None]:
    """Return the status of a page for a visitor, and when to try again."""
    config = walk.supervisor.config
    connection = http.client.HTTPConnection(config.host, config.port, timeout=10)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.getheader("Retry-After")
    finally:
        connection.close()


def is_closed() -> bool:
    db.session.rollback()
    return maintenance.current() is not None


@pytest.mark.both_engines
def test_the_portal_is_closed_while_the_job_runs_also_when_its_workers_are_killed(walk: Walk) -> None:
    uids = walk.intake.add(400)
    status, _ = answer(walk)
    assert status == http.HTTPStatus.OK

    job_id = create_in_portal(close_portal=True)
    until_begun(job_id)
    assert is_closed()
    for horse in walk.horses():
        horse.kill()
    assert get_job(job_id).pending_count > 0
    status, again = answer(walk, "/panel/")
    assert (status, again is not None) == (http.HTTPStatus.SERVICE_UNAVAILABLE, True)
    assert is_closed()

    job = assert_ended_whole(job_id, len(uids))
    assert job.closes_portal
    assert not is_closed()
    until(lambda: answer(walk)[0] == http.HTTPStatus.OK, seconds=5)


@pytest.mark.postgresql
def test_another_job_waits_until_the_portal_is_open_again(walk: Walk) -> None:
    uids = walk.intake.add(300)
    closing = create_in_portal(close_portal=True)
    until_begun(closing)
    others = walk.intake.add(5)
    waiting = create(others)

    assert_ended_whole(closing, len(uids))
    assert_ended_whole(waiting, len(others))
    first, second = get_job(closing), get_job(waiting)
    assert first.finished_at is not None
    assert second.finished_at is not None
    assert second.finished_at > first.finished_at


def test_the_portal_opens_by_itself_when_nobody_works_on_the_job_any_more(walk: Walk) -> None:
    uids = walk.intake.add(300)
    job_id = create_in_portal(close_portal=True)
    until_begun(job_id)
    began = time.monotonic()
    with walk.without_workers():
        assert is_closed()
        until(lambda: not is_closed(), seconds=PATIENCE_SECONDS)
        assert time.monotonic() - began < PATIENCE_SECONDS
        assert get_job(job_id).pending_count > 0
    assert_ended_whole(job_id, len(uids))
    assert not is_closed()
