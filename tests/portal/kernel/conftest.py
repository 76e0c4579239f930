"""The kernel alone: a Flask application with nothing but the database and one table of our own."""

from collections.abc import Iterator

import pytest
from flask import Flask

from portal.kernel.db import db
from tests.portal.kernel import probe


@pytest.fixture
def kernel(database_url: str) -> Iterator[Flask]:
    """An application of the kernel only, inside its context, with the empty table of ``Probe``."""
    with probe.application(database_url).app_context() as context:
        probe.make_table()
        yield context.app
        db.session.remove()
        db.engine.dispose()
