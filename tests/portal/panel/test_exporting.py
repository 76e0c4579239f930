"""Exports of lists: what is seen and nothing else, safe cells, a file for a day for whom it was made."""

import csv
import io
from datetime import timedelta
from uuid import UUID

import openpyxl
import pytest
from sqlalchemy import event, insert, select, update
from werkzeug.test import TestResponse

from portal.audit.models import AuditEntry
from portal.jobs import passing
from portal.jobs.engine import run_inline
from portal.jobs.models import Job, JobFile, PassingFile
from portal.jobs.states import JobState
from portal.kernel.clock import utc_now
from portal.kernel.db import db
from portal.kernel.ids import new_id
from portal.kernel.transaction import transaction
from portal.testing.clients import PortalClient
from portal.web import list_export
from tests.portal.signing_in import Visitors
from tests.portal.web.conftest import app, books, library_sandbox_of  # noqa: F401 - the library instead of the toys
from tests.portal.web.library_plugin import Book, Shelf

BOOKS = "/panel/library/books/"
HOLDS = ("library.books.view", "library.books.export", "portal.jobs.view")
pytestmark = [pytest.mark.both_engines, pytest.mark.usefixtures("books")]


@pytest.fixture
def exporter(visitors: Visitors) -> PortalClient:
    """Somebody who may see and export books, but not the secret ones."""
    return visitors.with_permissions(*HOLDS, name="exporter")


def export(client: PortalClient, query: str = "", form: str = "csv") -> UUID:
    """Export the list as it is shown at an address, run the job and return its id."""
    page = client.get(BOOKS).get_data(as_text=True)
    token = page.split('name="form_token" value="')[1].split('"')[0]
    answer = client.submit(
        f"{BOOKS}export", {"query": query, "format": form, "form_token": token}, page=BOOKS
    )
    assert answer.status_code == 302, answer.get_data(as_text=True)
    job_id = UUID(answer.location.rstrip("/").rpartition("/")[2])
    run_inline(job_id)
    return job_id


def file_of(job_id: UUID) -> JobFile:
    return db.session.scalars(select(JobFile).where(JobFile.job_id == job_id)).one()


def download(client: PortalClient, job_id: UUID, file_id: UUID | None = None) -> TestResponse:
    return client.get(f"/panel/jobs/{job_id}/files/{file_id or file_of(job_id).id}")


def lines(client: PortalClient, query: str = "") -> list[list[str]]:
    answer = download(client, export(client, query))
    assert answer.status_code == 200
    return list(csv.reader(io.StringIO(answer.get_data().decode("utf-8-sig"))))


def test_the_file_holds_what_the_list_shows_and_nothing_hidden(exporter: PortalClient) -> None:
    header, *rows = lines(exporter, "sort=0&desc=1")
    assert header == ["Title", "State", "Pages Count", "Shelf"]
    assert rows == [[f"book {number}", "open", str(number), "hall"] for number in range(4, -1, -1)]


def test_filters_and_search_go_into_the_file_and_the_page_does_not(exporter: PortalClient) -> None:
    assert [row[0] for row in lines(exporter, "flt0_1=2")[1:]] == ["book 2"]
    assert [row[0] for row in lines(exporter, "search=book+3&page_size=20&after=x")[1:]] == ["book 3"]
    assert lines(exporter, "search=nothing")[1:] == []


def test_a_workbook_has_text_as_text_and_numbers_as_numbers(exporter: PortalClient) -> None:
    with transaction() as session:
        book = session.scalars(select(Book).where(Book.title == "book 0")).one()
        book.title, book.state = "=1+1", "long_lent"
    answer = download(exporter, export(exporter, "sort=0", "xlsx"))
    sheet = openpyxl.load_workbook(io.BytesIO(answer.get_data())).active
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert rows[1] == ["=1+1", "long lent", 0, "hall"]
    assert sheet["A2"].data_type == "s"
    _, first, *_ = lines(exporter, "sort=0")
    assert first == ["'=1+1", "long lent", "0", "hall"]


def test_many_rows_are_each_there_once_in_a_constant_number_of_statements_per_chunk(
    exporter: PortalClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_export, "EXPORT_CHUNK", 50)
    shelf_id = db.session.scalar(select(Shelf.id).where(Shelf.name == "hall"))
    with transaction() as session:
        session.execute(
            insert(Book),
            [
                {
                    "id": new_id(),
                    "title": f"v {n}",
                    "pages_count": n % 3 or None,
                    "shelf_id": shelf_id,
                    "state": "x",
                }
                for n in range(500)
            ],
        )
    sent: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda *given: sent.append(given[2]))
    _, *rows = lines(exporter, "sort=2")
    assert len(rows) == len({row[0] for row in rows}) == 505
    # Rows (two statements where the column may be empty) and shelves.
    about_books = [statement for statement in sent if "library_" in statement]
    assert len(about_books) <= 3 * 11 + 12


def test_whoever_lacks_the_permission_sees_no_button_and_cannot_export(visitors: Visitors) -> None:
    reader = visitors.with_permissions("library.books.view", "portal.jobs.view")
    page = reader.get(BOOKS).get_data(as_text=True)
    assert "Export" not in page
    data = {"csrf_token": reader.token("/panel/"), "query": "", "format": "csv", "form_token": "0" * 32}
    assert reader.post(f"{BOOKS}export", data=data).status_code == 403
    blind = visitors.with_permissions("library.books.export", "portal.jobs.view")
    data["csrf_token"] = blind.token("/panel/")
    assert blind.post(f"{BOOKS}export", data=data).status_code == 403


def test_bad_requests_are_refused_with_words(exporter: PortalClient) -> None:
    data = {"query": "", "format": "pdf", "form_token": "0" * 32}
    assert exporter.submit(f"{BOOKS}export", data, page=BOOKS).status_code == 422
    data |= {"format": "csv", "query": "x" * 5000}
    assert exporter.submit(f"{BOOKS}export", data, page=BOOKS).status_code == 422
    garbage = export(exporter, "flt0_1=9999999999999999999999999&sort=77&search=%25")
    job = db.session.get_one(Job, garbage)
    assert (job.state, job.error) == (
        JobState.FAILED,
        "A value of the list's filters is too large or has the wrong form.",
    )


def test_only_who_made_it_and_who_manages_jobs_may_download(
    exporter: PortalClient, visitors: Visitors
) -> None:
    job_id = export(exporter)
    colleague = visitors.with_permissions(*HOLDS, "portal.jobs.view_all")
    assert download(colleague, job_id).status_code == 403
    manager = visitors.with_permissions("portal.jobs.view", "portal.jobs.view_all", "portal.jobs.manage")
    assert download(manager, job_id).status_code == 200
    assert "can be downloaded until" in exporter.get(f"/panel/jobs/{job_id}/").get_data(as_text=True)
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "export")).one()
    assert (entry.target, entry.actor_name, entry.job_id) == ("library_book", "Exporter", job_id)


@pytest.fixture
def expired(exporter: PortalClient) -> tuple[UUID, UUID]:
    job_id = export(exporter)
    file_id = file_of(job_id).id
    with transaction() as session:
        session.execute(update(PassingFile).values(expires_at=utc_now() - timedelta(seconds=1)))
    return job_id, file_id


def test_after_a_day_the_file_is_gone_and_the_page_says_so(
    exporter: PortalClient, expired: tuple[UUID, UUID]
) -> None:
    for removed in (None, 1):
        assert removed is None or passing.remove_expired_files() == removed
        answer = download(exporter, *expired)
        assert answer.status_code == 410
        assert "kept for a day" in answer.get_data(as_text=True)
    assert db.session.get(JobFile, expired[1]) is None
    assert passing.remove_expired_files() == 0
    assert "Export the list again" in exporter.get(f"/panel/jobs/{expired[0]}/").get_data(as_text=True)
    assert download(exporter, expired[0], UUID(int=1)).status_code == 404


def test_a_cancelled_export_leaves_no_file(exporter: PortalClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.jobs.tasks.REPORT_SECONDS", 0)
    token = exporter.get(BOOKS).get_data(as_text=True).split('name="form_token" value="')[1].split('"')[0]
    answer = exporter.submit(
        f"{BOOKS}export", {"query": "", "format": "csv", "form_token": token}, page=BOOKS
    )
    job_id = UUID(answer.location.rstrip("/").rpartition("/")[2])
    with transaction() as session:
        session.execute(update(Job).where(Job.id == job_id).values(cancel_requested_at=utc_now()))
    run_inline(job_id)
    assert db.session.get_one(Job, job_id).state == JobState.CANCELLED
    assert db.session.scalars(select(JobFile).where(JobFile.job_id == job_id)).all() == []
