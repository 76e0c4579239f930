"""An installed plugin that breaks a rule is left out with its reason, and the portal starts without it."""

import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from portal.app import create_app
from portal.config import PortalConfig
from portal.hooks.blocking import set_unmigrated
from portal.hooks.declarations import PluginProblem
from portal.hooks.registry import REGISTRY_KEY, Registry
from portal.kernel.errors import PluginLoadError
from portal.kernel.mapping import forget_models

HEAD = """
from portal.sdk import *
from portal.sdk import Base, MigrationSource, Permission, Role, hookimpl
from sqlalchemy import ForeignKey, Integer
from sqlalchemy.orm import Mapped, mapped_column, relationship

PORTAL_API = "1"
"""

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    folder = tmp_path / "installed"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    names: list[str] = []

    def install(name: str, code: str) -> None:
        module = f"package_of_{name}_{tmp_path.name}"
        (folder / f"{module}.py").write_text(HEAD + textwrap.dedent(code))
        info = folder / f"{module}-1.5.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.5\n")
        (info / "RECORD").write_text(f"{module}.py,,\n")
        (info / "entry_points.txt").write_text(f"[portal.plugins]\n{name} = {module}\n")
        names.append(name)

    yield install
    for name in names:
        forget_models(name)


@pytest.fixture
def config(tmp_path: Path) -> PortalConfig:
    config = PortalConfig.load(home=tmp_path / "home")
    config.make_home()
    return config


def started(config: PortalConfig, **options: bool) -> tuple[set[str], dict[str, PluginProblem]]:
    """Start the portal, ask for its core page, and return the plugins that are loaded and the problems."""
    app = create_app(config, **options)
    assert app.test_client().get("/health/live").status_code == 200
    registry: Registry = app.extensions[REGISTRY_KEY]
    return {item.name for item in registry.plugins}, {item.name: item for item in registry.problems}


BUNDLED = {"portal", "admissions", "enrollments", "submissions"}

BROKEN = {
    "a misspelt hook": (
        "@hookimpl\ndef portal_permisions():\n    return ()",
        "Did it mean portal_permissions?",
    ),
    "a wrong declaration": (
        "@hookimpl\ndef portal_roles():\n    return ['clerk']",
        "each item must be a Role",
    ),
    "no sequence at all": ("@hookimpl\ndef portal_roles():\n    return 5", "TypeError"),
    "a hook that raises": ("@hookimpl\ndef portal_models():\n    1 / 0", "ZeroDivisionError"),
    "a prefix that is another's": (
        "@hookimpl\ndef portal_permissions():\n    return [Permission(name='admissions.x', title='X')]",
        "must start with 'grotto.'",
    ),
    "a role of a bundled plugin": (
        "@hookimpl\ndef portal_roles():\n    return [Role(name='registrar', title='R', permissions=frozenset())] * 2",
        "both declare 'registrar'",
    ),
    "settings without defaults": (
        (
            "from pydantic import BaseModel\n"
            "class GrottoSettings(BaseModel):\n    fee: int\n"
            "@hookimpl\ndef portal_settings():\n    return [SettingsDeclaration(title='L', model=GrottoSettings)]"
        ),
        "fee needs a default",
    ),
    "migrations that are not there": (
        "@hookimpl\ndef portal_migrations():\n    return [MigrationSource(package='plugins.admissions', folder='nowhere')]",
        "which is no folder",
    ),
    "a foreign table": (
        (
            "class GrottoLoan(Base):\n    __tablename__ = 'grotto_loan'\n"
            "    id: Mapped[int] = mapped_column(primary_key=True)\n"
            "    other: Mapped[int] = mapped_column(ForeignKey('quarry_item.id'))\n"
            "@hookimpl\ndef portal_models():\n    return [GrottoLoan]"
        ),
        "grotto_loan of grotto refers to quarry_item.id",
    ),
    "a model that leads nowhere": (
        (
            "class GrottoShelf(Base):\n    __tablename__ = 'grotto_shelf'\n"
            "    id: Mapped[int] = mapped_column(primary_key=True)\n"
            "    books = relationship('NoSuchBook')\n"
            "@hookimpl\ndef portal_models():\n    return [GrottoShelf]"
        ),
        "NoSuchBook",
    ),
    "an unknown requirement": ("REQUIRES = ('zither',)", "requires zither"),
}


@pytest.mark.parametrize(("code", "says"), BROKEN.values(), ids=BROKEN)
def test_a_broken_plugin_is_left_out_with_reason_and_remedy(
    install: Install, config: PortalConfig, code: str, says: str
) -> None:
    install("grotto", code)
    loaded, problems = started(config)
    assert loaded == BUNDLED
    assert says in problems["grotto"].message
    assert "portal plugins disable grotto" in problems["grotto"].text


def test_of_two_that_clash_the_later_one_goes_and_whoever_requires_it(
    install: Install, config: PortalConfig
) -> None:
    role = (
        "@hookimpl\ndef portal_roles():\n    return [Role(name='keeper', title='K', permissions=frozenset())]"
    )
    install("atoll", role)
    install("quarry", role)
    install("zither", "REQUIRES = ('quarry',)")
    loaded, problems = started(config)
    assert loaded == {*BUNDLED, "atoll"}
    assert "atoll and quarry both declare 'keeper'" in problems["quarry"].message
    assert "requires quarry" in problems["zither"].message


def test_a_bundled_plugin_wins_over_one_that_comes_before_it(install: Install, config: PortalConfig) -> None:
    app = create_app(config)
    (role, *_) = [
        name for name, item in app.extensions[REGISTRY_KEY].roles.items() if "admissions." in str(item)
    ]
    install(
        "aardvark",
        f"@hookimpl\ndef portal_roles():\n    return [Role(name={role!r}, title='K', permissions=frozenset())]",
    )
    loaded, problems = started(config)
    assert loaded == BUNDLED
    assert f"aardvark and admissions both declare {role!r}" in problems["aardvark"].message


def test_a_plugin_is_recorded_as_hiding_rows_only_when_it_could_be_used(
    install: Install, config: PortalConfig
) -> None:
    install(
        "secrecy",
        "@hookimpl\ndef portal_narrow_rows(actor):\n    return None\n@hookimpl\ndef portal_roles():\n    return 5",
    )
    assert started(config)[0] == BUNDLED
    assert started(config)[0] == BUNDLED


def test_a_plugin_whose_migrations_failed_is_left_out_unless_it_is_to_be_migrated(
    install: Install, config: PortalConfig
) -> None:
    install("grotto", "")
    set_unmigrated(config.home, {"grotto": "Its migrations are not applied."})
    loaded, problems = started(config)
    assert (loaded, problems["grotto"].message) == (BUNDLED, "Its migrations are not applied.")
    assert started(config, with_unmigrated=True)[0] == {*BUNDLED, "grotto"}


def test_a_fault_of_a_plugin_that_hides_rows_stops_the_start(install: Install, config: PortalConfig) -> None:
    install("secrecy", "@hookimpl\ndef portal_narrow_rows(actor):\n    return None")
    assert started(config)[0] == {*BUNDLED, "secrecy"}
    set_unmigrated(config.home, {"secrecy": "Its migrations are not applied."})
    with pytest.raises(PluginLoadError, match="hide rows from people: secrecy"):
        create_app(config)
