"""Every list of admissions as a file, and the searches that people do."""

import csv
import io
from collections.abc import Callable
from uuid import UUID

import pytest

from plugins.admissions.admin import VIEWS
from plugins.admissions.models import Applicant
from portal.sdk import SYSTEM, current_store, db, transaction
from portal.sdk.jobs import JobState, draft, get_job, run_inline, submit
from portal.testing.clients import PortalClient
from portal.testing.statements import counted_statements
from tests.plugins.admissions.university import (
    University,
    add,
    add_many,
    create_selected,
    force,
    give_photo,
)

EXPORTED = {view.endpoint or view.model.__table__.name for view in VIEWS if view.model is not None}


def exported(view: str, query: str = "") -> list[list[str]]:
    """Return the lines of an exported list, header first."""
    request = draft("portal.export_list", {"view": view, "query": query, "format": "csv"}, SYSTEM)
    with transaction():
        job_id: UUID = submit(request, apply=True).id
    run_inline(job_id)
    job = get_job(job_id)
    assert job.state == JobState.FINISHED, job.error
    sha256 = db.session.execute(
        db.text("SELECT sha256 FROM portal_job_file WHERE job_id = :job"), {"job": _key(job_id)}
    ).scalar_one()
    data = current_store().read(sha256).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(data)))


def _key(job_id: UUID) -> str:
    return job_id.hex if db.engine.dialect.name == "sqlite" else str(job_id)


def fill(university: University, number: int) -> None:
    applicants = add_many(university, number)
    for applicant in applicants:
        give_photo(applicant)
    create_selected(*applicants)


def test_every_list_is_exported_in_as_many_statements_for_seven_records_as_for_two(
    university: University,
) -> None:
    def questions() -> dict[str, tuple[int, int]]:
        numbers = {}
        for view in sorted(EXPORTED):
            with counted_statements() as statements:
                lines = exported(view)
            numbers[view] = len([sql for sql in statements if "portal_audit" not in sql]), len(lines)
        return numbers

    fill(university, 2)
    few = questions()
    fill(university, 5)
    many = questions()
    # A report of progress more or less: those go by the clock.
    assert {view for view, (count, _) in many.items() if count > few[view][0] + 3} == set()
    assert many["admissions_student"][1] == 8


@pytest.mark.both_engines
def test_an_applicant_is_a_line_with_ids_as_text_words_for_states_and_iso_dates(
    university: University,
) -> None:
    uid = add(university, firstname="Łukasz", lastname="=Żółć", state="not admitted", reg_number="007")
    header, line = exported("admissions_applicant", "search=lukasz")
    cells = dict(zip(header, line, strict=True))
    applicant = db.session.get_one(Applicant, uid)
    assert cells["Container"] == "app2026"
    assert cells["State"] == "not admitted"
    assert line[0] == applicant.applicant_id
    assert "007" in line
    assert "'=Żółć" in line
    assert applicant.date_of_birth is None or applicant.date_of_birth.isoformat() in line


@pytest.mark.both_engines
def test_a_search_finds_any_name_any_number_and_both_together(
    university: University, signed_in: Callable[..., PortalClient]
) -> None:
    officer = signed_in("admissions.applicants.view")
    uid = add(university, firstname="Ngọc Ánh", middlename="Mary", lastname="Óscar-Brown", reg_number="R77")
    other = add(university, firstname="Bob", lastname="Mary", email="bob@example.org")
    force(Applicant, uid, fullname="ngoc anh mary oscar-brown")
    number = db.session.get_one(Applicant, uid).application_number
    names = {uid: "Ngọc Ánh", other: "Bob"}
    for search, expected in {
        "mary": {uid, other},
        "anh": {uid},
        "OSC ngọc": {uid},
        "r77": {uid},
        number: {uid},
        f"app2026_{number} mary": {uid},
        "bob@": {other},
        "scar": set(),
    }.items():
        page = officer.get("/panel/admissions/applicant/", query_string={"search": search}).get_data(
            as_text=True
        )
        assert {key for key, name in names.items() if name in page} == expected, search
