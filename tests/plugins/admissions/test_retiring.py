"""Erasing people: after it nothing in any table, and no stored file, says who they were."""

import json
import warnings
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import MetaData, select, update
from sqlalchemy.exc import SAWarning

from plugins.admissions.api.integrity import broken_promises
from plugins.admissions.models import (
    Applicant,
    ApplicantFile,
    ApplicantHistory,
    FileKind,
    Student,
    StudentFile,
    StudentHistory,
)
from portal.auth.models import ExternalIdentity, User, UserSession
from portal.auth.retiring import retirement_token
from portal.files.sweeper import sweep
from portal.kernel.clock import utc_now
from portal.sdk import (
    SYSTEM,
    Actor,
    NewIdentity,
    acting_as,
    current_config,
    db,
    link_identities,
    record,
    send_mail,
    transaction,
)
from portal.sdk.jobs import draft, draft_rows, get_job, list_rows, run_inline, submit
from portal.testing.statements import counted_statements
from tests.plugins.admissions.university import (
    University,
    add,
    create_selected,
    give_file,
    give_photo,
    import_sheet,
    jpeg,
    person,
    sheet,
    students,
)

CANARY = "canarybird"
PERSON = {
    "reg_number": f"{CANARY}1",
    "firstname": f"{CANARY}2",
    "middlename": f"{CANARY}3",
    "lastname": f"{CANARY}4",
    "email": f"{CANARY}5@example.org",
    "phone": "+234-80-7777777",
    "notice": f"{CANARY}7",
}


def retire(*names: str) -> Any:
    request = draft_rows("portal.retire_users", {}, SYSTEM, [{"sign_in_name": name} for name in names])
    with transaction():
        job_id = submit(request, apply=True).id
    run_inline(job_id)
    return get_job(job_id)


def everything() -> dict[str, str]:
    """Return table.column → all its values as one text, straight from the database."""
    db.session.rollback()
    metadata = MetaData()
    with warnings.catch_warnings():
        # Search indexes on expressions are of no interest here, and are skipped with a warning.
        warnings.simplefilter("ignore", SAWarning)
        metadata.reflect(db.engine)
    found = {}
    for table in metadata.sorted_tables:
        for row in db.session.execute(select(table)).mappings():
            for name, value in row.items():
                text = json.dumps(value, default=str, ensure_ascii=False)
                found[f"{table.name}.{name}"] = found.get(f"{table.name}.{name}", "") + "\n" + text
    return found


def fill(student: Student) -> None:
    """Put a canary into every text of the student's records that still has none."""
    with transaction() as session:
        for model, key in ((Student, student.id), (Applicant, student.applicant_uid)):
            table: Any = model.__table__
            texts = {
                column.name: f"{CANARY} {column.name}"[: getattr(column.type, "length", None) or 60]
                for column in table.columns
                if getattr(column.type, "python_type", None) is str
                and column.name not in {"state", "sex", "student_id", "applicant_id", "application_number"}
                and column.name
                not in {"email", "phone", "course1", "course2", "course_admitted", "special_application"}
            }
            session.execute(update(table).where(table.c.id == key).values(**texts))


def famous(university: University) -> User:
    """Make one person with everything that a person can have, and return the user."""
    import_sheet(sheet([person(**PERSON), person(**PERSON)]))
    applicant = db.session.scalars(
        select(Applicant).where(Applicant.reg_number == PERSON["reg_number"])
    ).one()
    uid, student_number = applicant.id, ""
    with transaction() as session:
        session.execute(
            update(Applicant).where(Applicant.id == uid).values(state="admitted", course_admitted="CERT1")
        )
    give_photo(uid)
    give_file(uid, f"{CANARY} birth certificate.txt", f"born as {CANARY}".encode(), FileKind.ADDITIONAL)
    create_selected(uid, send_email=True)
    (student,) = students()
    student_number = student.student_id
    fill(student)
    with transaction() as session:
        user = session.scalars(select(User).where(User.sign_in_name == student_number)).one()
        user.display_name, user.email = f"{CANARY} the Person", f"{CANARY}8@example.org"
        link_identities([NewIdentity(provider="library", external_id=f"{CANARY}9", user_id=user.id)])
        session.add(
            UserSession(user_id=user.id, expires_at=utc_now(), address=f"{CANARY}10", browser=f"{CANARY}11")
        )
        send_mail(f"{CANARY}8@example.org", f"Dear {CANARY}", f"{CANARY}, your code")
        for model, column, key in (
            (ApplicantHistory, "applicant_uid", uid),
            (StudentHistory, "student_uid", student.id),
        ):
            session.add(
                model(
                    **{column: key}, at=utc_now(), text=f"{CANARY} came by", actor_name=f"{CANARY} the Person"
                )
            )
        user_id = user.id
    with acting_as(Actor(user_id=user_id, name=f"{CANARY} the Person")), transaction():
        record("update", "admissions_certificate", "1", {"title": ["a", "b"]})
    return db.session.get_one(User, user_id)


@pytest.mark.both_engines
def test_after_retirement_no_column_and_no_blob_holds_the_person(app: Flask, university: University) -> None:
    user = famous(university)
    other = add(university, firstname="Grace", lastname="Hopper")
    give_photo(other, jpeg(7))
    create_selected(other)
    user_id, number = user.id, user.sign_in_name
    before = everything()
    assert sum(CANARY in text for text in before.values()) > 25

    job = retire(number)

    assert (job.done_count, job.refused_count, job.failed_count) == (1, 0, 0)
    found = {name: text for name, text in everything().items() if CANARY in text or number in text}
    assert found == {}
    sweep(0)
    blobs = [path for path in Path(current_config().blobs_dir).rglob("*") if path.is_file()]
    assert blobs
    assert [path.name for path in blobs if CANARY.encode() in path.read_bytes()] == []
    assert db.session.get_one(User, user_id).sign_in_name == retirement_token(user_id)
    # Of the two students one slip and one picture each are left: the other's.
    assert {file.student_uid for file in db.session.scalars(select(StudentFile))} == {
        item.id for item in students() if item.lastname == "Hopper"
    }
    assert db.session.scalars(select(ApplicantFile)).one().applicant_uid == other


def test_what_is_kept_is_enough_to_account_for_admissions(app: Flask, university: University) -> None:
    user = famous(university)
    user_id, number = user.id, user.sign_in_name
    retire(number)

    again = draft_rows("portal.retire_users", {}, SYSTEM, [{"user_id": str(user_id)}])
    assert again.rows is not None
    assert (again.rows[0]["state"], again.rows[0]["code"]) == ("unchanged", "retired-before")
    assert db.session.scalars(select(ExternalIdentity)).all() == []
    (student,) = students()
    token = retirement_token(user_id)
    assert (student.student_id, student.lastname, student.firstname, student.user_id) == (
        token,
        token,
        "",
        user_id,
    )
    assert student.date_of_birth == date(2004, 1, 1)
    assert student.study_course is not None
    assert student.study_course.entry_session == 2026
    applicant = db.session.scalars(select(Applicant)).one()
    assert (applicant.state, applicant.course_admitted, applicant.student_id) == ("created", "CERT1", token)
    assert broken_promises() == []
    lines = [line.text for line in applicant.history]
    assert "Student record created" in lines
    assert "A line with personal data was erased" in lines


def test_people_of_a_job_that_has_not_ended_stay_until_it_has(app: Flask, university: University) -> None:
    waiting = add(university)
    user = famous(university)
    applicant = db.session.scalars(select(Applicant).where(Applicant.state == "created")).one()
    number = user.sign_in_name
    request = draft(
        "admissions.create_students",
        {"scope": "applicants", "applicants": [str(waiting), str(applicant.id)]},
        SYSTEM,
    )
    with transaction():
        open_job = submit(request).id

    job = retire(number)

    assert (job.done_count, job.failed_count) == (0, 1)
    (row,) = list_rows(job.id)
    assert str(open_job) in row.message
    assert db.session.scalars(select(User).where(User.sign_in_name == number)).one().retired_at is None


@pytest.mark.both_engines
def test_a_chunk_takes_the_same_statements_for_any_number_of_people(
    app: Flask, university: University
) -> None:
    sent = []
    for count in (2, 6):
        created = create_selected(*(add(university) for _ in range(count)))
        found = [item.student_id for item in students() if not item.student_id.startswith("retired-")]
        assert len(found) == created.done_count == count
        request = draft_rows("portal.retire_users", {}, SYSTEM, [{"sign_in_name": name} for name in found])
        with transaction():
            job_id = submit(request, apply=True).id
        with counted_statements() as statements:
            run_inline(job_id)
        assert get_job(job_id).done_count == count
        sent.append(len(statements))
    assert sent[0] == sent[1], sent


@pytest.mark.both_engines
def test_the_export_holds_what_is_kept_about_a_person(app: Flask, university: University) -> None:
    from portal.panel.personal_data import export_of

    user = famous(university)

    found = export_of([user.id])[user.id]

    text = json.dumps(found, default=str)
    for word in (
        PERSON["email"],
        PERSON["phone"],
        f"{CANARY} notice",
        f"{CANARY}9",
        f"{CANARY} the Person",
        "Student record created",
    ):
        assert word in text, word
    assert json.loads(json.dumps(found)) == found
