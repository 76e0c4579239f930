"""Which installed plugins the operator leaves out: by setting, and by a list that a command keeps in the home folder."""

import json
from collections.abc import Iterable
from pathlib import Path

RECORD = "disabled-plugins.json"


def disabled_plugins(home: Path) -> frozenset[str]:
    """Return the names on the list; it lies in the home folder, because the start sequence touches no database."""
    path = home / RECORD
    return frozenset(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else frozenset()


def blocked_plugins(home: Path, by_setting: Iterable[str]) -> frozenset[str]:
    """Return the names that are not loaded: those of the setting and those on the list."""
    return disabled_plugins(home) | frozenset(by_setting)


def set_disabled(home: Path, name: str, *, disabled: bool) -> bool:
    """Put a name on the list or take it off; return whether that changed anything. Holds from the next start on."""
    before = disabled_plugins(home)
    after = before | {name} if disabled else before - {name}
    if after == before:
        return False
    path = home / RECORD
    beside = path.with_suffix(".new")
    beside.write_text(json.dumps(sorted(after)), encoding="utf-8")
    beside.replace(path)
    return True
