"""The portal with the toy plugin of the job tests, so that there are jobs to look at."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from portal.auth.actors import actor_for_user
from portal.auth.models import User
from portal.jobs import api
from portal.kernel.db import db
from portal.kernel.transaction import transaction
from portal.testing.fixtures import SandboxOf
from portal.testing.sandboxes import EngineName


@pytest.fixture
def app(engine: EngineName, toy_sandbox_of: SandboxOf) -> Iterator[Flask]:
    with toy_sandbox_of(engine).in_use() as app:
        yield app


@pytest.fixture
def plan_job(app: Flask) -> Callable[..., UUID]:
    """Make a planned job of a user: three things to make, one refused row."""

    def plan(
        user: str, names: tuple[str, ...] = ("a", "b", "c", "bad d"), *, apply: bool = False, **params: Any
    ) -> UUID:
        user_id = db.session.scalar(db.select(User.id).where(User.sign_in_key == user))
        request = api.draft("toy.make_things", {"names": list(names), **params}, actor_for_user(user_id))
        with transaction():
            return api.submit(request, apply=apply).id

    return plan
