"""Which installed plugins are left out: by setting, by a list that a command keeps in the home folder, or unmigrated."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

RECORD = "disabled-plugins.json"
UNMIGRATED = "unmigrated-plugins.json"


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
    _write(home / RECORD, sorted(after))
    return True


def unmigrated_plugins(home: Path) -> dict[str, str]:
    """Return plugin → why it is left out, of those whose migrations failed when they were last run."""
    path = home / UNMIGRATED
    found: dict[str, str] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return found


def set_unmigrated(home: Path, failures: Mapping[str, str]) -> None:
    """Keep which plugins' migrations failed, and why; holds from the next start on."""
    if failures:
        _write(home / UNMIGRATED, dict(failures))
    else:
        (home / UNMIGRATED).unlink(missing_ok=True)


def _write(path: Path, content: object) -> None:
    beside = path.with_suffix(".new")
    beside.write_text(json.dumps(content), encoding="utf-8")
    beside.replace(path)
