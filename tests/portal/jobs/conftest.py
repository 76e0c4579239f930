"""An application with the toy plugin, and a statement counter."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event

from portal.kernel.actor import SYSTEM, acting_as
from portal.kernel.db import db
from portal.testing.sandboxes import EngineName, Sandbox
from tests.portal.jobs import toy_plugin


@pytest.fixture(scope="session")
def toy_sandbox_of(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[EngineName], Sandbox]:
    made: dict[EngineName, Sandbox] = {}

    def sandbox(engine: EngineName) -> Sandbox:
        if engine not in made:
            server = request.getfixturevalue("postgresql_server") if engine == "postgresql" else None
            folder = tmp_path_factory.mktemp("toy") / f"toy_{engine}"
            made[engine] = Sandbox(engine, folder, server, plugins={"toy": toy_plugin})
        return made[engine]

    return sandbox


@pytest.fixture
def toy(engine: EngineName, toy_sandbox_of: Callable[[EngineName], Sandbox]) -> Iterator[Flask]:
    with toy_sandbox_of(engine).in_use() as app, acting_as(SYSTEM):
        yield app


@dataclass
class Counted:
    total: int = 0


@pytest.fixture
def count_statements(toy: Flask) -> Callable[[], AbstractContextManager[Counted]]:
    """Count the SQL statements inside a block (not BEGIN and COMMIT)."""

    @contextmanager
    def counting() -> Iterator[Counted]:
        counted = Counted()

        def count(*_: Any) -> None:
            counted.total += 1

        event.listen(db.engine, "before_cursor_execute", count)
        try:
            yield counted
        finally:
            event.remove(db.engine, "before_cursor_execute", count)

    return counting
