"""The tests of the plugin that the how-to pages write; copied beside it, and run where nothing else is loaded."""

import datetime as dt

from itsdangerous import URLSafeTimedSerializer
from portal_library import people
from portal_library.documents import ReminderFacts
from portal_library.models import Loan
from portal_library.permissions import EDIT, VIEW
from portal_library.settings import SignInSettings

from plugins.admissions.hooks import StudentsUndone, UndoneStudent
from portal.sdk import SYSTEM, ExternalIdentity, db, emit_reaction, transaction, utc_now
from portal.sdk.documents import preview_html
from portal.sdk.jobs import draft, get_job, run_inline, submit
from portal.settings.store import set_values
from portal.testing import (
    assert_plugin_conforms,
    make_user,
    row_codes,
    start_job,
    undo_job,
)

pytest_plugins = ["portal.testing.fixtures"]


def lend(*books):
    user_id = make_user("K1")
    with transaction() as session:
        session.add_all(Loan(user_id=user_id, signature=book, due_on=dt.date(2026, 6, 1)) for book in books)
    return user_id


def days():
    db.session.rollback()
    return {loan.signature: loan.due_on.isoformat() for loan in db.session.query(Loan)}


def run(kind, params):
    with transaction():
        job_id = submit(draft(kind, params, SYSTEM)).id
    run_inline(job_id)
    db.session.rollback()
    return get_job(job_id)


def test_it_conforms():
    assert_plugin_conforms("portal_library", open_routes=("library_card.index", "library_card.enter"))


def test_the_job_and_its_undo(app, as_system):
    lend("QA 1", "QA 2")
    job = start_job(run("library.extend_loans", {"due_before": "2026-07-01", "due_on": "2026-07-31"}).id)
    assert row_codes(job) == [("done", ""), ("done", "")]
    assert days() == {"QA 1": "2026-07-31", "QA 2": "2026-07-31"}
    with transaction() as session:
        session.query(Loan).filter_by(signature="QA 2").one().note = "kept"
    undone = undo_job(job.id)
    assert (undone.done_count, undone.refused_count) == (1, 1)
    assert days() == {"QA 1": "2026-06-01", "QA 2": "2026-07-31"}


def test_the_task_of_the_schedule(app, as_system):
    lend("QA 1")
    job = start_job(run("library.report_overdue", {"days": 0}).id)
    assert (str(job.state), "late" in str(job.result)) == ("finished", True)


def test_the_pages(app, signed_in):
    lend("QA 1")
    browser = signed_in(VIEW, EDIT)
    rowid = str(db.session.query(Loan).one().id)
    assert "QA 1" in browser.get("/panel/library/loan/").get_data(as_text=True)
    assert "QA 1" in browser.get("/panel/library/desk/").get_data(as_text=True)
    sent = browser.submit(
        "/panel/library/loan/action/", {"action": "extend", "rowid": rowid}, page="/panel/library/loan/"
    )
    assert sent.status_code == 302
    assert days() == {"QA 1": "2026-06-15"}
    assert signed_in("portal.jobs.view").get("/panel/library/loan/").status_code == 403


def test_the_document(app):
    facts = ReminderFacts(
        institution_name="University", student_name="Ann", signature="QA 1", due_on="1 June 2026"
    )
    assert "the book QA 1 was due" in preview_html("library.reminder", facts)


def test_people(app, as_system):
    user_id = lend("QA 1")
    student = UndoneStudent(
        student_uid=Loan.id.default.arg(None),
        student_id="K1",
        user_id=user_id,
        applicant_uid=Loan.id.default.arg(None),
        applicant_id="a_1",
    )
    with transaction():
        kept = emit_reaction(
            "admissions_students_undone", event=StudentsUndone(students=(student,), at=utc_now())
        )
    assert ("library", {student.student_uid: "has a book of the library"}) in kept
    assert people.personal_data([user_id])[user_id]["loans"][0]["signature"] == "QA 1"


def test_signing_in(app, client, as_system):
    user_id = make_user("K1")
    with transaction():
        set_values(SignInSettings, {"ticket_secret": "of both", "ticket_seconds": 60})
    ticket = URLSafeTimedSerializer("of both").dumps({"card": "C-7", "student_number": "k1"})
    page = f"/panel/library/card/?ticket={ticket}"
    assert client.get("/panel/library/card/?ticket=wrong").status_code == 403
    assert client.submit("/panel/library/card/in", {"ticket": ticket}, page=page).status_code == 302
    assert client.get("/panel/").status_code == 200
    assert db.session.query(ExternalIdentity).one().user_id == user_id
