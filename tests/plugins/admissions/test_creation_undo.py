"""Undoing a creation: everything it added goes, whoever was changed or used since stays whole."""

import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, text, update

from plugins.admissions.api.creation_undo import undo_creations
from plugins.admissions.api.integrity import broken_promises
from plugins.admissions.api.undo_checks import CreationToUndo
from plugins.admissions.hooks import StudentsUndone
from plugins.admissions.models import (
    Applicant,
    ApplicantState,
    Student,
    StudentFile,
    StudentHistory,
    StudyCourse,
)
from portal.audit.models import AuditEntry
from portal.auth import accounts
from portal.auth.models import Activation, ExternalIdentity, UserSession
from portal.auth.roles import assign_roles
from portal.sdk import SYSTEM, Actor, User, acting_as, db, hookimpl, new_id, transaction, utc_now
from portal.sdk.jobs import Job, JobState, RowState, get_job, list_rows, run_inline, start, undo
from portal.testing.sandboxes import Sandbox
from portal.testing.statements import counted_statements
from tests.plugins.admissions.university import (
    University,
    add,
    add_many,
    change,
    create_selected,
    force,
    found,
    get,
    give_file,
    give_photo,
    issued,
    messages,
    refusals,
    students,
)

GONE = (Student, StudyCourse, StudentFile, StudentHistory, User, ExternalIdentity, Activation)


def planned_undo(job: Job) -> uuid.UUID:
    with transaction():
        undo_id = undo(job.id, SYSTEM).id
    run_inline(undo_id)
    return undo_id


def undone(job: Job) -> Job:
    undo_id = planned_undo(job)
    with transaction():
        start(undo_id, SYSTEM)
    run_inline(undo_id)
    return get_job(undo_id)


def counts() -> dict[str, int]:
    db.session.rollback()
    found = {
        model.__tablename__: db.session.scalar(select(func.count()).select_from(model)) for model in GONE
    }
    return {name: count for name, count in found.items() if count}


def sign_in(student: Student) -> None:
    now = utc_now()
    with transaction() as session:
        session.add(UserSession(user_id=student.user_id, expires_at=now + timedelta(hours=1)))


def activate(student: Student) -> None:
    with transaction():
        accounts.set_password(student.user_id or 0, "a long enough password")


def give_role(student: Student) -> None:
    with transaction():
        accounts.ensure_roles([])
        assign_roles(student.user_id or 0, [accounts.ADMINISTRATOR])


def link(student: Student) -> None:
    with transaction():
        accounts.link_identities_many(
            [accounts.NewIdentity(provider="library", external_id="L1", user_id=student.user_id or 0)]
        )


def edit(student: Student) -> None:
    with acting_as(Actor(user_id=7, name="Grace Editor", is_administrator=True)):
        change(Student, student.id, phone="+234-1")


def progress(student: Student) -> None:
    assert student.study_course is not None
    change(StudyCourse, student.study_course.id, current_level=200)


def add_file(student: Student) -> None:
    sha256 = student.files[0].sha256
    with transaction() as session:
        session.add(StudentFile(student_uid=student.id, kind="other", name="letter.pdf", sha256=sha256))


def go_on(student: Student) -> None:
    line = StudentHistory(
        id=new_id(), student_uid=student.id, at=utc_now(), text="Clearance started", actor_name="Officer"
    )
    with transaction() as session:
        session.add(line)


def forget_application(student: Student) -> None:
    force(Student, student.id, applicant_uid=None)


def switch_off(student: Student) -> None:
    with transaction():
        accounts.set_active(student.user_id or 0, False)


@pytest.mark.both_engines
def test_everything_that_creation_added_goes_and_the_applicants_are_admitted_again(
    university: University,
) -> None:
    uids = add_many(university, 3)
    give_photo(uids[0])
    give_file(uids[1], "letter.pdf", b"%PDF-1.4 a letter")
    job = create_selected(*uids)
    numbers = [student.student_id for student in students()]

    undo_job = undone(job)

    assert (undo_job.state, undo_job.done_count, counts()) == (JobState.FINISHED, 3, {})
    applicants = [get(Applicant, uid) for uid in uids]
    assert {(item.state, item.student_id, item.locked) for item in applicants} == {
        (ApplicantState.ADMITTED, None, True)
    }
    assert applicants[0].passport is not None
    last = applicants[0].history[-1]
    assert (last.text, last.transition) == (f"Student record undone ({numbers[0]})", "undo")
    assert broken_promises() == []


@pytest.mark.both_engines
def test_an_undone_applicant_can_become_a_student_again_with_a_new_number(university: University) -> None:
    uid = add(university)
    job = create_selected(uid)
    first = students()[0].student_id
    undone(job)

    again = create_selected(uid)

    assert again.done_count == 1
    assert students()[0].student_id != first
    assert issued() == 2
    assert broken_promises() == []


def test_the_audit_record_keeps_both(university: University) -> None:
    job = create_selected(add(university))
    key = str(students()[0].id)

    undo_job = undone(job)

    entries = db.session.execute(
        select(AuditEntry.action, AuditEntry.job_id)
        .where(AuditEntry.record_id == key)
        .order_by(AuditEntry.at)
    )
    assert [tuple(entry) for entry in entries] == [("create", job.id), ("delete", undo_job.id)]


USES: dict[Callable[[Student], None], tuple[str, str]] = {
    sign_in: ("account-used", "user session"),
    activate: ("account-activated", "password"),
    give_role: ("account-used", "role"),
    link: ("account-linked", "tied to library"),
    switch_off: ("account-used", "switched off"),
    edit: ("changed-since", "edited by Grace Editor on 20"),
    progress: ("study-course-changed", "study course"),
    add_file: ("files-added", "letter.pdf"),
    go_on: ("changed-since", "Clearance started"),
    forget_application: ("application-missing", "application"),
}


@pytest.mark.both_engines
def test_who_was_changed_or_used_since_is_kept_with_the_reason(university: University) -> None:
    gone, *kept = add_many(university, len(USES) + 1)
    job = create_selected(gone, *kept)
    made = {student.applicant_uid: student for student in students()}
    uses = dict(zip((made[uid].id for uid in kept), USES, strict=True))
    for uid in kept:
        uses[made[uid].id](made[uid])

    preview = {row.label: row.code for row in list_rows(planned_undo(job)) if row.code}
    undo_job = undone(job)

    rows = {row.record_id: row for row in list_rows(undo_job.id, state=RowState.REFUSED)}
    for key, use in uses.items():
        code, words = USES[use]
        assert rows[str(key)].code == preview[rows[str(key)].label] == code
        assert words in rows[str(key)].message
    assert ({student.id for student in students()}, undo_job.done_count) == (set(uses), 1)
    assert get(Applicant, gone).state == ApplicantState.ADMITTED


@pytest.mark.both_engines
def test_who_is_used_between_preview_and_undo_is_kept(university: University) -> None:
    job = create_selected(*add_many(university, 2))
    undo_id = planned_undo(job)
    kept = students()[0]
    activate(kept)
    with transaction():
        start(undo_id, SYSTEM)

    run_inline(undo_id)

    assert refusals(get_job(undo_id)) == {"account-activated": 1}
    assert [student.id for student in students()] == [kept.id]


@pytest.mark.both_engines
def test_a_chunk_takes_the_same_few_statements_whatever_its_size(university: University) -> None:
    job = create_selected(*add_many(university, 33))
    creations = [
        CreationToUndo(student_uid=student.id, label="", version="1", job_id=job.id) for student in students()
    ]
    with transaction():
        # The foreign keys are looked up once per process.
        undo_creations(creations[:1])

    sent = []
    for chunk in (creations[1:3], creations[3:]):
        with counted_statements() as statements, transaction():
            undo_creations(chunk)
        sent.append(len(statements))

    assert counts() == {}
    assert sent[0] == sent[1] <= 40


class _Keeper(ModuleType):
    """A plugin that keeps something for students, and some students for it."""

    PORTAL_API = "1"
    NAME = "keeper"
    TITLE = "Keeper"
    REQUIRES = ("admissions",)

    def __init__(self) -> None:
        super().__init__("keeper")
        self.events: list[StudentsUndone] = []
        self.answer: Callable[[StudentsUndone], Any] = lambda event: None
        self.admissions_students_undone = hookimpl(self._heard())

    def _heard(self) -> Callable[[StudentsUndone], Any]:
        def admissions_students_undone(event: StudentsUndone) -> Any:
            self.events.append(event)
            return self.answer(event)

        return admissions_students_undone


@pytest.fixture(scope="module")
def keeper_sandbox(tmp_path_factory: pytest.TempPathFactory) -> tuple[Sandbox, _Keeper]:
    plugin = _Keeper()
    return Sandbox("sqlite", tmp_path_factory.mktemp("keeper") / "keeper", plugins={"keeper": plugin}), plugin


@pytest.fixture
def keeper(keeper_sandbox: tuple[Sandbox, _Keeper]) -> Iterator[_Keeper]:
    sandbox, plugin = keeper_sandbox
    plugin.events.clear()
    with sandbox.in_use(), acting_as(SYSTEM):
        yield plugin


def rename(user_id: int | None, name: str) -> None:
    db.session.execute(update(User).where(User.id == user_id).values(display_name=name))


def test_other_plugins_remove_what_they_added_while_everything_is_still_there(keeper: _Keeper) -> None:
    job = create_selected(*add_many(found(), 2))
    numbers = {student.student_id for student in students()}
    seen: list[int] = []
    keeper.answer = lambda event: seen.append(len(students_now()))

    undone(job)

    (event,) = keeper.events
    assert {item.student_id for item in event.students} == numbers
    assert all(item.user_id and item.applicant_id.startswith("app2026_") for item in event.students)
    assert (seen, counts()) == ([2], {})


def students_now() -> list[uuid.UUID]:
    return list(db.session.scalars(select(Student.id)))


def test_a_plugin_keeps_a_student_whole_and_says_why(keeper: _Keeper) -> None:
    job = create_selected(*add_many(found(), 3))
    first = students()[0]

    def keep_first(event: StudentsUndone) -> Mapping[uuid.UUID, str]:
        for item in event.students:
            rename(item.user_id, "cleaned")
        return {item.student_uid: "has a score" for item in event.students if item.student_uid == first.id}

    keeper.answer = keep_first
    undo_job = undone(job)

    assert refusals(undo_job) == {"kept-by-plugin": 1}
    assert "Kept by keeper: has a score." in messages(undo_job)
    assert [student.id for student in students()] == [first.id]
    # What the plugin did while it was asked the first time is rolled back.
    assert get(User, first.user_id).display_name != "cleaned"
    assert broken_promises() == []


def test_a_plugin_that_fails_costs_its_rows_only_what_it_fails_on(keeper: _Keeper) -> None:
    job = create_selected(*add_many(found(), 3))
    first = students()[0]

    def fail(event: StudentsUndone) -> None:
        if first.id in {item.student_uid for item in event.students}:
            raise ValueError("cannot")

    keeper.answer = fail
    undo_job = undone(job)

    assert (undo_job.done_count, refusals(undo_job)) == (2, {"plugin-reaction-failed": 1})
    assert [student.id for student in students()] == [first.id]


def test_a_record_that_nobody_told_about_keeps_its_student(
    university: University, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.extensions, "PORTAL_REFERRING_COLUMNS", {})
    job = create_selected(*add_many(university, 2))
    kept = students()[0]
    with transaction() as session:
        session.execute(
            text(
                "CREATE TABLE guest_card (id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES portal_user (id) ON DELETE CASCADE)"
            )
        )
        session.execute(text("INSERT INTO guest_card (user_id) VALUES (:user)"), {"user": kept.user_id})
    try:
        undo_job = undone(job)
    finally:
        with transaction() as session:
            session.execute(text("DROP TABLE guest_card"))

    assert refusals(undo_job) == {"account-used": 1}
    assert any("guest_card" in message for message in messages(undo_job))
    assert [student.id for student in students()] == [kept.id]
