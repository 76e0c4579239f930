"""An application with the toy plugin, and a statement counter."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest
from flask import Flask

from portal.kernel.actor import SYSTEM, acting_as
from portal.testing.fixtures import SandboxOf
from portal.testing.sandboxes import EngineName
from portal.testing.statements import counted_statements

Counting = Callable[[], AbstractContextManager[list[str]]]


@pytest.fixture
def toy(engine: EngineName, toy_sandbox_of: SandboxOf) -> Iterator[Flask]:
    with toy_sandbox_of(engine).in_use() as app, acting_as(SYSTEM):
        yield app


@pytest.fixture
def count_statements(toy: Flask) -> Counting:
    """Count the SQL statements inside a block (not BEGIN and COMMIT)."""
    return counted_statements
