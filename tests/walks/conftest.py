"""Campuses for walks: one per database that runs the whole time, and fresh ones for walks that need their own."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from benchmarks.campus import Campus, Intake, quick_photo
from portal.documents.service import warm_up
from portal.supervisor import Supervisor
from portal.testing.postgresql import PostgresqlServer
from portal.testing.sandboxes import ENGINES, EngineName
from tests.walks.walk import Walk

#: So short that what a killed worker held is free again at once.
LEASE_SECONDS = 2
ServerOf = Callable[[EngineName], PostgresqlServer | None]
CampusOf = Callable[..., Campus]


class ByEngine(LoadScopeScheduling):
    """Keeps the walks of one engine in one process, so that only one campus per engine has to run."""

    def _split_scope(self, nodeid: str) -> str:
        return next((engine for engine in ENGINES if f"[{engine}" in nodeid), nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByEngine:
    return ByEngine(config, log)


@pytest.fixture(scope="session")
def server_of(request: pytest.FixtureRequest) -> ServerOf:
    """Give the database server of an engine; SQLite has none."""

    def server(engine: EngineName) -> PostgresqlServer | None:
        return request.getfixturevalue("postgresql_server") if engine == "postgresql" else None

    return server


@pytest.fixture(scope="session")
def founded(server_of: ServerOf, tmp_path_factory: pytest.TempPathFactory) -> Callable[[EngineName], Campus]:
    """Give the campus per engine that others begin as a copy of: tables, university, nobody in it."""
    made: dict[EngineName, Campus] = {}

    def campus(engine: EngineName) -> Campus:
        if engine not in made:
            home = tmp_path_factory.mktemp("founded") / f"founded_{engine}"
            made[engine] = Campus(engine, home, server_of(engine))
            with made[engine].open():
                made[engine].found()
        return made[engine]

    return campus


@pytest.fixture(scope="session")
def campus_of(
    founded: Callable[[EngineName], Campus], server_of: ServerOf, tmp_path_factory: pytest.TempPathFactory
) -> CampusOf:
    """Make a campus of a walk's own: ``campus_of(engine, workers=1)``."""
    count = 0

    def campus(engine: EngineName, **settings: Any) -> Campus:
        nonlocal count
        count += 1
        home: Path = tmp_path_factory.mktemp("campus") / f"campus_{engine}_{count}"
        settings = {
            "lease_seconds": LEASE_SECONDS,
            "port": 0,
            "base_url": "https://campus.example",
            **settings,
        }
        return Campus(engine, home, server_of(engine), template=founded(engine), **settings)

    return campus


@pytest.fixture(scope="session")
def running(campus_of: CampusOf, request: pytest.FixtureRequest) -> Iterator[Callable[[EngineName], Walk]]:
    """Give the campus per engine that runs until the end: web server, queue server, relay, two workers."""
    made: dict[EngineName, Walk] = {}

    def walk(engine: EngineName) -> Walk:
        if engine not in made:
            campus = campus_of(engine)
            supervisor = Supervisor(campus.config, announce=str, log_dir=campus.config.home / "logs")
            supervisor.start()
            made[engine] = Walk(campus=campus, supervisor=supervisor, intake=Intake(photo_of=quick_photo))
            with campus.open():
                warm_up()
        return made[engine]

    yield walk
    for found in made.values():
        found.supervisor.stop()


@pytest.fixture
def walk(engine: EngineName, running: Callable[[EngineName], Walk]) -> Iterator[Walk]:
    """The running campus of this test's engine, inside its application, with every process alive."""
    found = running(engine)
    with found.campus.open():
        found.await_processes()
        yield found
