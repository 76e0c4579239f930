"""Expiring what waits too long, and exporting a program."""

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from plugins.enrollments import api
from plugins.enrollments.models import ProgramEnrollment
from portal.jobs.models import JobFile
from portal.sdk import SYSTEM, current_store, db, transaction, utc_now
from portal.sdk.jobs import Job, JobState, draft, get_job, run_inline, submit
from portal.testing.statements import counted_statements
from tests.plugins.enrollments.partner import (
    COURSE,
    PROGRAM,
    count,
    identify,
    keys,
    make_users,
    requests,
    written,
)

pytestmark = [pytest.mark.both_engines, pytest.mark.usefixtures("partner")]


def done(kind: str, **params: Any) -> Job:
    request = draft(kind, params, SYSTEM)
    with transaction():
        job_id = submit(request, apply=True).id
    run_inline(job_id)
    db.session.rollback()
    return get_job(job_id)


def exported(**params: Any) -> list[dict[str, str]]:
    job = done("enrollments.export", program=str(PROGRAM), **params)
    assert job.state == JobState.FINISHED
    sha256 = db.session.scalars(select(JobFile.sha256).where(JobFile.job_id == job.id)).one()
    with current_store().open(sha256) as stream:
        return list(csv.DictReader(io.TextIOWrapper(stream, encoding="utf-8-sig")))


def test_only_those_who_wait_too_long_expire(app: Flask) -> None:
    identify(make_users(["linked"]))
    written(
        api.write_program_enrollments, PROGRAM, requests(["old", "new", "linked"]), create=True, update=False
    )
    with transaction() as session:
        long_ago = utc_now() - timedelta(days=61)
        names = ["old", "linked"]
        session.execute(
            update(ProgramEnrollment)
            .where(ProgramEnrollment.external_user_key.in_(names))
            .values(modified_at=long_ago)
        )

    assert done("enrollments.expire_waiting").result == {"expired": 1}
    assert count(ProgramEnrollment) == 2
    assert done("enrollments.expire_waiting").result == {"expired": 0}


def test_an_export_names_everybody_once_or_with_each_course_run(app: Flask) -> None:
    identify(make_users(["ann"]))
    written(api.write_program_enrollments, PROGRAM, requests(["ann", "=bob"]), create=True, update=False)
    active = [{"external_user_key": "ann", "status": "active"}]
    written(api.write_program_course_enrollments, PROGRAM, COURSE, active, create=True, update=False)

    rows = exported()
    assert sorted((row["external_user_key"], row["username"], row["status"]) for row in rows) == [
        ("'=bob", "", "enrolled"),
        ("ann", "ann", "enrolled"),
    ]
    found = exported(with_courses=True)
    assert sorted((row["external_user_key"], row["course_key"], row["mode"]) for row in found) == [
        ("'=bob", "", ""),
        ("ann", COURSE, "masters"),
    ]


def test_longer_exports_send_no_more_statements_a_page(app: Flask) -> None:
    def questions(prefix: str, number: int) -> int:
        rows = requests(keys(number, prefix))
        written(api.write_program_enrollments, PROGRAM, rows, create=True, update=False)
        with counted_statements() as statements:
            exported()
        return len(statements)

    questions("warm", 2)
    assert questions("b", 300) <= questions("a", 2) + 1
