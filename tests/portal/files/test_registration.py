"""Stored files: rows only for blobs that are there, and the sweep that takes what nobody names."""

import os
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import event, func, select, text, update

from portal.files.blobs import StorageError
from portal.files.models import StoredFile
from portal.files.service import NewFile, register
from portal.files.store import LocalStore, current_store
from portal.files.sweeper import references, sweep
from portal.kernel.clock import utc_now
from portal.kernel.db import db
from portal.kernel.transaction import transaction

pytestmark = pytest.mark.both_engines
GRACE = 1000


def _files(*blobs: bytes) -> list[NewFile]:
    names = current_store().put_many(blobs)
    return [
        NewFile(sha256=name, size_bytes=len(blob), media_type="image/jpeg")
        for name, blob in zip(names, blobs, strict=True)
    ]


def _age(app: Flask, *names: str) -> None:
    store = current_store()
    assert isinstance(store, LocalStore)
    for name in names:
        path = store.root / name[:2] / name
        if path.exists():
            os.utime(path, (0, 0))
    with transaction() as session:
        then = utc_now().replace(year=2001)
        session.execute(update(StoredFile).where(StoredFile.sha256.in_(names)).values(created_at=then))


def _count() -> int:
    count = db.session.scalar(select(func.count()).select_from(StoredFile))
    db.session.rollback()
    return count or 0


def test_rows_are_made_for_blobs(app: Flask) -> None:
    files = _files(b"one", b"two")
    with transaction():
        register(files)
    assert _count() == 2


def test_a_blob_registered_twice_has_one_row(app: Flask) -> None:
    files = _files(b"one")
    with transaction():
        register([*files, *files])
    with transaction():
        register(files)
    assert _count() == 1


def test_a_missing_blob_is_named_and_nothing_is_written(app: Flask) -> None:
    ghost = NewFile(sha256="a" * 64, size_bytes=1, media_type="text/plain")
    with pytest.raises(StorageError) as caught, transaction():
        register([*_files(b"one"), ghost])
    assert caught.value.facts["missing"] == ["a" * 64]
    assert _count() == 0


def test_any_number_of_files_takes_the_same_statements(app: Flask) -> None:
    counts = []
    for number in (1, 50):
        files = _files(*(f"{number}/{index}".encode() for index in range(number)))
        statements: list[str] = []
        listener = lambda *arguments, seen=statements: seen.append(arguments[2])  # noqa: E731
        event.listen(db.engine, "before_cursor_execute", listener)
        with transaction():
            register(files)
        event.remove(db.engine, "before_cursor_execute", listener)
        counts.append(len(statements))
    assert counts[0] == counts[1] <= 3


def test_two_transactions_with_the_same_files_both_succeed(app: Flask) -> None:
    files = _files(*(bytes([number]) for number in range(40)))
    failures: list[BaseException] = []

    def run(order: list[NewFile]) -> None:
        try:
            with app.app_context(), transaction():
                register(order)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(order,)) for order in (files, files[::-1]) * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert _count() == 40


def test_the_sweep_takes_rows_and_blobs_that_nothing_names(app: Flask) -> None:
    files = _files(b"one", b"two")
    with transaction():
        register(files)
    _age(app, *(file.sha256 for file in files))
    result = sweep(GRACE)
    assert (result.rows, result.blobs) == (2, 2)
    assert current_store().missing([files[0].sha256]) == {files[0].sha256}


def test_the_sweep_leaves_what_is_young(app: Flask) -> None:
    with transaction():
        register(_files(b"one"))
    _files(b"without a row")
    result = sweep(GRACE)
    assert (result.rows, result.blobs, result.temporary) == (0, 0, 0)


@pytest.fixture
def papers(app: Flask) -> Iterator[None]:
    """A table that refers to stored files and that no loaded code knows."""
    with transaction() as session:
        session.execute(
            text(
                "CREATE TABLE strange_paper (id INTEGER PRIMARY KEY, sha256 VARCHAR(64)"
                " REFERENCES portal_stored_file (sha256))"
            )
        )
    yield
    with transaction() as session:
        session.execute(text("DROP TABLE strange_paper"))


def test_the_sweep_leaves_what_a_table_of_a_plugin_names_that_is_not_loaded(app: Flask, papers: None) -> None:
    named, unnamed = _files(b"named", b"unnamed")
    with transaction() as session:
        register([named, unnamed])
        session.execute(text("INSERT INTO strange_paper VALUES (1, :name)"), {"name": named.sha256})
    _age(app, named.sha256, unnamed.sha256)
    result = sweep(GRACE)
    assert (result.rows, result.blobs) == (1, 1)
    assert current_store().read(named.sha256) == b"named"


def test_references_come_from_the_database(app: Flask, papers: None) -> None:
    assert {("strange_paper", "sha256"), ("portal_job_file", "sha256")} <= set(references())


def test_a_blob_put_again_is_not_swept_before_it_is_registered(app: Flask) -> None:
    (file,) = _files(b"again")
    _age(app, file.sha256)
    _files(b"again")
    assert sweep(GRACE).blobs == 0
    with transaction():
        register([file])


def test_the_sweep_removes_what_interrupted_writers_left(app: Flask) -> None:
    store = current_store()
    assert isinstance(store, LocalStore)
    _files(b"one")
    left: Path = store.root / "tmp" / uuid.uuid4().hex
    left.write_bytes(b"half")
    os.utime(left, (time.time() - 5 * GRACE,) * 2)
    assert sweep(GRACE).temporary == 1


@pytest.mark.postgresql
def test_the_sweep_waits_for_whoever_is_registering(app: Flask) -> None:
    (file,) = _files(b"race")
    _age(app, file.sha256)
    swept = threading.Event()

    def run() -> None:
        with app.app_context():
            sweep(GRACE)
        swept.set()

    with transaction():
        register([file])
        thread = threading.Thread(target=run)
        thread.start()
        assert not swept.wait(0.5)
    thread.join(20)
    assert current_store().read(file.sha256) == b"race"
    assert _count() == 1
