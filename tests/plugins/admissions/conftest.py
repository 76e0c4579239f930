"""Fixtures of the admissions tests."""

import pytest
from flask import Flask

from portal.sdk import Actor
from tests.plugins.admissions.university import University, found


@pytest.fixture
def university(app: Flask, as_system: Actor) -> University:
    """A small university in an otherwise empty portal; the test acts as the system."""
    return found()
