"""A plugin that was installed but not migrated: its pages say so, the others answer."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from flask import Flask
from sqlalchemy import text

from portal.kernel.db import db
from portal.testing.clients import PortalClient

BOOKS = "/panel/library/books/"
JSON = {"Accept": "application/json"}


@contextmanager
def without_tables(app: Flask, *, version: bool = True) -> Iterator[None]:
    """Take the table of books away meanwhile, and unless told otherwise what says that it was made."""
    app.config["PROPAGATE_EXCEPTIONS"] = False
    with db.engine.begin() as connection:
        connection.execute(text("ALTER TABLE library_book RENAME TO library_hidden"))
        if version:
            connection.execute(text("DELETE FROM library_alembic_version"))
    try:
        yield
    finally:
        with db.engine.begin() as connection:
            connection.execute(text("ALTER TABLE library_hidden RENAME TO library_book"))


@pytest.mark.both_engines
def test_its_pages_are_503_and_name_the_plugin_and_the_command(app: Flask, reader: PortalClient) -> None:
    with without_tables(app):
        answer = reader.get(BOOKS)
        program = reader.get(BOOKS, headers=JSON)
        others = [reader.get(page).status_code for page in ("/panel/", "/health/live", "/login")]
    page = answer.get_data(as_text=True)
    assert answer.status_code == 503
    assert "tables that are not up to date: library." in page
    assert "portal migrate" in page
    assert (program.status_code, program.get_json()["code"]) == (503, "migrations-missing")
    assert 500 not in others


def test_a_table_that_is_gone_without_a_missing_migration_stays_a_500(
    app: Flask, reader: PortalClient
) -> None:
    with without_tables(app, version=False):
        assert reader.get(BOOKS).status_code == 500
