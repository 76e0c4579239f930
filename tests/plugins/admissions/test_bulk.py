"""The bulk path: its cost in statements, what runs beside it, and what a veto or a crash leaves."""

import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from plugins.admissions.api.integrity import broken_promises
from plugins.admissions.api.students import create_many
from plugins.admissions.api.workflow import transition
from plugins.admissions.hooks import StudentsCreated
from plugins.admissions.jobs import creating
from plugins.admissions.models import (
    Applicant,
    ApplicantHistory,
    Certificate,
    NumberCounter,
    Student,
    StudentFile,
)
from portal.files.sweeper import sweep
from portal.jobs.applying import Run, claim
from portal.jobs.engine import work_on
from portal.jobs.kinds import kind_named
from portal.jobs.models import JobRow
from portal.jobs.planning import files_of
from portal.sdk import (
    SYSTEM,
    PortalError,
    StoredFile,
    TemporaryFailure,
    acting_as,
    db,
    hookimpl,
    transaction,
)
from portal.sdk.jobs import JobState, RowState, draft, get_job, run_inline, submit
from portal.testing.sandboxes import EngineName, Sandbox
from portal.testing.statements import counted_statements
from tests.plugins.admissions.university import (
    University,
    add,
    add_many,
    change,
    create,
    create_selected,
    found,
    get,
    give_photo,
    issued,
    jpeg,
    refusals,
    students,
)

CONTAINER = {"scope": "container", "container": "app2026"}


def count(model: type) -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(model)) or 0


@pytest.mark.both_engines
def test_a_chunk_takes_a_fixed_number_of_statements(
    university: University, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside: list[int] = []

    def counting(requests: object) -> object:
        with counted_statements() as statements:
            result = create_many(requests)  # type: ignore[arg-type]
        inside.append(len(statements))
        return result

    monkeypatch.setattr(creating, "create_many", counting)
    add_many(university, 260)
    with counted_statements() as statements:
        job = create(CONTAINER)

    assert job.done_count == 260
    # With the reactions of the other bundled plugins; a chunk may have to read settings anew.
    assert min(inside) <= 26
    assert max(inside) <= 28
    # Planning, start and finish are once per job. A chunk of 250 at this price is below 0.2 a student.
    assert len(statements) <= 70 + 42 * len(inside)


@pytest.mark.both_engines
def test_no_number_twice_no_student_twice_with_two_workers(app: Flask, university: University) -> None:
    for uid in add_many(university, 60):
        if uid.int % 3 == 0:
            give_photo(uid, jpeg(uid.int % 200))
    request = draft("admissions.create_students", CONTAINER, SYSTEM)
    with transaction():
        job_id = submit(request, apply=True).id

    def work(_: int) -> None:
        with app.app_context(), acting_as(SYSTEM):
            try:
                while work_on(job_id, slice_seconds=5):
                    pass
            finally:
                db.session.remove()

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(work, range(3)))

    assert get_job(job_id).done_count == 60
    assert len({student.student_id for student in students()}) == 60
    assert broken_promises() == []


@pytest.mark.both_engines
def test_officers_editing_beside_a_batch_see_no_database_error(app: Flask, university: University) -> None:
    uids = add_many(university, 60)
    stop, errors = threading.Event(), []

    def edit() -> None:
        with app.app_context(), acting_as(SYSTEM):
            number = 0
            while not stop.is_set():
                number += 1
                try:
                    change(Applicant, uids[number % len(uids)], phone=f"+234-1-{number:07}")
                except PortalError as error:
                    if error.code != "changed-meanwhile":
                        errors.append(error)
                except Exception as error:
                    errors.append(error)
                finally:
                    db.session.remove()
                stop.wait(0.005)

    officer = threading.Thread(target=edit)
    officer.start()
    try:
        job = create(CONTAINER)
    finally:
        stop.set()
        officer.join()

    assert errors == []
    assert (job.state, job.pending_count) == (JobState.FINISHED, 0)
    assert set(refusals(job)) <= {"changed-meanwhile"}
    assert broken_promises() == []


def test_a_slip_drawn_before_a_change_is_drawn_again(
    university: University, monkeypatch: pytest.MonkeyPatch
) -> None:
    uid, other = add(university), add(university)
    drawn: list[int] = []
    prepare = creating.CreateStudents.prepare

    def then_edit(self: object, work: list[object], *rest: object) -> object:
        slips = prepare(self, work, *rest)  # type: ignore[arg-type]
        if not drawn:
            change(Applicant, uid, firstname="Bola")
        drawn.append(len(work))
        return slips

    monkeypatch.setattr(creating.CreateStudents, "prepare", then_edit)
    job = create_selected(uid, other)

    assert job.done_count == 2
    assert sum(drawn) == 4
    assert "Bola" in {student.firstname for student in students()}


def test_a_certificate_removed_under_the_batch_refuses_its_rows(
    university: University, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeps, loses = add(university, course_admitted="CERT2"), add(university)
    prepare = creating.CreateStudents.prepare

    def then_remove(self: object, *rest: object) -> object:
        slips = prepare(self, *rest)  # type: ignore[arg-type]
        with transaction() as session:
            session.execute(Certificate.__table__.delete().where(Certificate.code == "CERT1"))  # type: ignore[attr-defined]
        return slips

    monkeypatch.setattr(creating.CreateStudents, "prepare", then_remove)
    job = create_selected(keeps, loses)

    assert refusals(job) == {"certificate-missing": 1}
    assert [student.applicant_uid for student in students()] == [keeps]


def test_a_crash_after_the_claim_keeps_number_and_slip(university: University) -> None:
    uid = add(university)
    request = draft("admissions.create_students", {"scope": "applicants", "applicants": [uid]}, SYSTEM)
    with transaction():
        job_id = submit(request, apply=True).id
    crashed = _crash_in_apply(job_id)
    files_before = set(db.session.scalars(select(StoredFile.sha256)))

    run_inline(job_id)

    assert crashed["student_id"] == students()[0].student_id
    assert files_before == set()
    slip = students()[0].application_slip
    assert slip is not None
    assert slip.sha256 in crashed["slips"]
    assert issued() == 1


def _crash_in_apply(job_id: uuid.UUID) -> dict[str, object]:
    """Claim and prepare as a worker does, then lose everything but what is durable."""
    kind = kind_named("admissions.create_students")
    job = get_job(job_id)
    params = kind.Params.model_validate(job.params)
    run = Run(job_id=job_id, kind=kind, params=params, files=files_of(job_id), owner="dead", binding=False)  # type: ignore[arg-type]
    work = claim(run, 10)
    slips = kind.prepare(work, params, run.files)  # type: ignore[union-attr]
    with transaction() as session:
        session.execute(
            update(JobRow).where(JobRow.job_id == job_id).values(lease_until=None, lease_owner=None)
        )
    reserved = work[0].reserved or {}
    return {"student_id": reserved["student_id"], "slips": {slip.file.sha256 for slip in slips.values()}}


def test_files_of_a_failed_creation_are_swept_and_the_rest_stays(university: University) -> None:
    uid = add(university)
    give_photo(uid)
    request = draft("admissions.create_students", {"scope": "applicants", "applicants": [uid]}, SYSTEM)
    with transaction():
        job_id = submit(request, apply=True).id
    _crash_in_apply(job_id)
    change(Applicant, uid, firstname="Bola")
    run_inline(job_id)

    sweep(grace_seconds=0)

    assert broken_promises() == []
    # The passport, the slip, and nothing of the slip that shows the earlier name.
    assert count(StoredFile) == 2


# Other plugins


class _Listener(ModuleType):
    """A plugin that hears of new students, and may veto."""

    PORTAL_API = "1"
    NAME = "listener"
    TITLE = "Listener"
    REQUIRES = ("admissions",)

    def __init__(self) -> None:
        super().__init__("listener")
        self.events: list[StudentsCreated] = []
        self.error: Exception | None = None
        self.admissions_students_created = hookimpl(self._heard())

    def _heard(self) -> Callable[[StudentsCreated], None]:
        def admissions_students_created(event: StudentsCreated) -> None:
            self.events.append(event)
            if self.error is not None:
                raise self.error

        return admissions_students_created


@pytest.fixture
def listener(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Listener]:
    engine: EngineName = "sqlite"
    plugin = _Listener()
    sandbox = Sandbox(engine, tmp_path_factory.mktemp("listener") / "listener", plugins={"listener": plugin})
    with sandbox.in_use(), acting_as(SYSTEM):
        yield plugin


def test_other_plugins_hear_of_all_students_of_a_chunk_at_once(listener: _Listener) -> None:
    uids = add_many(found(), 3)

    create_selected(*uids)

    (event,) = listener.events
    assert [student.student_id for student in event.students] == ["K1000000", "K1000001", "K1000002"]
    assert {student.applicant_uid for student in event.students} == set(uids)
    assert {(student.certificate_code, student.entry_session) for student in event.students} == {
        ("CERT1", 2026)
    }
    assert all(student.user_id for student in event.students)


def test_a_veto_undoes_everything_of_its_row_and_names_the_plugin(listener: _Listener) -> None:
    uid = add(found())
    listener.error = ValueError("not today")

    job = create_selected(uid)

    assert refusals(job) == {"plugin-reaction-failed": 1}
    assert "listener" in db.session.scalars(select(JobRow.message)).one()
    assert (count(Student), count(StudentFile), get(Applicant, uid).state) == (0, 0, "admitted")


def test_a_temporary_failure_leaves_the_rows_for_later(
    university: University, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(university)
    calls: list[int] = []

    def full(*_: object) -> object:
        calls.append(1)
        raise TemporaryFailure("storage-full", "There is no room left on the disk.")

    monkeypatch.setattr(creating, "create_many", full)
    request = draft("admissions.create_students", CONTAINER, SYSTEM)
    with transaction():
        job_id = submit(request, apply=True).id
    run_inline(job_id)

    job = get_job(job_id)
    assert calls
    assert (job.pending_count, job.failed_count, count(Student)) == (1, 0, 0)
    assert [row.state for row in db.session.scalars(select(JobRow))] == [RowState.PENDING]


def test_a_transition_while_the_batch_waits_is_seen(university: University) -> None:
    uid = add(university)
    request = draft("admissions.create_students", CONTAINER, SYSTEM)
    with transaction():
        job_id = submit(request, apply=True).id
    with transaction():
        transition(uid, "refuse2")

    run_inline(job_id)

    assert refusals(get_job(job_id)) == {"not-admitted": 1}
    assert issued() == 0


def test_overlapping_scopes_make_each_student_once(university: University) -> None:
    first, second = add_many(university, 2)
    requests = [
        draft("admissions.create_students", params, SYSTEM)
        for params in ({"scope": "portal"}, CONTAINER, {"scope": "applicants", "applicants": [first]})
    ]
    jobs = []
    for request in requests:
        with transaction():
            jobs.append(submit(request, apply=True, close_portal=False).id)
    for job_id in reversed(jobs):
        run_inline(job_id)

    assert count(Student) == 2
    assert get_job(jobs[0]).done_count == 2
    assert refusals(get_job(jobs[1])) == {"in-other-job": 2}
    assert refusals(get_job(jobs[2])) == {"in-other-job": 1}
    assert second is not None


def test_history_stays_in_order_when_lines_have_the_same_time(university: University) -> None:
    uids = add_many(university, 20)

    create_selected(*uids)

    orders = {tuple(line.text for line in student.history) for student in students()}
    assert orders == {("Record created", "Admitted")}
    assert count(ApplicantHistory) == 20
    assert db.session.scalar(select(NumberCounter.issued_count)) == 20
