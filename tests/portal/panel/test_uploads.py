"""The upload pages, for any kind that takes a sheet: form, columns, guards, plan; each for those who may."""

import io
import re
import zipfile
from html import unescape
from typing import Any

import openpyxl
import pytest
from sqlalchemy import func, select

from portal.files.store import current_store
from portal.jobs.engine import run_inline
from portal.jobs.mapping_memory import ColumnMapping
from portal.jobs.models import Job, JobFile
from portal.jobs.queries import list_rows
from portal.jobs.sheets.opening import open_sheet
from portal.jobs.states import JobState
from portal.kernel.db import db
from portal.testing.clients import PortalClient
from tests.portal.signing_in import Visitors

PATH = "/panel/uploads/toy.list_things/"
GOOD = b"Label;code;Made on;Shoe\nZo\xc3\xab;00471;2004-12-31;1\nbad one;00472;;2\n"


@pytest.fixture
def officer(visitors: Visitors) -> PortalClient:
    return visitors.with_permissions("toy.make", "portal.jobs.view", name="officer")


def upload(client: PortalClient, data: bytes | None = GOOD, **fields: Any) -> Any:
    form: dict[str, Any] = {"shelf": "upper", **fields}
    if data is not None:
        form["sheet"] = (io.BytesIO(data), "C:\\things\\things.csv")
    return client.submit(PATH, form)


def columns_form(page: str) -> dict[str, str]:
    """Return what the columns page would send as it stands."""
    form = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page))
    for name, options in re.findall(
        r'<select id="[^"]+" name="([^"]+)"[^>]*>(.*?)</select>', page, re.DOTALL
    ):
        chosen = re.search(r'<option value="([^"]*)" selected', options)
        form[name] = chosen.group(1) if chosen else ""
    return {name: unescape(value) for name, value in form.items()}


def seen_columns(client: PortalClient, data: bytes = GOOD, **fields: Any) -> tuple[str, dict[str, str]]:
    answer = upload(client, data, **fields)
    assert answer.status_code == 302, answer.get_data(as_text=True)
    page = client.get(answer.location).get_data(as_text=True)
    return page, columns_form(page)


def post_columns(client: PortalClient, form: dict[str, str], **changes: str) -> Any:
    return client.post(f"{PATH}columns", data={**form, **changes})


def count_of(model: type) -> int:
    return db.session.scalar(select(func.count()).select_from(model)) or 0


@pytest.mark.both_engines
def test_a_sheet_goes_from_its_form_over_its_columns_to_a_plan_and_is_done(officer: PortalClient) -> None:
    form = officer.get(PATH).get_data(as_text=True)
    assert all(
        words in form
        for words in ("Things from a sheet.", "ZIP of pictures.", "Shelf", "The highest number.")
    )
    page, fields = seen_columns(officer, limit="50")

    assert all(
        words in page for words in ("UTF-8", "semicolon", "things.csv", "Zoë", "found by its name", "Limit")
    )
    assert count_of(Job) == 0
    assert [fields[f"map-{place}"] for place in range(4)] == ["name", "code", "born", "ignore"]

    answer = post_columns(officer, fields)
    job = db.session.scalars(select(Job)).one()
    assert (answer.status_code, answer.location) == (302, f"/panel/jobs/{job.id}/")
    assert (job.state, job.params) == (JobState.PLANNED, {"shelf": "upper", "limit": 50})
    plan = officer.get(answer.location).get_data(as_text=True)
    assert all(
        words in plan
        for words in ("will be created", "bad-name", "Start: 1 row", "Decide later", "How the sheet")
    )
    officer.submit(f"{answer.location}start", page=answer.location)
    run_inline(job.id)
    assert [(row.position, row.state) for row in list_rows(job.id)] == [(2, "done"), (3, "refused")]


@pytest.mark.both_engines
def test_choices_are_remembered_for_the_next_sheet_of_the_same_person(
    officer: PortalClient, visitors: Visitors
) -> None:
    sheet = b"Candidate;Shoe\nAda;3\n"
    _, fields = seen_columns(officer, sheet)
    assert fields["map-0"] == "ignore"
    assert post_columns(officer, fields, **{"map-0": "name"}).status_code == 302

    page, fields = seen_columns(officer, b"CANDIDATE;Shoe\nEze;3\n")
    assert fields["map-0"] == "name"
    assert "as the last time" in page
    other = visitors.with_permissions("toy.make", name="other")
    _, fields = seen_columns(other, sheet)
    assert fields["map-0"] == "ignore"
    assert count_of(ColumnMapping) == 2


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"map-0": "ignore"}, "lacks the columns name"),
        ({"map-1": "name"}, "both mean name"),
        ({"map-0": "nonsense"}, "is no field"),
    ],
)
def test_a_wrong_mapping_is_said_on_the_page_and_choices_stay(
    officer: PortalClient, changes: dict[str, str], words: str
) -> None:
    _, fields = seen_columns(officer)
    answer = post_columns(officer, fields, **{"map-3": "colour", **changes})
    page = answer.get_data(as_text=True)
    assert (answer.status_code, count_of(Job)) == (422, 0)
    assert words in unescape(page)
    assert columns_form(page)["map-3"] == "colour"


def test_mangled_ids_stop_until_they_are_confirmed(officer: PortalClient) -> None:
    page, fields = seen_columns(officer, b"name,code\nAda,1E+11\n")
    assert "Are these numbers right?" in page
    assert "row 2: 1E+11" in page
    refused = post_columns(officer, fields)
    assert (refused.status_code, count_of(Job)) == (422, 0)
    confirmed = post_columns(officer, fields, **{"confirm-code": "1"})
    assert confirmed.status_code == 302
    job = db.session.scalars(select(Job)).one()
    assert list_rows(job.id)[0].data == {"name": "Ada", "code": "1E+11", "born": "", "colour": ""}


def test_guards_follow_the_mapping_that_was_chosen(officer: PortalClient) -> None:
    page, fields = seen_columns(officer, b"name,Nr\nAda,1E+11\n")
    assert "Are these numbers right?" not in page
    answer = post_columns(officer, fields, **{"map-1": "code"})
    assert answer.status_code == 422
    assert "Are these numbers right?" in answer.get_data(as_text=True)


def test_unclear_dates_are_shown_both_ways_and_must_be_chosen(officer: PortalClient) -> None:
    page, fields = seen_columns(officer, b"name,born\nAda,01/02/2004\n")
    assert all(
        words in page for words in ("How are these dates written?", "1 February 2004", "2 January 2004")
    )
    assert fields["date-born"] == ""
    assert post_columns(officer, fields).status_code == 422
    assert post_columns(officer, fields, **{"date-born": "mdy"}).status_code == 302
    job = db.session.scalars(select(Job)).one()
    assert (list_rows(job.id)[0].data or {})["born"] == "2004-01-02"


@pytest.mark.parametrize(
    ("data", "fields", "words"),
    [
        (None, {}, "A sheet must be chosen"),
        (b"", {}, "The sheet is empty"),
        (b"a\0b", {}, "NUL"),
        (b"PK\x03\x04 nothing", {}, "no readable workbook"),
        (b"a,a\n1,2\n", {}, "'a' is there twice"),
        (",".join(f"c{number}" for number in range(10_000)).encode(), {}, "10,000 columns"),
        (GOOD, {"limit": "0"}, "limit"),
        (GOOD, {"limit": "many"}, "limit"),
        (GOOD, {"shelf": "middle"}, "shelf"),
    ],
)
def test_what_cannot_be_used_is_said_on_the_form(
    officer: PortalClient, data: bytes | None, fields: dict[str, str], words: str
) -> None:
    answer = upload(officer, data, **fields)
    assert answer.status_code == 422
    assert words in unescape(answer.get_data(as_text=True))


def test_a_form_sent_twice_makes_one_job(officer: PortalClient) -> None:
    _, fields = seen_columns(officer)
    assert [post_columns(officer, fields).status_code for _ in range(2)] == [302, 302]
    assert count_of(Job) == 1


def test_the_same_sheet_again_is_told(officer: PortalClient) -> None:
    page, fields = seen_columns(officer)
    assert "uploaded before" not in page
    post_columns(officer, fields)
    page, _ = seen_columns(officer)
    assert "This very sheet was uploaded before" in page
    assert "List things</a>" in page


def test_an_upload_of_somebody_else_a_changed_word_and_swept_files_are_refused(
    officer: PortalClient, visitors: Visitors
) -> None:
    place = upload(officer).location
    other = visitors.with_permissions("toy.make", name="other")
    assert other.get(place).status_code == 422
    assert officer.get(place[:-3] + "xyz").status_code == 422
    assert officer.get(f"{PATH}columns").status_code == 422
    _, fields = seen_columns(officer)
    for blob in list(current_store().older_than(-10)):
        current_store().remove_if_older(blob, -10)
    answer = post_columns(officer, fields)
    assert answer.status_code == 422
    assert "Upload the file again" in answer.get_data(as_text=True)


def test_further_files_of_the_kind_go_with_the_job(officer: PortalClient) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.txt", "a")
    packed.seek(0)
    page, fields = seen_columns(officer, pictures=(packed, "pictures.zip"))
    assert "pictures.zip" in page
    post_columns(officer, fields)
    assert set(db.session.scalars(select(JobFile.name))) == {"sheet", "pictures"}


def test_templates_have_the_columns_as_text_with_menus(officer: PortalClient) -> None:
    text = officer.get(f"{PATH}template.csv")
    assert text.data == b"\xef\xbb\xbfname,code,born,colour\r\n"
    answer = officer.get(f"{PATH}template.xlsx?limit=5")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert open_sheet(io.BytesIO(answer.data)).header == ("name", "code", "born", "colour")
    book = openpyxl.load_workbook(io.BytesIO(answer.data))
    sheet = book["Sheet"]
    assert sheet.column_dimensions["B"].width > 10
    assert [(str(item.sqref), item.formula1) for item in sheet.data_validations.dataValidation] == [
        ("D2:D10001", "Choices!$D$1:$D$2")
    ]
    assert book["Choices"].sheet_state == "hidden"
    assert book["Help"]["A2"].value == "name"


def test_every_page_needs_the_permission_of_the_kind(visitors: Visitors, officer: PortalClient) -> None:
    stranger = visitors.with_permissions("portal.jobs.view", name="stranger")
    for path in (PATH, f"{PATH}columns", f"{PATH}template.csv"):
        assert stranger.get(path).status_code == 403, path
        assert visitors_client(visitors).get(path).status_code == 302, path
    token = stranger.token("/panel/uploads/")
    assert stranger.post(PATH, data={"csrf_token": token}).status_code == 403
    assert stranger.post(f"{PATH}columns", data={"csrf_token": token}).status_code == 403
    assert "List things" not in stranger.get("/panel/uploads/").get_data(as_text=True)
    assert "List things" in officer.get("/panel/uploads/").get_data(as_text=True)
    for unknown in ("toy.make_things", "toy.count", "gone"):
        assert officer.get(f"/panel/uploads/{unknown}/").status_code == 404, unknown


def visitors_client(visitors: Visitors) -> PortalClient:
    return PortalClient(visitors._app)
