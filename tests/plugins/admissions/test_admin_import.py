"""The import through the portal's upload pages: template, columns, plan, photos, and errors that name what to correct."""

import io
import re
from collections.abc import Callable
from html import unescape
from typing import Any

import openpyxl
import pytest
from sqlalchemy import func, select

from plugins.admissions import permissions
from plugins.admissions.models import Applicant
from portal.sdk import db
from portal.sdk.jobs import Job, JobState, run_inline
from portal.testing.clients import PortalClient
from tests.plugins.admissions.university import University, add, archive, get, jpeg, person, sheet

PATH = "/panel/uploads/admissions.import_applicants/"


@pytest.fixture
def officer(university: University, signed_in: Callable[..., PortalClient]) -> PortalClient:
    return signed_in(permissions.APPLICANTS_IMPORT, permissions.APPLICANTS_VIEW, "portal.jobs.view")


def upload(client: PortalClient, data: bytes | None, photos: bytes | None = None, **fields: str) -> Any:
    form: dict[str, Any] = {"mode": "create", **fields}
    if data is not None:
        form["sheet"] = (io.BytesIO(data), "applicants.csv")
    if photos is not None:
        form["photos"] = (io.BytesIO(photos), "photos.zip")
    return client.submit(PATH, form)


def form_of(page: str) -> dict[str, str]:
    """Return what the columns page would send as it stands."""
    form = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page))
    for name, options in re.findall(
        r'<select id="[^"]+" name="([^"]+)"[^>]*>(.*?)</select>', page, re.DOTALL
    ):
        chosen = re.search(r'<option value="([^"]*)" selected', options)
        form[name] = chosen.group(1) if chosen else ""
    return {name: unescape(value) for name, value in form.items()}


def planned(
    client: PortalClient,
    data: bytes,
    photos: bytes | None = None,
    changes: dict[str, str] | None = None,
    **fields: str,
) -> Any:
    """Upload, accept the columns as suggested (with changes), and return the answer."""
    uploaded = upload(client, data, photos, **fields)
    assert uploaded.status_code == 302, uploaded.get_data(as_text=True)
    form = form_of(client.get(uploaded.location).get_data(as_text=True))
    return client.post(f"{PATH}columns", data={**form, **(changes or {})})


def applicant_count() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(Applicant)) or 0


def test_the_menu_leads_to_the_upload_page_with_its_container(officer: PortalClient) -> None:
    answer = officer.get("/panel/admissions/import/?container=app2026")

    assert answer.location == f"{PATH}?container=app2026"
    page = officer.get(answer.location).get_data(as_text=True)
    assert '<option value="app2026" selected>' in page
    assert "New applicants" in page


@pytest.mark.parametrize("format_name", ["csv", "xlsx"])
def test_the_template_is_accepted_as_it_is(officer: PortalClient, format_name: str) -> None:
    template = officer.get(f"{PATH}template.{format_name}")

    assert template.headers["Content-Disposition"].startswith("attachment")
    if format_name == "csv":
        header = template.data.decode("utf-8-sig").strip().split(",")
        data = sheet([person()], header)
    else:
        book = openpyxl.load_workbook(io.BytesIO(template.data))
        names = [cell.value for cell in book["Sheet"][1]]
        book["Sheet"].append([person().get(str(name)) for name in names])
        out = io.BytesIO()
        book.save(out)
        data = out.getvalue()
    assert planned(officer, data).status_code == 302
    assert db.session.scalars(select(Job)).one().pending_count == 1


def test_templates_follow_the_mode(officer: PortalClient) -> None:
    removing = officer.get(f"{PATH}template.csv?mode=remove").data.decode("utf-8-sig").strip()

    assert removing == "applicant_id,reg_number"


def test_a_sheet_with_photos_is_previewed_then_imported(officer: PortalClient) -> None:
    answer = planned(officer, sheet([person(photo="ade.jpg")]), archive({"ade.jpg": jpeg()}))
    preview = officer.get(answer.location).get_data(as_text=True)
    job = db.session.scalars(select(Job)).one()

    assert job.state == JobState.PLANNED
    assert applicant_count() == 0
    assert "will be created" in preview
    officer.submit(f"/panel/jobs/{job.id}/start", {}, page=answer.location)
    run_inline(job.id)
    added = db.session.scalars(select(Applicant)).one()
    assert (added.lastname, added.reg_number) == ("Adéyẹmí", "00471")
    assert get(Applicant, added.id).passport is not None


def test_unknown_columns_are_not_read_unless_somebody_says_what_they_mean(officer: PortalClient) -> None:
    row = {("Name of family" if key == "lastname" else key): value for key, value in person().items()}
    data = sheet([{**row, "shoe size": "39"}])

    refused = planned(officer, data)
    assert refused.status_code == 422
    assert "lacks the columns lastname" in refused.get_data(as_text=True)
    place = list(row).index("Name of family")
    assert planned(officer, data, changes={f"map-{place}": "lastname"}).status_code == 302


def test_the_plan_shows_before_and_after(officer: PortalClient, university: University) -> None:
    add(university, reg_number="00471", firstname="Ada")
    data = sheet([{"reg_number": "00471", "firstname": "Bola"}, {"reg_number": "nobody"}])

    answer = planned(officer, data, mode="update")
    page = officer.get(answer.location).get_data(as_text=True)

    assert "<del>Ada</del> → <ins>Bola</ins>" in page
    refused = officer.get(f"{answer.location}?action=refuse").get_data(as_text=True)
    assert "applicant-not-found" in refused
    assert "<ins>Bola</ins>" not in refused


@pytest.mark.parametrize(
    ("data", "fields", "words"),
    [
        (None, {}, "A sheet must be chosen"),
        (b"", {}, "empty"),
        (sheet([person()]), {"mode": "explode"}, "mode"),
    ],
)
def test_what_cannot_be_used_is_said_on_the_form(
    data: bytes | None, fields: dict[str, str], words: str, officer: PortalClient
) -> None:
    answer = upload(officer, data, **fields)

    assert answer.status_code == 422
    assert words in answer.get_data(as_text=True)
    assert applicant_count() == 0


@pytest.mark.parametrize(
    ("data", "photos", "words"),
    [
        (b"firstname,lastname,sex\nAda,Eze,f\n", None, "container_code"),
        (sheet([{**person(), "applicant_id": "x"}]), None, "get their applicant_id from the portal"),
        (sheet([person(photo="a.jpg")]), b"no zip", "no readable ZIP"),
        (sheet([person(reg_number="1E+11")]), None, "Are these numbers right?"),
        (sheet([person(date_of_birth="01/02/2004")]), None, "How are these dates written?"),
    ],
)
def test_what_cannot_be_planned_is_said_with_the_columns(
    data: bytes, photos: bytes | None, words: str, officer: PortalClient
) -> None:
    answer = planned(officer, data, photos)

    assert answer.status_code == 422
    assert words in answer.get_data(as_text=True)
    assert db.session.scalar(select(func.count()).select_from(Job)) == 0


def test_the_import_needs_its_permission(
    university: University, signed_in: Callable[..., PortalClient]
) -> None:
    viewer = signed_in(permissions.APPLICANTS_VIEW)

    assert viewer.get("/panel/admissions/import/").status_code == 403
    assert viewer.get(PATH).status_code == 403
    assert viewer.get(f"{PATH}template.csv").status_code == 403
