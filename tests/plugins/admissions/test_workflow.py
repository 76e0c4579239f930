"""The application workflow: the table, its guards, and what each step leaves behind."""

import uuid

import pytest
from sqlalchemy import func, select

from plugins.admissions.api.transitions import STUDENT_TRANSITIONS, TRANSITIONS
from plugins.admissions.api.workflow import available_transitions, transition, transition_many
from plugins.admissions.errors import ApplicantNotFound, TransitionRefused
from plugins.admissions.models import Applicant, ApplicantHistory, ApplicantState, Certificate, Container
from portal.audit.models import AuditEntry
from portal.sdk import Conflict, InvalidInput, db, transaction
from portal.testing.statements import counted_statements
from tests.plugins.admissions.university import (
    University,
    add,
    add_many,
    change,
    force,
    get,
)

TABLE = {
    "init": (None, "initialized"),
    "start": ("initialized", "started"),
    "pay": ("started", "paid"),
    "approve": ("started", "paid"),
    "submit": ("paid", "submitted"),
    "admit": ("submitted", "admitted"),
    "refuse1": ("submitted", "not admitted"),
    "refuse2": ("admitted", "not admitted"),
    "process": ("submitted", "processed"),
    "create": ("admitted", "created"),
    "reset1": ("paid", "started"),
    "reset2": ("submitted", "paid"),
    "reset3": ("submitted", "started"),
    "reset4": ("admitted", "started"),
    "reset5": ("not admitted", "started"),
    "reset6": ("processed", "submitted"),
}
OFFERED = [name for name in TABLE if name not in ("init", "pay", "create")]


def step(uid: uuid.UUID, name: str) -> None:
    with transaction():
        transition(uid, name)


def with_fee(university: University, fee: int) -> None:
    change(Container, university.container, application_fee=fee)


def test_the_table_is_the_specified_one() -> None:
    assert {item.id: (item.source, item.target) for item in TRANSITIONS.values()} == TABLE
    assert list(STUDENT_TRANSITIONS) == ["create", "admit"]


@pytest.mark.parametrize("name", OFFERED)
def test_each_transition_leads_from_its_state_to_its_state(university: University, name: str) -> None:
    with_fee(university, 100)
    source, target = TABLE[name]
    uid = add(university, state=source)

    step(uid, name)

    applicant = get(Applicant, uid)
    assert applicant.state == target
    assert applicant.version == 2
    assert [(line.text, line.transition) for line in applicant.history] == [(TRANSITIONS[name].text, name)]


@pytest.mark.parametrize("state", list(ApplicantState))
def test_only_fitting_transitions_are_offered(university: University, state: ApplicantState) -> None:
    with_fee(university, 100)
    applicant = get(Applicant, add(university, state=state))

    offered = {item.id for item in available_transitions(applicant)}

    assert offered == {name for name in OFFERED if TABLE[name][0] == state}


@pytest.mark.parametrize("name", ["create", "pay", "init", "nonsense"])
def test_what_people_may_not_choose_is_refused(university: University, name: str) -> None:
    uid = add(university, state="started")

    with pytest.raises(InvalidInput, match="none of the transitions"):
        step(uid, name)


def test_a_wrong_state_is_refused_and_nothing_is_written(university: University) -> None:
    uid = add(university, state="started")

    with pytest.raises(TransitionRefused) as refused:
        step(uid, "admit")

    assert refused.value.code == "wrong-state"
    assert get(Applicant, uid).history == []


def test_an_unknown_applicant_is_not_found(university: University) -> None:
    with pytest.raises(ApplicantNotFound):
        step(uuid.uuid4(), "start")


def test_without_a_fee_an_application_is_submitted_without_approval(university: University) -> None:
    uid = add(university, state="started")
    assert "submit" in [item.id for item in available_transitions(get(Applicant, uid))]

    step(uid, "submit")

    assert get(Applicant, uid).state == "submitted"


def test_with_a_fee_it_needs_approval_first(university: University) -> None:
    with_fee(university, 2500)
    uid = add(university, state="started")

    with pytest.raises(TransitionRefused):
        step(uid, "submit")


@pytest.mark.parametrize(
    ("course", "code"),
    [(None, "no-certificate"), ("GONE", "certificate-missing"), ("PGD1", "certificate-wrong-category")],
)
def test_admit_needs_a_certificate_of_the_containers_category(
    university: University, course: str | None, code: str
) -> None:
    uid = add(university, state="submitted", course_admitted=course)

    with pytest.raises(TransitionRefused) as refused:
        step(uid, "admit")

    assert refused.value.code == code
    assert get(Applicant, uid).state == "submitted"


def test_submit_closes_the_form_and_a_reset_opens_it(university: University) -> None:
    uid = add(university, state="paid", locked=False)

    step(uid, "submit")
    closed = get(Applicant, uid)
    assert (closed.locked, closed.application_date is not None) == (True, True)

    step(uid, "reset3")
    assert get(Applicant, uid).locked is False


@pytest.mark.both_engines
def test_many_are_admitted_in_a_fixed_number_of_statements(university: University) -> None:
    good = add_many(university, 30, state="submitted")
    bad = [add(university, state="submitted", course_admitted=None), add(university, state="started")]

    with counted_statements() as statements, transaction():
        outcomes = transition_many([*good, *bad], "admit")

    assert len(statements) <= 5
    assert [outcome.refusal.code if outcome.refusal else "" for outcome in outcomes[-3:]] == [
        "",
        "no-certificate",
        "wrong-state",
    ]
    admitted = select(func.count()).select_from(Applicant).where(Applicant.state == "admitted")
    assert db.session.scalar(admitted) == 30
    assert db.session.scalar(select(func.count()).select_from(ApplicantHistory)) == 30


def test_a_transition_is_audited_with_both_states(university: University) -> None:
    uid = add(university, state="submitted")

    step(uid, "refuse1")

    entry = db.session.scalars(
        select(AuditEntry).where(AuditEntry.record_id == str(uid), AuditEntry.action == "update")
    ).one()
    assert entry.changes is not None
    assert entry.changes["state"] == ["submitted", "not admitted"]


def test_too_many_at_once_is_a_request_error(university: University) -> None:
    with pytest.raises(InvalidInput, match="At most 500"), transaction():
        transition_many([uuid.uuid4() for _ in range(501)], "admit")


def test_a_removed_certificate_stays_chosen(university: University) -> None:
    """The old system's case 32."""
    uid = add(university)
    with transaction() as session:
        session.delete(session.get(Certificate, university.certificate))

    change(Applicant, uid, phone="+234-1-2222222")

    applicant = get(Applicant, uid)
    assert (applicant.course_admitted, applicant.admitted_certificate) == ("CERT1", None)


def test_an_officers_stale_edit_is_refused(university: University) -> None:
    uid = add(university)
    with pytest.raises(Conflict) as refused, transaction() as session:
        applicant = session.get(Applicant, uid)
        assert applicant is not None
        session.execute(Applicant.__table__.update().values(version=9))  # type: ignore[attr-defined]
        applicant.phone = "+234-1-3333333"

    assert refused.value.code == "changed-meanwhile"
    force(Applicant, uid, version=1)
