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
from portal.testing.sandboxes import EngineName, Sandbox
from tests.portal.jobs import toy_plugin
from tests.portal.signing_in import Visitors


@pytest.fixture(scope="session")
def panel_sandbox_of(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[EngineName], Sandbox]:
    made: dict[EngineName, Sandbox] = {}

    def sandbox(engine: EngineName) -> Sandbox:
        if engine not in made:
            server = request.getfixturevalue("postgresql_server") if engine == "postgresql" else None
            folder = tmp_path_factory.mktemp("panel") / f"panel_{engine}"
            made[engine] = Sandbox(engine, folder, server, plugins={"toy": toy_plugin})
        return made[engine]

    return sandbox


@pytest.fixture
def app(engine: EngineName, panel_sandbox_of: Callable[[EngineName], Sandbox]) -> Iterator[Flask]:
    with panel_sandbox_of(engine).in_use() as app:
        yield app


@pytest.fixture
def visitors(app: Flask) -> Visitors:
    return Visitors(app)


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
