"""Runs the Alembic histories: the portal's first, then each plugin's, every owner with its own version table."""

import warnings
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from importlib.metadata import distribution
from pathlib import Path
from types import MappingProxyType

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from portal.kernel.db import Base, db
from portal.kernel.errors import PortalError
from portal.kernel.search_indexes import PREFIX, kept_through_rebuilds, missing_indexes

CORE = "portal"
#: In a checkout beside the package; an installation from a wheel has it among the package's shared files.
_CHECKOUT = Path(__file__).resolve().parents[2] / "migrations"
_SHARED = "share/campus-portal/migrations/env.py"


def _environment() -> Path:
    if (_CHECKOUT / "env.py").is_file():
        return _CHECKOUT
    for file in distribution("campus-portal").files or ():
        if file.as_posix().endswith(_SHARED):
            return Path(str(file.locate())).resolve().parent
    raise FileNotFoundError(f"the package campus-portal was installed without {_SHARED}")


ENVIRONMENT = _environment()


class MigrationFailed(PortalError):
    """A revision could not be applied; everything of that revision is rolled back."""


def histories(sources: Mapping[str, tuple[str, str]]) -> dict[str, Path]:
    """Return owner → folder of revisions; ``sources`` maps a plugin to its package and folder.

    Raises:
        MigrationFailed: when a declared folder does not exist.
    """
    folders = {CORE: ENVIRONMENT / "versions"}
    for owner, (package, folder) in sources.items():
        folders[owner] = Path(next(iter(import_module(package).__path__))) / folder
        if not folders[owner].is_dir():
            raise MigrationFailed("no-migrations", f"{owner} declares {folders[owner]}, which is no folder.")
    return folders


def migrate(
    folders: Mapping[str, Path], requires: Mapping[str, Collection[str]] = MappingProxyType({})
) -> list[str]:
    """Bring every owner to its head, in the given order, and return ``owner: revision`` of what was applied.

    Each revision runs in one real transaction; on SQLite foreign keys are off while tables are rebuilt and checked
    before the commit. A plugin whose revision fails stays where it was, with those that require it; the others go on.

    Args:
        folders: Owner → folder of revisions.
        requires: Plugin → the plugins that it needs.

    Raises:
        MigrationFailed: after all were tried; ``facts["failures"]`` maps the owners to reasons, ``facts["applied"]``
            is what would have been returned. At once when the portal's own history fails.
    """
    applied: list[str] = []
    failures: dict[str, str] = {}
    for owner, folder in folders.items():
        needed = [name for name in requires.get(owner, ()) if name in failures]
        if needed:
            failures[owner] = f"It requires {', '.join(needed)}, whose migrations failed."
            continue
        failure = _bring_to_head(owner, folder, applied)
        if failure:
            failures[owner] = failure
            if owner == CORE:
                break
    if failures:
        raise MigrationFailed(
            "migration-failed", " ".join(failures.values()), {"failures": failures, "applied": applied}
        )
    return applied


def _bring_to_head(owner: str, folder: Path, applied: list[str]) -> str:
    """Apply what an owner misses; return what went wrong, or nothing."""
    try:
        missing = _missing(owner, folder)
    except Exception as error:  # noqa: BLE001 - a history is the plugin's own code
        return f"The migrations of {owner} cannot be read: {type(error).__name__}: {error}"
    for revision in missing:
        try:
            _step(owner, folder, partial(_upgrade, revision=revision))
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the others go on
            return f"Revision {revision} of {owner} failed and was rolled back: {error}"
        applied.append(f"{owner}: {revision}")
    return ""


def downgrade(owner: str, folder: Path, target: str) -> None:
    """Run one owner's history down to ``target`` (``base`` removes all its tables)."""
    _step(owner, folder, lambda config: command.downgrade(config, target))


def pending(folders: Mapping[str, Path]) -> dict[str, list[str]]:
    """Return owner → revisions not applied yet; owners that are at their head are absent."""
    waiting = {owner: _missing(owner, folder) for owner, folder in folders.items()}
    return {owner: revisions for owner, revisions in waiting.items() if revisions}


def history(owner: str, folder: Path) -> list[tuple[str, bool]]:
    """Return an owner's revisions, oldest first, each with whether it is applied. One or two statements."""
    scripts = ScriptDirectory.from_config(_config(owner, folder))
    with db.engine.connect() as connection:
        options = {"version_table": f"{owner}_alembic_version"}
        current = MigrationContext.configure(connection, opts=options).get_current_heads()
    upwards = list(scripts.iterate_revisions("heads", "base"))
    done = {item.revision for head in current for item in scripts.iterate_revisions(head, "base")}
    return [(item.revision, item.revision in done) for item in reversed(upwards)]


def drift(owner: str) -> list[str]:
    """Return the differences between the owner's models and its tables, as text; empty means none."""

    def mine(item: object, name: str | None, kind: str, reflected: bool, compared: object) -> bool:
        if kind == "index":
            return not (name and name.startswith(PREFIX))
        return kind != "table" or bool(
            name and name.startswith(f"{owner}_") and not name.endswith("alembic_version")
        )

    with db.engine.connect() as connection, warnings.catch_warnings():
        # Indexes over expressions are compared by name, below.
        warnings.filterwarnings("ignore", "(?i).*expression.based index")
        context = MigrationContext.configure(connection, opts={"include_object": mine, "compare_type": False})
        found = [str(difference) for difference in compare_metadata(context, Base.metadata)]
        return found + missing_indexes(connection, owner)


def _config(owner: str, folder: Path, connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(ENVIRONMENT))
    config.set_main_option("version_locations", str(folder))
    config.set_main_option("path_separator", "newline")
    config.attributes["owner"] = owner
    config.attributes["connection"] = connection
    return config


def _missing(owner: str, folder: Path) -> list[str]:
    return [revision for revision, is_applied in history(owner, folder) if not is_applied]


def _step(owner: str, folder: Path, action: Callable[[Config], None]) -> None:
    with _connected() as connection:
        sqlite = connection.dialect.name == "sqlite"
        if sqlite:
            # Rebuilding a parent table would otherwise empty the tables that cascade from it.
            _foreign_keys(connection, "OFF")
        try:
            with connection.begin(), kept_through_rebuilds(connection):
                action(_config(owner, folder, connection))
                if sqlite:
                    _refuse_broken_keys(connection)
        finally:
            if sqlite:
                _foreign_keys(connection, "ON")


def _foreign_keys(connection: Connection, switch: str) -> None:
    """Switch SQLite's foreign keys at the driver: inside a transaction, which SQLAlchemy opens, it would do nothing."""
    cursor = connection.connection.cursor()
    cursor.execute(f"PRAGMA foreign_keys={switch}")
    cursor.close()


def _upgrade(config: Config, revision: str) -> None:
    command.upgrade(config, revision)


def _refuse_broken_keys(connection: Connection) -> None:
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
    if broken:
        raise MigrationFailed(
            "foreign-keys", f"{len(broken)} rows would refer to nothing; first: {tuple(broken[0])}"
        )


@contextmanager
def _connected() -> Iterator[Connection]:
    with db.engine.connect() as connection:
        yield connection
