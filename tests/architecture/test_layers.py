"""Every import contract turns red when it is broken.

`make check` runs the contracts on the house itself. Here each one is shown a house of empty modules that has one
forbidden import, and must refuse it; without that import it must be content.
"""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.architecture.trees import ROOT

PLUGINS = ("admissions", "enrollments", "submissions")
PLUGIN_MODULES = (
    "plugin",
    "admin",
    "commands",
    "demo",
    "jobs",
    "forms",
    "api",
    "models",
    "permissions",
    "errors",
    "hooks",
)

#: Contract → (module that is given the import, what it imports).
BREACHES = {
    "rooms": ("portal/kernel/__init__.py", "portal.jobs"),
    "host": ("portal/jobs/__init__.py", "plugins.admissions.models"),
    "strangers": ("plugins/enrollments/api.py", "plugins.admissions.api"),
    "surface": ("plugins/admissions/api.py", "portal.kernel"),
    "business": ("plugins/admissions/models.py", "portal.sdk.web"),
    "plugin-layers": ("plugins/admissions/models.py", "plugins.admissions.api"),
}


def contracts() -> dict[str, dict[str, object]]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return {contract["id"]: contract for contract in settings["tool"]["importlinter"]["contracts"]}


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A house of empty modules with the real contracts."""
    rooms = {
        path.name.removesuffix(".py") for path in (ROOT / "portal").iterdir() if path.suffix in {"", ".py"}
    }
    modules = [f"portal/{room}/__init__.py" for room in rooms - {"__init__", "__pycache__"}]
    modules += [
        "portal/__init__.py",
        *(f"portal/sdk/{part}.py" for part in ("jobs", "documents", "web", "rest")),
    ]
    modules += [f"plugins/{plugin}/{name}.py" for plugin in PLUGINS for name in ("__init__", *PLUGIN_MODULES)]
    for module in modules:
        path = tmp_path / module
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    return tmp_path


def lint(house: Path, *contract_ids: str) -> "subprocess.CompletedProcess[str]":
    program = Path(sys.executable).with_name("lint-imports")
    chosen = [part for name in contract_ids for part in ("--contract", name)]
    environment = {**os.environ, "PYTHONPATH": str(house)}
    return subprocess.run(
        [str(program), "--no-cache", *chosen],
        cwd=house,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_house_without_a_forbidden_import_passes(house: Path) -> None:
    answer = lint(house)

    assert answer.returncode == 0, answer.stdout


def test_every_contract_has_a_breach_here() -> None:
    assert set(contracts()) == set(BREACHES)


@pytest.mark.parametrize("contract", BREACHES)
def test_contract_refuses_its_breach(house: Path, contract: str) -> None:
    module, forbidden = BREACHES[contract]
    (house / module).write_text(f"import {forbidden}\n", encoding="ascii")

    answer = lint(house, contract)

    assert answer.returncode == 1, answer.stdout
    assert "BROKEN" in answer.stdout


def test_plugins_are_kept_out_of_every_room() -> None:
    rooms = {
        f"portal.{path.name.removesuffix('.py')}"
        for path in (ROOT / "portal").iterdir()
        if path.suffix in {"", ".py"}
    }

    assert (
        rooms
        - {"portal.__init__", "portal.__pycache__", "portal.sdk"}
        - set(contracts()["surface"]["forbidden_modules"])
        == set()
    )
