"""The public surface changes only when somebody means it to."""

import difflib
import importlib
import pkgutil

import portal.sdk
from portal import __version__
from portal.testing.surface import SDK_MODULES, old_names, surface_of
from tests.architecture.surfaces import BUNDLED, accepted_surface, public_surface
from tests.architecture.trees import ROOT

HOW = """The public surface has changed (- accepted, + now):

{changes}

Not meant: mend the code. Meant:
  1. A name that goes, or takes something else, stays for one release: see docs/adr/0010-public-surface.md.
  2. Write into docs/changelog.md, under "For plugin authors", what is new, changed or deprecated.
  3. python -m tests.architecture.accept_surface && python docs/generate.py
"""


def test_the_public_surface_is_the_accepted_one() -> None:
    accepted, now = accepted_surface(), public_surface()
    changes = [
        line
        for name in sorted({*accepted, *now})
        for line in difflib.unified_diff(
            accepted.get(name, "").splitlines(), now.get(name, "").splitlines(), name, name, "", "", 0, ""
        )
    ]

    assert not changes, HOW.format(changes="\n".join(changes))


def test_every_part_of_the_sdk_is_in_the_snapshot() -> None:
    parts = {f"portal.sdk.{item.name}" for item in pkgutil.iter_modules(portal.sdk.__path__)}

    assert {"portal.sdk", *parts} == set(SDK_MODULES)


def test_every_public_function_and_class_says_what_it_does() -> None:
    silent = [
        f"{module}.{entry.name}"
        for module in SDK_MODULES
        for entry in surface_of(module)
        if entry.kind in ("function", "context manager", "class", "dataclass", "exception", "enum", "table")
        and not entry.summary
        and not entry.text.startswith("of ")
    ]

    assert silent == []


def test_no_old_name_outlives_its_release() -> None:
    overdue = [
        f"{module}.{name}: {old}"
        for module in SDK_MODULES
        for name, old in old_names(importlib.import_module(module)).items()
        if old.is_overdue(__version__)
    ]

    assert overdue == []


def test_type_checkers_of_others_read_what_is_public() -> None:
    packages = [ROOT / "portal", *(ROOT / name.replace(".", "/") for name in BUNDLED)]

    assert [package.name for package in packages if not (package / "py.typed").is_file()] == []
