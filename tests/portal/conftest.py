"""What the tests of several rooms share: a sandbox with the toy plugin, people who sign in, counted statements."""

from collections.abc import Iterator

import pytest
from flask import Flask

from portal.testing.fixtures import SandboxesWith, SandboxOf
from portal.testing.statements import counted_statements
from tests.portal.jobs import toy_plugin
from tests.portal.signing_in import Visitors


@pytest.fixture(scope="session")
def toy_sandbox_of(sandboxes_with: SandboxesWith) -> SandboxOf:
    """Give the sandbox per engine that has the toy plugin of the job tests."""
    return sandboxes_with(toy=toy_plugin)


@pytest.fixture
def visitors(app: Flask) -> Visitors:
    """People with the roles a test wants, each with a browser that is signed in."""
    return Visitors(app)


@pytest.fixture
def statements(app: Flask) -> Iterator[list[str]]:
    """The SQL statements sent since the test began, without BEGIN."""
    with counted_statements() as sent:
        yield sent
