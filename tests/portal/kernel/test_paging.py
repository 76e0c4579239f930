"""Pages by key: every row exactly once, in both directions, with ties and missing values."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from flask import Flask
from sqlalchemy import event, insert, select

from portal.kernel.db import db
from portal.kernel.errors import InvalidInput
from portal.kernel.paging import (
    Page,
    PageOrder,
    in_order,
    order_of,
    page_of,
    position_from,
    position_text,
)
from portal.kernel.transaction import transaction
from tests.portal.kernel.probe import Probe

ROWS, LIMIT = 23, 5
pytestmark = pytest.mark.both_engines
ORDERS = [
    order_of(Probe, column, descending=descending)
    for column in (None, Probe.name, Probe.count, Probe.at)
    for descending in (False, True)
]
GARBAGE = (
    "", "é", "%%", "W10", "bnVsbA", "W251bGxd", "WzEsMiwzXQ", "W3t9XQ", "A" * 3000, "W3RydWUsdHJ1ZV0", "WzFlOTldMQ"
)  # fmt: skip


@pytest.fixture
def rows(kernel: Flask) -> None:
    start = datetime(2026, 11, 1, tzinfo=UTC)
    values = [
        {
            "id": number,
            "name": f"row {number * 7 % ROWS:02}",
            "count": number % 3,
            "at": start + timedelta(hours=number % 4, microseconds=123) if number % 3 else None,
        }
        for number in range(1, ROWS + 1)
    ]
    with transaction() as session:
        session.execute(insert(Probe), values)


def forwards(order: PageOrder) -> Iterator[Page]:
    page = page_of(select(Probe), order, limit=LIMIT)
    yield page
    while page.next is not None:
        page = page_of(select(Probe), order, after=page.next, limit=LIMIT)
        yield page


def backwards(order: PageOrder) -> Iterator[Page]:
    page = page_of(select(Probe), order, last=True, limit=LIMIT)
    yield page
    while page.previous is not None:
        page = page_of(select(Probe), order, before=page.previous, limit=LIMIT)
        yield page


def ids(pages: list[Page]) -> list[int]:
    return [row.id for page in pages for row in page.rows]


def test_reading_on_gives_every_row_once_and_in_order(rows: None) -> None:
    for order in ORDERS:
        pages = list(forwards(order))
        assert ids(pages) == list(db.session.scalars(in_order(select(Probe.id), order)))
        assert len(set(ids(pages))) == ROWS
        assert pages[0].previous is None


def test_reading_back_from_the_end_gives_the_same_rows(rows: None) -> None:
    for order in ORDERS:
        pages = list(backwards(order))
        pages.reverse()
        assert ids(pages) == ids(list(forwards(order)))
        assert pages[-1].next is None


def test_the_page_before_the_next_page_is_the_one_that_led_there(rows: None) -> None:
    for order in ORDERS:
        for earlier, later in pairwise(forwards(order)):
            again = page_of(select(Probe), order, before=later.previous, limit=LIMIT)
            assert ids([again]) == ids([earlier])


def test_values_are_sorted_and_missing_ones_come_last(rows: None) -> None:
    for order in ORDERS:
        values = [order.position_of(row)[0] for page in forwards(order) for row in page.rows]
        present = [value for value in values if value is not None]
        assert present == sorted(present, reverse=order.descending)
        assert values[: len(present)] == present


def test_a_position_comes_back_from_its_text_and_garbage_does_not(rows: None) -> None:
    for order in ORDERS:
        page = page_of(select(Probe), order, limit=LIMIT)
        assert page.next is not None
        assert position_from(position_text(page.next), order) == page.next
        for text in GARBAGE:
            with pytest.raises(InvalidInput, match="does not say where"):
                position_from(text, order)


def test_plain_rows_page_the_same_way_in_two_statements_at_most(rows: None) -> None:
    sent: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda *given: sent.append(given[2]))
    for order in ORDERS:
        sent.clear()
        columns = select(*order.columns)
        page = page_of(columns, order, limit=LIMIT)
        found, pages = list(page.rows), 1
        while page.next is not None:
            page = page_of(columns, order, after=page.next, limit=LIMIT)
            found += page.rows
            pages += 1
        assert len([text for text in sent if text.startswith("SELECT")]) <= (1 + order.is_nullable) * pages
        expected = [order.position_of(row) for page in forwards(order) for row in page.rows]
        assert [tuple(row) for row in found] == expected


def test_one_page_is_after_or_before_something_and_an_empty_table_has_one(kernel: Flask) -> None:
    order = order_of(Probe)
    with pytest.raises(ValueError, match="after a position, or before"):
        page_of(select(Probe), order, after=(1,), before=(2,), limit=LIMIT)
    assert page_of(select(Probe), order, limit=LIMIT) == Page(rows=(), next=None, previous=None)
