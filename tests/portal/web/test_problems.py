"""Refused writes in words."""

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy.exc import DBAPIError

from portal.kernel.actor import SYSTEM, acting_as
from portal.kernel.db import db
from portal.kernel.errors import PortalError
from portal.kernel.transaction import transaction
from portal.web.problems import constraint_problem
from tests.portal.web.library_plugin import Book, Shelf

pytestmark = pytest.mark.both_engines


def refused(write: Callable[[], None], *, deleting: bool = False) -> PortalError:
    with pytest.raises(DBAPIError) as caught, acting_as(SYSTEM), transaction():
        write()
        db.session.flush()
    return constraint_problem(caught.value, Book.__table__, deleting=deleting)


def test_a_taken_value_names_the_column(books: dict[str, str]) -> None:
    shelf_id = db.session.query(Shelf.id).limit(1).scalar()
    problem = refused(lambda: db.session.add(Book(title="book 1", shelf_id=shelf_id)))
    assert (problem.code, problem.facts) == ("already-taken", {"field": "title"})


def test_a_missing_value_names_the_column(books: dict[str, str]) -> None:
    shelf_id = db.session.query(Shelf.id).limit(1).scalar()
    problem = refused(lambda: db.session.add(Book(title=None, shelf_id=shelf_id)))
    assert (problem.code, problem.facts) == ("value-missing", {"field": "title"})


def test_a_record_in_use_cannot_be_deleted(app: Flask, books: dict[str, str]) -> None:
    problem = refused(
        lambda: db.session.delete(db.session.query(Shelf).filter_by(name="hall").one()), deleting=True
    )
    assert problem.code == "in-use"


def test_a_reference_to_nothing_says_choose_again(books: dict[str, str]) -> None:
    problem = refused(lambda: db.session.add(Book(title="x", shelf_id=987654)))
    assert problem.code == "reference-missing"
