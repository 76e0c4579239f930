"""Admissions and enrollments meet without knowing each other; each does without the other."""

from pathlib import Path

from flask import Flask

from plugins.enrollments import api
from plugins.enrollments.models import Curriculum, ProgramEnrollment
from portal.jobs.queries import get_job
from portal.sdk import SYSTEM, Actor, acting_as, db, transaction
from portal.sdk.jobs import JobState, run_inline, start, undo
from portal.testing.sandboxes import Sandbox
from tests.plugins.admissions import university
from tests.plugins.enrollments import partner


def name_certificate() -> None:
    with transaction() as session:
        session.get_one(Curriculum, partner.CURRICULUM).certificate_code = "CERT1"


def test_new_students_are_enrolled_in_their_program_and_withdrawn_again(app: Flask, as_system: Actor) -> None:
    partner.found()
    name_certificate()
    applicants = university.add_many(university.found(), 2)

    job = university.create_selected(*applicants)

    assert job.done_count == 2
    rows = api.fetch_program_enrollments(partner.PROGRAM, realized_only=True)
    assert {row.external_user_key for row in rows} == {"K1000000", "K1000001"}
    assert {(row.status, row.curriculum_uuid, row.changed_through) for row in rows} == {
        ("enrolled", partner.CURRICULUM, "admissions")
    }
    db.session.rollback()
    with transaction():
        undo_id = undo(job.id, SYSTEM).id
    run_inline(undo_id)
    with transaction():
        start(undo_id, SYSTEM)
    run_inline(undo_id)
    assert (get_job(undo_id).state, get_job(undo_id).done_count) == (JobState.FINISHED, 2)
    assert partner.count(ProgramEnrollment) == 0


def test_enrollments_work_without_admissions(tmp_path: Path) -> None:
    sandbox = Sandbox("sqlite", tmp_path / "alone", blocked_plugins=("admissions",))
    with sandbox.in_use(), acting_as(SYSTEM):
        partner.found()
        wanted = partner.requests(["k"])

        result = partner.written(
            api.write_program_enrollments, partner.PROGRAM, wanted, create=True, update=False
        )

    assert result == {"k": "enrolled"}


def test_admissions_work_without_enrollments(tmp_path: Path) -> None:
    sandbox = Sandbox("sqlite", tmp_path / "alone", blocked_plugins=("enrollments",))
    with sandbox.in_use(), acting_as(SYSTEM):
        job = university.create_selected(university.add(university.found()))

    assert job.done_count == 1
