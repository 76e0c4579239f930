"""One wheel of the portal for all test processes, and one environment for the tests of installed plugins."""

import fcntl
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.external_plugin.environment import Portal, build_wheel, with_the_portal


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The portal's wheel, built by the first test process that asks; the others wait for it."""
    base = tmp_path_factory.getbasetemp()
    # Each process of a parallel run has a folder of its own, beside those of the others.
    shared = (base.parent if base.name.startswith("popen-") else base) / "wheel"
    shared.mkdir(exist_ok=True)
    with (shared / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        built = list(shared.glob("*.whl"))
        return built[0] if built else build_wheel(shared)


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Iterator[Portal]:
    """The portal from its wheel, beside foreign folders called ``plugins``; tests bring their plugins."""
    made = with_the_portal(tmp_path_factory.mktemp("plugins"), wheel)
    for place in (made.place, made.libraries):
        (place / "plugins" / "foreign").mkdir(parents=True)
        (place / "plugins" / "foreign" / "__init__.py").write_text("")
    with Portal(made).running() as portal:
        yield portal
