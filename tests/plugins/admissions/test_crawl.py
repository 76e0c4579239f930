"""Opens every page that links lead to, as people of several roles: no error, and nothing is changed by looking."""

import re
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import unescape
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import event

from plugins.admissions import permissions
from portal.sdk import db
from portal.testing.clients import PortalClient
from tests.plugins.admissions.university import University, add, create_selected, give_file, give_photo

#: What looking may write: when somebody was last seen.
LAST_SEEN = re.compile(r"UPDATE portal_user(_session)? SET last_seen_at=")
WRITES = re.compile(r"\s*(INSERT|UPDATE|DELETE|REPLACE|MERGE|CREATE|DROP|ALTER)", re.IGNORECASE)
MOST_PAGES = 400


@pytest.fixture
def filled(university: University) -> University:
    """A portal with something on every page: an admitted applicant, a student with a folder, jobs, a refusal."""
    student = add(university, firstname="Zoë", lastname="<b>Ibáñez</b>")
    give_photo(student)
    give_file(student, "certificate.pdf", b"%PDF-1.7 certificate")
    create_selected(student, add(university, course_admitted=None))
    give_photo(add(university))
    return university


@contextmanager
def written() -> Iterator[list[str]]:
    """Collect the statements that change something."""
    found: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if WRITES.match(statement) and not LAST_SEEN.match(statement):
            found.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


def links(page: str) -> Iterator[str]:
    for href in re.findall(r'(?:href|src)="(/[^"#]*)', page):
        path = unescape(href)
        if not path.startswith(("/static/", "/logout")):
            yield path


def shape(path: str) -> str:
    """Return what makes two addresses the same page for a crawl: sorting and paging repeat without end."""
    parts = urlsplit(path)
    kept = [
        item for item in parts.query.split("&") if item.startswith(("id=", "state=", "code=", "download"))
    ]
    return f"{parts.path}?{'&'.join(sorted(kept))}"


def crawl(client: PortalClient) -> dict[str, int]:
    """Return address → status of every page that links lead to from the panel's home."""
    seen: dict[str, int] = {}
    waiting = deque(["/panel/"])
    while waiting and len(seen) < MOST_PAGES:
        path = waiting.popleft()
        if shape(path) in seen:
            continue
        answer = client.get(path, buffered=True)
        seen[shape(path)] = answer.status_code
        if answer.mimetype == "text/html":
            waiting.extend(links(answer.get_data(as_text=True)))
    return seen


@pytest.mark.parametrize("role", ["administrator", "registrar", "admissions_officer"])
def test_looking_at_every_page_works_and_changes_nothing(
    role: str, filled: University, signed_in: Callable[..., PortalClient]
) -> None:
    granted = {each.name: each.permissions for each in permissions.ROLES}.get(role, frozenset())
    client = signed_in(*granted, administrator=role == "administrator")

    with written() as statements:
        pages = crawl(client)

    assert statements == []
    assert {path: status for path, status in pages.items() if status >= 400} == {}
    assert len(pages) > {"administrator": 40, "registrar": 15, "admissions_officer": 8}[role]
