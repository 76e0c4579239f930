"""The import page: template, upload, preview, and errors that name what to correct."""

import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select

from plugins.admissions import permissions
from plugins.admissions.models import Applicant
from portal.sdk import db
from portal.sdk.jobs import Job, JobState, run_inline
from portal.testing.clients import PortalClient
from tests.plugins.admissions.university import University, archive, get, jpeg, person, sheet

PATH = "/panel/admissions/import/"


@pytest.fixture
def officer(university: University, signed_in: Callable[..., PortalClient]) -> PortalClient:
    return signed_in(permissions.APPLICANTS_IMPORT, permissions.APPLICANTS_VIEW, "portal.jobs.view")


def upload(client: PortalClient, data: bytes | None, photos: bytes | None = None, **fields: str) -> Any:
    page = client.get(PATH).get_data(as_text=True)
    token = re.search(r'name="form_token" value="([0-9a-f]{32})"', page)
    assert token
    form: dict[str, Any] = {"mode": "create", "form_token": token.group(1), **fields}
    if data is not None:
        form["sheet"] = (io.BytesIO(data), "applicants.csv")
    if photos is not None:
        form["photos"] = (io.BytesIO(photos), "photos.zip")
    return client.submit(PATH, form)


def applicant_count() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(Applicant)) or 0


def test_the_template_is_accepted_as_it_is(officer: PortalClient) -> None:
    template = officer.get(f"{PATH}template.csv")

    assert template.headers["Content-Disposition"].startswith("attachment")
    header = template.data.decode("utf-8-sig").strip().split(",")
    answer = upload(officer, sheet([person()], header))

    assert answer.status_code == 302


def test_a_sheet_with_photos_is_previewed_then_imported(officer: PortalClient) -> None:
    answer = upload(officer, sheet([person(photo="ade.jpg")]), archive({"ade.jpg": jpeg()}))
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


def test_an_unknown_column_is_named_and_can_be_ignored_or_mapped(officer: PortalClient) -> None:
    data = sheet([{**person(), "shoe size": "39", "Name of family": "Other"}])

    refused = upload(officer, data)
    assert refused.status_code == 422
    assert "shoe size" in refused.get_data(as_text=True)

    ignored = upload(officer, data, ignore_unknown="1")
    assert ignored.status_code == 302
    renamed = sheet(
        [
            {
                ("Name of family" if key == "lastname" else key): value
                for key, value in person(reg_number="7").items()
            }
        ]
    )
    assert upload(officer, renamed, columns="Name of family = lastname").status_code == 302


@pytest.mark.parametrize(
    ("data", "fields", "words"),
    [
        (None, {}, "A CSV sheet must be chosen"),
        (b"", {}, "empty"),
        (b"firstname\nAda\n", {}, "container_code"),
        (sheet([person()]), {"mode": "explode"}, "mode"),
        (sheet([person()]), {"columns": "no sign"}, "is not written"),
    ],
)
def test_what_cannot_be_used_is_said_on_the_form(
    data: bytes | None, fields: dict[str, str], words: str, officer: PortalClient
) -> None:
    answer = upload(officer, data, **fields)

    assert answer.status_code == 422
    assert words in answer.get_data(as_text=True)
    assert applicant_count() == 0


def test_a_zip_that_is_none_is_refused(officer: PortalClient) -> None:
    answer = upload(officer, sheet([person(photo="a.jpg")]), b"no zip")

    assert answer.status_code == 422
    assert "no readable ZIP" in answer.get_data(as_text=True)


def test_the_import_needs_its_permission(
    university: University, signed_in: Callable[..., PortalClient]
) -> None:
    viewer = signed_in(permissions.APPLICANTS_VIEW)

    assert viewer.get(PATH).status_code == 403
    assert viewer.get(f"{PATH}template.csv").status_code == 403
