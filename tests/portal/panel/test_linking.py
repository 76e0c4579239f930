"""The sheet that ties keys to users: who is meant is never guessed, nothing is moved, everything can be taken back."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, select

from portal.auth import accounts
from portal.auth.identities import NewIdentity, link_identities_many, owners_of
from portal.auth.models import ExternalIdentity, User
from portal.jobs.api import start, submit, undo
from portal.jobs.engine import run_inline
from portal.jobs.intake import draft_rows, draft_sheet
from portal.jobs.models import Job
from portal.jobs.queries import get_job, list_rows
from portal.jobs.uploads import store_upload
from portal.kernel.actor import SYSTEM, Actor
from portal.kernel.db import db
from portal.kernel.errors import Forbidden, InvalidInput
from portal.kernel.transaction import transaction

pytestmark = [pytest.mark.both_engines, pytest.mark.usefixtures("as_system")]
KIND = "portal.link_identities"


def user(name: str, **values: Any) -> int:
    with transaction():
        made = accounts.create_user(name, name.title(), values.pop("email", None))
        for column, value in values.items():
            setattr(made, column, value)
        return made.id


def run(rows: Sequence[Mapping[str, Any]], **params: Any) -> Job:
    request = draft_rows(KIND, params, SYSTEM, rows)
    with transaction():
        job_id = submit(request, apply=True).id
    run_inline(job_id)
    return get_job(job_id)


def codes(job: Job) -> list[str]:
    return [f"{row.state} {row.code}".strip() for row in list_rows(job.id)]


def test_users_are_named_in_three_ways_and_never_guessed(app: Flask) -> None:
    ann, ben = user("ann", email="ann@example.org"), user("ben", email="twins@example.org")
    cid = user("cid", email="twins@example.org")
    off = user("off", active=False)
    job = run(
        [
            {"external_id": "1", "sign_in_name": "ANN"},
            {"external_id": "2", "email": "Ann@Example.org"},
            {"external_id": "3", "user_id": str(ben)},
            {"external_id": "4", "email": "twins@example.org"},
            {"external_id": "5", "sign_in_name": "nobody"},
            {"external_id": "6", "sign_in_name": "ann", "user_id": str(ann)},
            {"external_id": "7"},
            {"external_id": "8", "user_id": "99999999999999999999"},
            {"external_id": "9", "user_id": str(off)},
            {"external_id": "1", "sign_in_name": "cid"},
            {"external_id": "", "sign_in_name": "cid"},
        ],
        provider="library",
    )
    assert codes(job) == [
        "done",
        "done",
        "done",
        "refused user-ambiguous",
        "refused user-unknown",
        "refused user-not-named",
        "refused user-not-named",
        "refused user-unknown",
        "refused user-switched-off",
        "refused duplicate",
        "refused external-id-invalid",
    ]
    assert owners_of(("library", str(number)) for number in range(1, 10)) == {
        ("library", "1"): ann,
        ("library", "2"): ann,
        ("library", "3"): ben,
    }
    assert cid not in owners_of([("library", "1")]).values()


def test_a_second_run_changes_nothing_and_a_key_of_another_user_stays(app: Flask) -> None:
    user("ann")
    ben = user("ben")
    rows = [{"provider": "library", "external_id": "1", "sign_in_name": "ann"}]
    run(rows)
    assert codes(run(rows)) == ["unchanged"]
    job = run([{**rows[0], "sign_in_name": "ben"}])
    assert codes(job) == ["refused linked-to-other"]
    assert ben not in owners_of([("library", "1")]).values()


def test_unlinking_needs_a_reason_and_can_be_undone(app: Flask) -> None:
    ann = user("ann")
    with transaction():
        link_identities_many([NewIdentity(provider="library", external_id="1", user_id=ann)])
    rows = [{"external_id": "1", "sign_in_name": "ann"}, {"external_id": "2", "sign_in_name": "ann"}]
    with pytest.raises(InvalidInput) as caught:
        run(rows, mode="unlink", provider="library")
    assert caught.value.code == "reason-missing"

    job = run(rows, mode="unlink", provider="library", reason="the library closed")
    assert codes(job) == ["done", "unchanged"]
    assert owners_of([("library", "1")]) == {}

    run_undo(job)
    assert owners_of([("library", "1")]) == {("library", "1"): ann}


def run_undo(job: Job) -> Job:
    with transaction():
        undo_id = undo(job.id, SYSTEM).id
    with transaction():
        start(undo_id, SYSTEM)
    run_inline(undo_id)
    return get_job(undo_id)


def test_undo_of_linking_keeps_what_was_changed_since(app: Flask) -> None:
    ann, ben = user("ann"), user("ben")
    rows = [{"external_id": str(number), "sign_in_name": "ann"} for number in (1, 2)]
    job = run(rows, provider="library")
    with transaction() as session:
        moved = session.scalars(select(ExternalIdentity).where(ExternalIdentity.external_id == "2")).one()
        moved.user_id = ben

    undone = run_undo(job)

    assert (undone.done_count, undone.refused_count) == (1, 1)
    assert owners_of([("library", "1"), ("library", "2")]) == {("library", "2"): ben}
    assert ann != ben


def test_a_sheet_without_a_column_for_the_user_is_refused(app: Flask) -> None:
    upload = store_upload(io.BytesIO(b"provider,external_id\nlibrary,1\n"), "keys.csv")
    with pytest.raises(InvalidInput, match="sign_in_name, email or user_id"):
        draft_sheet(KIND, {}, SYSTEM, upload)


def test_linking_takes_its_own_permission(app: Flask) -> None:
    rows = [{"external_id": "1", "sign_in_name": "ann"}]
    with pytest.raises(Forbidden):
        draft_rows(KIND, {"provider": "library"}, Actor(user_id=1), rows)


def test_a_chunk_takes_the_same_statements_for_any_number_of_keys(app: Flask) -> None:
    user("ann")
    sent = []
    for count in (3, 60):
        rows = [{"external_id": f"{count}-{n}", "sign_in_name": "ann"} for n in range(count)]
        request = draft_rows(KIND, {"provider": "library"}, SYSTEM, rows)
        with transaction():
            job_id = submit(request).id
            start(job_id, SYSTEM)
        statements: list[str] = []

        def note(
            connection: Any, cursor: Any, statement: str, *rest: Any, to: list[str] = statements
        ) -> None:
            to.append(statement)

        event.listen(db.engine, "before_cursor_execute", note)
        # One claim takes half a chunk at first, which is more than these rows.
        run_inline(job_id)
        event.remove(db.engine, "before_cursor_execute", note)
        assert get_job(job_id).done_count == count
        sent.append(len(statements))
    assert sent[0] == sent[1]
    assert db.session.scalars(select(User)).one().sign_in_name == "ann"
