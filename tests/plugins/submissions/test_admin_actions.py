"""What people do in the panel: reset, clear, restore, override, put queue entries back; each by its permission."""

import re
from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import select

from plugins.submissions import api, permissions
from plugins.submissions.models import GraderState, StudentItem
from portal.audit.models import AuditEntry
from portal.sdk import db
from portal.sdk.jobs import Job, run_inline
from portal.testing.clients import PortalClient
from tests.plugins.submissions.conftest import handed_in, item, scored
from tests.plugins.submissions.filled import entries, with_grader

PANEL = "/panel/submissions"
ACTIONS = {
    "override": permissions.SCORES_SET,
    "reset": permissions.SCORES_RESET,
    "clear": permissions.STATE_CLEAR,
    "restore": permissions.STATE_CLEAR,
}
VIEWING = (permissions.ITEMS_VIEW, permissions.SCORES_VIEW, permissions.GRADERS_VIEW)


def item_id() -> int:
    db.session.rollback()
    return db.session.scalars(select(StudentItem.id).order_by(StudentItem.id)).first() or 0


def page() -> str:
    return f"{PANEL}/student-item/details/?id={item_id()}"


def done(client: PortalClient, action: str, **fields: str) -> str:
    """Post an action of the item's page and return the page that follows."""
    data = {"id": str(item_id()), **fields}
    answer = client.submit(f"{PANEL}/student-item/{action}", data, page=page(), follow_redirects=True)
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def audited() -> list[tuple[str, object]]:
    db.session.rollback()
    rows = db.session.scalars(
        select(AuditEntry).where(AuditEntry.target == "submissions_student_item").order_by(AuditEntry.at)
    )
    return [(row.action, row.changes) for row in rows]


@pytest.mark.both_engines
def test_a_score_is_overridden_reset_cleared_and_restored(
    app: Flask, signed_in: Callable[..., PortalClient]
) -> None:
    officer = signed_in(*VIEWING, *ACTIONS.values(), name="grace")
    scored(handed_in()["uuid"], 3, 10)

    assert "The score is 9/10 now." in done(
        officer, "override", earned="9", possible="10", reason="Second look"
    )
    score = api.get_score(item())
    assert score is not None
    assert score["annotations"] == [
        {"creator": "Grace", "annotation_type": "staff_defined", "reason": "Second look"}
    ]
    assert "The score is reset." in done(officer, "reset", reason="Wrong item")
    assert (api.get_score(item()), len(api.get_submissions(item()))) == (None, 1)
    assert "is cleared" in done(officer, "clear", reason="Begins anew")
    assert api.get_submissions(item()) == []
    assert "there is nothing to score" in done(officer, "override", earned="1", possible="2", reason="r")
    assert "What was cleared is back" in done(officer, "restore")
    assert len(api.get_submissions(item())) == 1
    assert "nothing to restore" in done(officer, "restore")
    assert audited() == [
        ("override", {"score": "9/10", "reason": "Second look"}),
        ("reset", {"reason": "Wrong item"}),
        ("clear", {"reason": "Begins anew"}),
        ("restore", {"submissions": 1}),
    ]
    assert list(api.check_ledger()) == []
    history = officer.get(page()).get_data(as_text=True)
    assert history.index("Begins anew") < history.index("Wrong item") < history.index("Second look")
    assert history.count("Grace <span") == 3


@pytest.mark.parametrize(
    ("action", "fields", "part"),
    [
        (
            "override",
            {"earned": "x", "possible": "1", "reason": "r"},
            "points_earned: A whole number is needed",
        ),
        ("override", {"earned": "1", "possible": "2"}, "reason: The text must not be empty"),
        ("override", {"earned": "1", "possible": "2", "reason": "x" * 2_001}, "reason: At most 2000"),
        ("reset", {"reason": " "}, "reason: The text must not be empty"),
        ("clear", {"reason": ""}, "reason: The text must not be empty"),
    ],
)
def test_a_wrong_form_is_told_and_changes_nothing(
    signed_in: Callable[..., PortalClient], app: Flask, action: str, fields: dict[str, str], part: str
) -> None:
    officer = signed_in(*VIEWING, *ACTIONS.values())
    scored(handed_in()["uuid"], 3, 10)
    assert part in done(officer, action, **fields)
    assert api.get_score(item()) is not None
    assert audited() == []


def test_each_action_needs_its_permission_and_a_token(
    signed_in: Callable[..., PortalClient], app: Flask
) -> None:
    scored(handed_in()["uuid"], 3, 10)
    viewer = signed_in(*VIEWING, "portal.jobs.view")
    form = {"id": str(item_id()), "reason": "r", "earned": "1", "possible": "2"}
    text = viewer.get(page()).get_data(as_text=True)
    for action, permission in ACTIONS.items():
        assert f"/student-item/{action}" not in text
        # Any page of the panel has a token.
        assert viewer.submit(f"{PANEL}/student-item/{action}", form, page=page()).status_code == 403
        allowed = signed_in(*VIEWING, permission, name=action)
        assert allowed.post(f"{PANEL}/student-item/{action}", data=form).status_code == 400
    assert len(api.get_submissions(item())) == 1
    for address in ("section/export", "section/check-ledger", "grader-entry/put-back"):
        assert viewer.submit(f"{PANEL}/{address}", form, page=page()).status_code == 403


@pytest.mark.both_engines
def test_entries_are_offered_anew_and_tried_again(app: Flask, signed_in: Callable[..., PortalClient]) -> None:
    for place in range(4):
        with_grader(f"g{place}", place)
    officer = signed_in(*VIEWING, permissions.GRADERS_MANAGE)
    listed = f"{PANEL}/grader-entry/"
    chosen = [str(entry.id) for entry in entries()]
    assert [entry.status for entry in entries()] == ["pending", "pulled", "pending", "failed"]

    for action, told in (("unstick", "1 entry is offered anew."), ("retry", "1 entry is waiting again.")):
        form = {"action": action, "rowid": chosen}
        answer = officer.submit(f"{listed}action/", form, page=listed, follow_redirects=True)
        text = answer.get_data(as_text=True)
        assert told in text
        assert "3 left as they are" in text

    assert [entry.status for entry in entries()] == ["pending", "retry", "pending", "pending"]
    assert [entry.num_failures for entry in entries()] == [0, 1, 0, 1]
    one = f"{listed}details/?id={chosen[1]}"
    officer.submit(f"{listed}put-back", {"id": chosen[1], "how": "unstick"}, page=one)
    assert entries()[1].status == GraderState.RETRY


def test_exports_and_checks_are_started_from_the_pages(
    app: Flask, signed_in: Callable[..., PortalClient]
) -> None:
    handed_in()
    officer = signed_in(*VIEWING, permissions.EXPORT, permissions.LEDGER_CHECK, "portal.jobs.view")
    section = f"{PANEL}/section/"
    where = f"{section}item?course=c1&item=i1"
    for address, form, start in (
        ("export", {"course_id": "c1", "item_id": "i1", "wanted": "course:xlsx"}, where),
        ("check-ledger", {"repair": "1"}, section),
    ):
        token = re.search(
            r'name="form_token" value="([0-9a-f]{32})"', officer.get(start).get_data(as_text=True)
        )
        assert token is not None
        answer = officer.submit(f"{section}{address}", {**form, "form_token": token.group(1)}, page=start)
        assert (answer.status_code, "/panel/jobs/" in answer.headers["Location"]) == (302, True)
    db.session.rollback()
    for job_id in db.session.scalars(select(Job.id)).all():
        run_inline(job_id)
    states = {job.kind: job.result for job in db.session.scalars(select(Job))}
    assert states == {
        "submissions.export_course": {"rows": 1},
        "submissions.check_ledger": {"differences": 0, "mended": 0},
    }
