"""The keys that activation codes are computed with: their own file, two valid while one replaces the other."""

import json
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from portal.config import current_config

FILE_NAME = "activation-keys.json"


@dataclass(frozen=True, kw_only=True)
class ActivationKeys:
    """Key id → key; ``current`` is the one for new codes."""

    current: str
    keys: dict[str, str]


def load_keys() -> ActivationKeys:
    """Return the keys, made on the first use (mode 600, in the home folder)."""
    path = _path()
    if not path.exists():
        # Whoever is second to link keeps the first one's keys.
        temporary = _write(path, ActivationKeys(current="k1", keys={"k1": secrets.token_urlsafe(32)}))
        with suppress(FileExistsError):
            os.link(temporary, path)
        temporary.unlink()
    content = json.loads(path.read_text(encoding="utf-8"))
    return ActivationKeys(current=content["current"], keys=content["keys"])


def rotate_keys() -> ActivationKeys:
    """Start a new key and keep only the one before it; codes of older keys end. Return the keys."""
    old = load_keys()
    number = int(old.current.removeprefix("k")) + 1
    current = f"k{number}"
    new = ActivationKeys(
        current=current, keys={old.current: old.keys[old.current], current: secrets.token_urlsafe(32)}
    )
    _write(_path(), new).replace(_path())
    return new


def _path() -> Path:
    return current_config().home / FILE_NAME


def _write(path: Path, keys: ActivationKeys) -> Path:
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    descriptor = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump({"current": keys.current, "keys": keys.keys}, file)
        file.flush()
        os.fsync(file.fileno())
    return temporary
