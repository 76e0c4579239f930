"""Every write leaves its entry in the same transaction: who, what, before and after."""

import enum
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any, ClassVar

import pytest
from sqlalchemy import String, event, insert, select
from sqlalchemy.orm import Mapped, mapped_column

from portal.audit.models import AuditEntry
from portal.audit.recording import AuditRow, for_job, record, record_many
from portal.kernel.actor import SYSTEM, Actor, acting_as
from portal.kernel.clock import utc_now
from portal.kernel.db import Base, Versioned, db
from portal.kernel.transaction import savepoint, transaction
from tests.portal.kernel.probe import application

OFFICER = Actor(user_id=7, name="Ola Officer", grants=frozenset())


class Colour(enum.StrEnum):
    RED = "red"


class Book(Base, Versioned):
    __tablename__ = "probe_book"
    __audit_exclude__: ClassVar[frozenset[str]] = frozenset({"shelf_mark"})

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(50))
    colour: Mapped[Colour] = mapped_column(String(10), default=Colour.RED)
    shelf_mark: Mapped[str] = mapped_column(String(50), default="")
    bought_on: Mapped[date | None]
    lent_at: Mapped[datetime | None]
    cover: Mapped[bytes | None]


class Note(Base):
    __tablename__ = "probe_note"
    __audited__: ClassVar[bool] = False

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(String(50))


pytestmark = pytest.mark.both_engines


@pytest.fixture(autouse=True)
def library(database_url: str) -> Iterator[None]:
    with application(database_url).app_context(), acting_as(OFFICER):
        tables = [AuditEntry.__table__, Book.__table__, Note.__table__]
        Base.metadata.create_all(db.engine, tables=tables)
        yield
        db.session.remove()
        db.engine.dispose()


def entries() -> list[AuditEntry]:
    db.session.expire_all()
    return list(db.session.scalars(select(AuditEntry).order_by(AuditEntry.at, AuditEntry.id)))


def add_book(**values: Any) -> Book:
    with transaction() as session:
        book = Book(**{"title": "Emma", **values})
        session.add(book)
    return book


def test_a_new_record_is_noted_with_who_what_and_its_values() -> None:
    before = utc_now()
    book = add_book(bought_on=date(2026, 2, 1), lent_at=datetime(2026, 3, 1, tzinfo=UTC), cover=b"1234")
    (entry,) = entries()
    assert (entry.action, entry.target, entry.record_id) == ("create", "probe_book", str(book.id))
    assert (entry.actor_user_id, entry.actor_name, entry.job_id) == (7, "Ola Officer", None)
    assert before <= entry.at <= utc_now()
    assert entry.changes == {
        "id": book.id,
        "title": "Emma",
        "colour": "red",
        "bought_on": "2026-02-01",
        "lent_at": "2026-03-01 00:00:00+00:00",
        "cover": "4 bytes",
    }


def test_a_change_is_noted_with_before_and_after() -> None:
    book = add_book()
    with transaction():
        db.session.get_one(Book, book.id).title = "Persuasion"
    assert entries()[1].action == "update"
    assert entries()[1].changes == {"title": ["Emma", "Persuasion"]}


def test_a_change_back_to_the_same_value_or_of_hidden_columns_only_is_not_noted() -> None:
    book = add_book()
    with transaction():
        found = db.session.get_one(Book, book.id)
        found.title = str(found.title)
        found.shelf_mark = "A 17"
    assert len(entries()) == 1


def test_hidden_columns_are_left_out_of_new_records_too() -> None:
    add_book(shelf_mark="A 17")
    assert "shelf_mark" not in (entries()[0].changes or {})
    assert "A 17" not in str(entries()[0].changes)


def test_a_removal_is_noted() -> None:
    book_id = add_book().id
    with transaction() as session:
        session.delete(session.get_one(Book, book_id))
    assert [(entry.action, entry.record_id) for entry in entries()] == [
        ("create", str(book_id)),
        ("delete", str(book_id)),
    ]


def test_models_that_say_so_are_not_noted() -> None:
    with transaction() as session:
        session.add(Note(text="a"))
    assert entries() == []


def test_what_is_rolled_back_leaves_no_entry() -> None:
    with pytest.raises(ZeroDivisionError), transaction() as session:
        session.add(Book(title="a"))
        session.flush()
        raise ZeroDivisionError
    with transaction() as session:
        with pytest.raises(ZeroDivisionError), savepoint():
            session.add(Book(title="b"))
            session.flush()
            raise ZeroDivisionError
        session.add(Book(title="c"))
    assert [entry.changes["title"] for entry in entries() if entry.changes] == ["c"]


def test_bulk_writers_note_their_rows_in_one_statement() -> None:
    rows = [AuditRow(action="create", target="probe_book", record_id=str(number)) for number in range(500)]
    statements: list[str] = []
    with acting_as(SYSTEM), transaction() as session:
        session.execute(insert(Book), [{"title": f"b{number}"} for number in range(500)])
        event.listen(db.engine, "before_cursor_execute", lambda *values: statements.append(values[2]))
        record_many(rows)
    assert len(statements) == 1
    assert len(entries()) == 500
    assert {entry.actor_name for entry in entries()} == {"system"}


def test_no_rows_are_no_statement_and_one_row_is_one_entry() -> None:
    with transaction():
        record_many([])
        record("export", "probe_book", "all", {"rows": 3})
    (entry,) = entries()
    assert (entry.action, entry.changes) == ("export", {"rows": 3})


def test_entries_of_a_job_name_it() -> None:
    job_id = uuid.uuid4()
    with for_job(job_id):
        add_book()
        with transaction():
            record("print", "probe_book", "1")
    add_book()
    assert [entry.job_id for entry in entries()] == [job_id, job_id, None]
