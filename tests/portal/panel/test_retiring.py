"""Erasing people who worked in the portal: their names go from everything that they have done."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import String, select

from portal.audit.models import AuditEntry
from portal.auth import accounts
from portal.auth.models import Activation, ApiToken, User, UserSession
from portal.auth.retiring import retirement_token
from portal.auth.tokens import acting_name, create_token
from portal.jobs.api import submit
from portal.jobs.engine import run_inline
from portal.jobs.intake import draft_rows
from portal.jobs.models import Job, JobFile
from portal.jobs.queries import get_job, list_rows
from portal.kernel.actor import SYSTEM, Actor, acting_as
from portal.kernel.clock import utc_now
from portal.kernel.db import Base, db
from portal.kernel.transaction import transaction
from portal.mail.delivery import deliver_pending
from portal.mail.models import OutboxMessage
from portal.mail.outbox import NewMessage, send_many
from portal.maintenance.models import MaintenanceWindow

pytestmark = [pytest.mark.both_engines, pytest.mark.usefixtures("as_system")]

#: One row of a job that ties somebody to a key.
ROWS = [{"external_id": "1", "sign_in_name": "ben"}]


def user(name: str, display_name: str, email: str | None = None) -> int:
    with transaction():
        return accounts.create_user(name, display_name, email).id


def retire(*names: str) -> Job:
    request = draft_rows("portal.retire_users", {}, SYSTEM, [{"sign_in_name": name} for name in names])
    with transaction():
        job_id = submit(request, apply=True).id
    run_inline(job_id)
    return get_job(job_id)


def test_every_place_of_a_users_key_or_name_is_known_here(app: Flask) -> None:
    """A new table or column of the core that holds people must be thought of in retirement first."""
    tables = [table for table in Base.metadata.sorted_tables if table.name.startswith("portal_")]
    kept = {
        f"{table.name}.{key.parent.name}"
        for table in tables
        for key in table.foreign_keys
        if key.target_fullname == "portal_user.id" and key.ondelete != "CASCADE"
    }
    assert kept == {"portal_maintenance_window.started_by_user_id"}
    names = {
        f"{table.name}.{column.name}"
        for table in tables
        for column in table.columns
        if isinstance(column.type, String) and column.name.endswith(("by_name", "actor_name", "user_name"))
    }
    assert names == {
        "portal_api_token.created_by_name",
        "portal_audit_entry.actor_name",
        "portal_job.actor_name",
        "portal_job.released_by_name",
        "portal_maintenance_window.ended_by_name",
        "portal_maintenance_window.started_by_name",
        "portal_schedule_run.asked_by_name",
    }


def test_names_go_from_jobs_and_maintenance_windows(app: Flask) -> None:
    ann = user("ann", "Ann Officer")
    user("ben", "Ben Namesake")
    user("other", "Ben Namesake")
    actor = Actor(user_id=ann, name="Ann Officer", is_administrator=True)
    with acting_as(actor):
        request = draft_rows(
            "portal.link_identities", {"provider": "x"}, actor, [{"external_id": "1", "sign_in_name": "ben"}]
        )
        with transaction() as session:
            made = submit(request).id
            session.add(
                MaintenanceWindow(
                    reason="new term",
                    is_open=False,
                    started_at=utc_now(),
                    started_by_user_id=ann,
                    started_by_name="Ann Officer",
                    ended_at=utc_now(),
                    ended_by_name="Ann Officer",
                )
            )
    with transaction() as session:
        session.get_one(Job, made).released_by_name = "Ann Officer"

    assert retire("ann").done_count == 1

    token = retirement_token(ann)
    job = get_job(made)
    window = db.session.scalars(select(MaintenanceWindow)).one()
    assert (job.actor_name, job.released_by_name) == (token, token)
    assert (window.started_by_name, window.ended_by_name) == (token, token)


def test_tokens_go_with_their_owner_and_the_name_from_those_made_for_others(app: Flask) -> None:
    ann, ben = user("ann", "Ann Officer"), user("ben", "Ben")
    with acting_as(Actor(user_id=ann, name="Ann Officer", is_administrator=True)), transaction():
        create_token(ann, "own", ["portal.jobs.view"])
        create_token(ben, "for Ben", ["portal.jobs.view"])

    retire("ann")

    (left,) = db.session.scalars(select(ApiToken)).all()
    assert (left.user_id, left.created_by_name) == (ben, retirement_token(ann))
    assert "Ann" not in str([entry.changes for entry in db.session.scalars(select(AuditEntry))])


def test_the_name_goes_from_what_a_program_did_by_the_persons_token(app: Flask) -> None:
    ann = user("ann", "Ann Officer")
    user("ben", "Ben")
    with acting_as(SYSTEM), transaction():
        create_token(ann, "nightly", ["portal.jobs.view"])
    program = Actor(user_id=ann, name=acting_name("Ann Officer", "nightly"), is_administrator=True)
    with transaction():
        job = submit(draft_rows("portal.link_identities", {"provider": "x"}, program, ROWS), apply=True)
        job.released_by_name = program.name
    run_inline(job.id)
    retire("ann")
    left = get_job(job.id)
    assert (left.actor_name, left.released_by_name) == (retirement_token(ann),) * 2
    assert {entry.actor_name for entry in db.session.scalars(select(AuditEntry))} >= {retirement_token(ann)}
    assert "Ann" not in str([entry.actor_name for entry in db.session.scalars(select(AuditEntry))])


def test_nothing_is_left_to_sign_in_with(app: Flask) -> None:
    ann = user("ann", "Ann")
    with transaction() as session:
        session.add(UserSession(user_id=ann, expires_at=utc_now() + timedelta(hours=1)))
        session.add(Activation(user_id=ann, key_id="k1", expires_at=utc_now() + timedelta(days=1)))
    retire("ann")
    assert db.session.scalars(select(UserSession)).all() == []
    assert db.session.scalars(select(Activation)).all() == []
    found = db.session.get_one(User, ann)
    assert (found.active, found.password, found.email) == (False, None, None)
    assert accounts.find_user_for_sign_in("ann") is None


def test_the_name_that_is_free_again_makes_another_token(app: Flask) -> None:
    first = user("ann", "Ann")
    retire("ann")
    second = user("ann", "Ann")
    retire("ann")
    assert retirement_token(first) != retirement_token(second)
    assert db.session.get_one(User, second).sign_in_name == retirement_token(second)


def test_mail_to_a_shared_address_stays_the_others(app: Flask) -> None:
    user("ann", "Ann Smith", "family@example.org")
    user("bob", "Bob Smith", "family@example.org")
    with transaction():
        send_many(
            [
                NewMessage(to="family@example.org", subject="Your record", text="Dear Ann Smith, …"),
                NewMessage(to="family@example.org", subject="Your record", text="Dear Bob Smith, …"),
            ]
        )
    retire("ann")
    assert [item.body for item in db.session.scalars(select(OutboxMessage))] == ["Dear Bob Smith, …"]


def test_mail_that_was_delivered_to_a_file_is_removed(app: Flask) -> None:
    user("ann", "Ann", "ann@example.org")
    with transaction():
        (message,) = send_many([NewMessage(to="ann@example.org", subject="Hello", text="Dear Ann")])
    assert deliver_pending() == 1
    file = app.config["PORTAL"].mail_dir / f"{message}.eml"
    assert file.exists()
    retire("ann")
    assert not file.exists()


def test_the_sheet_of_a_job_goes_with_the_first_person_in_it(app: Flask) -> None:
    user("ann", "Ann")
    user("ben", "Ben")
    rows = [{"external_id": name, "sign_in_name": name} for name in ("ann", "ben")]
    with transaction():
        linked = submit(draft_rows("portal.link_identities", {"provider": "x"}, SYSTEM, rows), apply=True).id
    run_inline(linked)

    job = retire("ann")

    labels = [row.label for row in list_rows(linked)]
    assert labels[0] == "(erased)"
    assert "ben" in labels[1]
    assert db.session.scalars(select(JobFile).where(JobFile.job_id.in_([linked, job.id]))).all() == []
    assert (get_job(linked).done_count, get_job(linked).rows_count) == (2, 2)


def test_a_person_named_twice_is_erased_once(app: Flask) -> None:
    ann = user("ann", "Ann", "ann@example.org")
    rows = [
        {"sign_in_name": "ann"},
        {"email": "ann@example.org"},
        {"user_id": str(ann)},
        {"sign_in_name": "ANN"},
    ]
    with transaction():
        job_id = submit(draft_rows("portal.retire_users", {}, SYSTEM, rows), apply=True).id
    run_inline(job_id)
    assert [f"{row.state} {row.code}".strip() for row in list_rows(job_id)] == [
        "done",
        "done",
        "done",
        "refused duplicate",
    ]
    assert "ann" not in " ".join(f"{row.label} {row.data} {row.cells}" for row in list_rows(job_id)).lower()
