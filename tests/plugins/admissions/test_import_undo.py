"""Undoing an import: new applicants go, changed ones get everything back, removed ones return whole."""

from typing import Any

import pytest
from sqlalchemy import func, select, update

from plugins.admissions.api.import_rows import ImportMode
from plugins.admissions.api.import_undo import undo_import
from plugins.admissions.api.integrity import broken_promises
from plugins.admissions.jobs.import_undo import to_undo
from plugins.admissions.models import Applicant, ApplicantFile, ApplicantHistory, Container
from portal.files.sweeper import sweep
from portal.jobs.models import JobRow
from portal.sdk import SYSTEM, Actor, acting_as, db, transaction
from portal.sdk.jobs import Job, JobState, UndoWork, get_job, list_rows, run_inline, start, undo
from portal.testing.statements import counted_statements
from tests.plugins.admissions.university import (
    University,
    add,
    add_many,
    archive,
    change,
    create_selected,
    get,
    give_photo,
    import_sheet,
    jpeg,
    messages,
    person,
    refusals,
    sheet,
)

TABLES = (Applicant, ApplicantFile, ApplicantHistory)


def undone(job: Job) -> Job:
    with transaction():
        undo_id = undo(job.id, SYSTEM).id
    run_inline(undo_id)
    with transaction():
        start(undo_id, SYSTEM)
    run_inline(undo_id)
    return get_job(undo_id)


def everything(*, without: str = "") -> dict[str, list[tuple[Any, ...]]]:
    """Return all applicants, files and lines; versions and what the undo itself tells are left out."""
    db.session.rollback()
    found = {}
    for model in TABLES:
        table: Any = model.__table__
        columns = [column for column in table.c if column.name != "version"]
        rows = db.session.execute(select(*columns).order_by(table.c.id))
        found[table.name] = [tuple(row) for row in rows if not without or without not in map(str, row)]
    return found


def count(model: type) -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def named(uid: Any, **values: str) -> dict[str, str]:
    return {"applicant_id": get(Applicant, uid).applicant_id, **values}


@pytest.mark.both_engines
def test_new_applicants_go_with_their_photos_and_history(university: University) -> None:
    add(university)
    before = everything()
    rows = [person(reg_number=f"N{number}", photo=f"{number}.jpg") for number in range(3)]
    photos = archive({f"{number}.jpg": jpeg(number) for number in range(3)})
    job = import_sheet(sheet(rows), photos=photos)
    assert count(Applicant) == 4

    undo_job = undone(job)

    assert (undo_job.state, undo_job.done_count) == (JobState.FINISHED, 3)
    assert everything() == before


@pytest.mark.both_engines
def test_changed_applicants_get_values_state_history_and_photo_back(university: University) -> None:
    uids = add_many(university, 3)
    photo = give_photo(uids[0])
    create_history = "2026-01-02 10:00:00 UTC - Told elsewhere by Somebody"
    before = everything()
    rows = [
        named(uids[0], firstname="Bola", photo="new.jpg", state="", history=""),
        named(uids[1], firstname="Chidi", photo="", state="submitted", history=""),
        named(uids[2], firstname="", photo="", state="", history=create_history),
    ]
    job = import_sheet(sheet(rows), mode="update", photos=archive({"new.jpg": jpeg(200)}))
    assert job.done_count == 3
    assert everything() != before
    sweep(grace_seconds=0)

    undone(job)

    after = everything(without="Change by import undone")
    (line,) = after.pop("admissions_applicant_history")
    assert "State 'submitted' set" in line
    assert after | {"admissions_applicant_history": []} == before
    passport = get(Applicant, uids[0]).passport
    assert passport is not None
    assert passport.sha256 == photo
    assert broken_promises() == []


@pytest.mark.both_engines
def test_removed_applicants_come_back_whole_under_the_same_ids(university: University) -> None:
    uids = add_many(university, 2)
    give_photo(uids[0])
    before = everything()
    job = import_sheet(sheet([named(uid) for uid in uids]), mode="remove")
    assert count(Applicant) == 0
    sweep(grace_seconds=0)

    undo_job = undone(job)

    assert undo_job.done_count == 2
    assert everything(without="Removal by import undone") == before
    assert get(Applicant, uids[0]).version == 3
    assert broken_promises() == []


@pytest.mark.parametrize("mode", ["create", "update"])
def test_who_was_edited_since_stays_as_it_is_and_the_report_says_by_whom(
    university: University, mode: str
) -> None:
    uid = add(university, firstname="Ada")
    row = person(reg_number="N1") if mode == "create" else named(uid, firstname="Bola")
    job = import_sheet(sheet([row]), mode=mode)
    with acting_as(Actor(user_id=7, name="Grace Editor", is_administrator=True)):
        (key,) = db.session.scalars(select(Applicant.id).where(Applicant.id.not_in([uid]))).all() or [uid]
        change(Applicant, key, phone="+234-9")

    undo_job = undone(job)

    assert refusals(undo_job) == {"changed-since": 1}
    assert messages(undo_job)[0].startswith("Kept: edited by Grace Editor on 20")
    assert get(Applicant, key).phone == "+234-9"


def test_who_has_become_a_student_since_stays(university: University) -> None:
    uid = add(university)
    job = import_sheet(sheet([named(uid, phone="+234-5")]), mode="update")
    create_selected(uid)

    assert refusals(undone(job)) == {"changed-since": 1}


def test_a_removed_applicant_stays_removed_when_its_place_is_taken(university: University) -> None:
    taken, numbered, lost = add_many(university, 3)
    rows = [named(uid) for uid in (taken, numbered, lost)]
    values = {"reg_number": get(Applicant, numbered).reg_number}
    again = {name: getattr(get(Applicant, taken), name) for name in ("application_number", "applicant_id")}
    with transaction() as session:
        container = Container(code="other", title="Other", prefix="oth", year=2026)
        session.add(container)
        session.flush()
        session.execute(update(Applicant).where(Applicant.id == lost).values(container_id=container.id))
    job = import_sheet(sheet(rows), mode="remove")
    add(university, **values)
    add(university, **again)
    with transaction() as session:
        session.delete(session.get(Container, container.id))

    undo_job = undone(job)

    assert refusals(undo_job) == {
        "registration-number-taken": 1,
        "already-exists": 1,
        "container-not-found": 1,
    }


def test_what_is_not_kept_any_more_cannot_be_restored(university: University) -> None:
    uid = add(university)
    job = import_sheet(sheet([named(uid)]), mode="remove")
    with transaction() as session:
        session.execute(update(JobRow).values(undo_facts=None))

    assert refusals(undone(job)) == {"before-not-kept": 1}


def test_removing_more_than_a_fifth_of_the_applicants_waits_for_a_second_person(
    university: University,
) -> None:
    uids = add_many(university, 55)
    job = import_sheet(sheet([named(uid) for uid in uids[:51]]), mode="remove")

    assert (job.state, count(Applicant)) == (JobState.AWAITING_APPROVAL, 55)
    assert job.impact is not None
    assert (job.impact["existing_count"], job.impact["lines"][0]["rows_count"]) == (55, 51)


@pytest.mark.both_engines
@pytest.mark.parametrize("mode", list(ImportMode))
def test_a_chunk_takes_the_same_few_statements_whatever_its_size(
    university: University, mode: ImportMode
) -> None:
    uids = [] if mode is ImportMode.CREATE else add_many(university, 22)
    rows = [named(uid, firstname="Bola") for uid in uids] or [
        person(reg_number=f"N{number}") for number in range(22)
    ]
    job = import_sheet(sheet(rows), mode=mode)
    items = [to_undo(work(row)) for row in list_rows(job.id)]
    with transaction():
        undo_import(mode, items[:1])

    sent = []
    for chunk in (items[1:3], items[3:]):
        with counted_statements() as statements, transaction():
            assert undo_import(mode, chunk) == [None] * len(chunk)
        sent.append(len(statements))

    assert sent[0] == sent[1] <= 15


def work(row: JobRow) -> UndoWork[Any]:
    assert row.ended_at is not None
    return UndoWork(
        job_id=row.job_id,
        row=row.data,
        action=row.action,  # type: ignore[arg-type]
        done_at=row.ended_at,
        record_id=row.record_id,
        version=row.record_version,
        undo_facts=row.undo_facts,
    )
