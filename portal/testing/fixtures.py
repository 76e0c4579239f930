"""The pytest fixtures; load them with ``pytest_plugins = ["portal.testing.fixtures"]``.

``app`` (and what builds on it) runs on SQLite; mark a test ``both_engines`` to run it on PostgreSQL too.
"""

import os
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from types import ModuleType

import pytest
from flask import Flask
from redis import Redis
from sqlalchemy.orm import Session

from portal.config import PortalConfig
from portal.jobs.queue import connect
from portal.kernel.actor import SYSTEM, Actor, acting_as
from portal.kernel.db import db
from portal.supervisor.queue_server import start_queue_server
from portal.testing.browser import find_chromium
from portal.testing.clients import ApiClient, PortalClient
from portal.testing.people import make_token, make_user, sign_in
from portal.testing.postgresql import PostgresqlServer
from portal.testing.sandboxes import ENGINES, EngineName, Sandbox
from portal.testing.workers import WorkerProcesses

SandboxOf = Callable[[EngineName], Sandbox]
SandboxesWith = Callable[..., SandboxOf]
#: What tests keep of the environment's settings.
_KEPT = ("PORTAL_QUEUE_SERVER", "PORTAL_CHROMIUM")


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marks, and keep the settings of the developer's own portal out of the tests."""
    config.addinivalue_line("markers", "both_engines: run once on SQLite and once on PostgreSQL")
    config.addinivalue_line("markers", "postgresql: run on PostgreSQL only")
    config.addinivalue_line("markers", "browser: needs a real Chromium")
    for name in [name for name in os.environ if name.startswith("PORTAL_") and name not in _KEPT]:
        del os.environ[name]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test on the engines it is marked for."""
    if "engine" not in metafunc.fixturenames:
        return
    engines = ENGINES if metafunc.definition.get_closest_marker("both_engines") else ENGINES[:1]
    if metafunc.definition.get_closest_marker("postgresql"):
        engines = ("postgresql",)
    metafunc.parametrize("engine", engines)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgresqlServer]:
    """A PostgreSQL server of this test process, started when the first test asks for it."""
    with PostgresqlServer() as server:
        yield server


@pytest.fixture(scope="session")
def sandboxes_with(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SandboxesWith]:
    """Give sandboxes with plugins that are not installed, one per engine: ``sandboxes_with(toy=toy_module)``."""
    every: list[Sandbox] = []
    numbers = count(1)

    def with_plugins(**plugins: ModuleType) -> SandboxOf:
        made: dict[EngineName, Sandbox] = {}

        def sandbox(engine: EngineName) -> Sandbox:
            if engine not in made:
                server = request.getfixturevalue("postgresql_server") if engine == "postgresql" else None
                folder = tmp_path_factory.mktemp("home") / f"{engine}_{next(numbers)}"
                made[engine] = Sandbox(engine, folder, server, plugins=plugins)
                every.append(made[engine])
            return made[engine]

        return sandbox

    yield with_plugins
    for sandbox in every:
        with sandbox.app.app_context():
            db.engine.dispose()


@pytest.fixture(scope="session")
def sandbox_of(sandboxes_with: SandboxesWith) -> SandboxOf:
    """Give the one sandbox per engine that the tests of this process take turns in."""
    return sandboxes_with()


@pytest.fixture
def database_url(engine: EngineName, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """URL of an empty database of this test's own: for migrations and anything else that changes tables."""
    if engine == "sqlite":
        return f"sqlite:///{tmp_path / 'empty.sqlite3'}"
    server: PostgresqlServer = request.getfixturevalue("postgresql_server")
    server.create("portal_empty")
    return server.url("portal_empty")


@pytest.fixture
def sandbox(engine: EngineName, sandbox_of: SandboxOf) -> Iterator[Sandbox]:
    """The sandbox of this test: database, blobs and mail as after the migrations, inside the application's context."""
    lent = sandbox_of(engine)
    with lent.in_use():
        yield lent


@pytest.fixture
def app(sandbox: Sandbox) -> Flask:
    """The application, inside its context."""
    return sandbox.app


@pytest.fixture
def config(sandbox: Sandbox) -> PortalConfig:
    """The settings of ``app``."""
    return sandbox.config


@pytest.fixture
def db_session(app: Flask) -> Session:
    """The database session of the test; write through ``transaction()`` as entry points do."""
    return db.session()


@pytest.fixture
def client(app: Flask) -> PortalClient:
    """A browser that is not signed in; every request has a context of its own."""
    return PortalClient(app)


@pytest.fixture
def signed_in(app: Flask) -> Callable[..., PortalClient]:
    """Make a user and give their browser: ``signed_in("admissions.students.view")``, ``signed_in(administrator=True)``.

    Each call makes another user, named ``officer``, ``officer-2`` … unless ``name`` is given.
    """
    count = 0

    def browser(*permissions: str, administrator: bool = False, name: str = "") -> PortalClient:
        nonlocal count
        count += 1
        sign_in_name = name or ("officer" if count == 1 else f"officer-{count}")
        user_id = make_user(sign_in_name, *permissions, is_administrator=administrator)
        return sign_in(PortalClient(app), user_id)

    return browser


@pytest.fixture
def api(app: Flask) -> Callable[..., ApiClient]:
    """Make a user with an API token and give their program: ``api("admissions.students.view")``.

    Without permissions it is an administrator's, with a token for everything. ``api_token`` is the secret.
    """
    count = 0

    def program(*permissions: str, name: str = "") -> ApiClient:
        nonlocal count
        count += 1
        user_id = make_user(name or f"program-{count}", *permissions, is_administrator=not permissions)
        client = ApiClient(app)
        client.api_token = make_token(user_id, *permissions)
        return client

    return program


@pytest.fixture
def make_actor() -> Callable[..., Actor]:
    """Make an actor who holds just the given permissions: ``make_actor("admissions.students.create")``."""

    def actor(*permissions: str, name: str = "officer", user_id: int | None = None) -> Actor:
        return Actor(user_id=user_id, name=name, grants=frozenset(permissions))

    return actor


@pytest.fixture
def administrator() -> Actor:
    """An actor who may do everything."""
    return Actor(name="administrator", is_administrator=True)


@pytest.fixture
def as_system() -> Iterator[Actor]:
    """Let the whole test act as the portal itself."""
    with acting_as(SYSTEM) as actor:
        yield actor


@pytest.fixture
def queue_server(config: PortalConfig) -> Iterator[Redis]:
    """A real, empty queue server where ``app`` looks for it; gives a connection to it."""
    process = start_queue_server(config)
    connection = connect(config)
    try:
        connection.flushall()
        yield connection
    finally:
        connection.close()
        process.terminate()
        process.wait()


@pytest.fixture
def worker_processes(config: PortalConfig, queue_server: Redis) -> Iterator[WorkerProcesses]:
    """Real workers of ``app``: ``worker_processes.start(2)``; killed with the test."""
    with WorkerProcesses(config) as workers:
        yield workers


@pytest.fixture(scope="session")
def chromium() -> Path:
    """The browser to drive; without one the test is skipped, or fails when ``CI`` is set."""
    found = find_chromium()
    if found is not None:
        return found
    message = "no Chromium on this machine (set PORTAL_CHROMIUM or install chromium)"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)
