"""Removes what a plugin keeps in the database, after writing it to files for whoever wants to keep it."""

import csv
import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import MetaData, Table, inspect, select, text
from sqlalchemy.exc import SAWarning

from portal.hooks.registry import current_registry
from portal.installation.migrating import migration_folders
from portal.jobs.models import Job
from portal.jobs.states import ENDED
from portal.kernel import migrations
from portal.kernel.db import db
from portal.kernel.errors import Conflict, NotFound

BATCH_ROWS = 1_000


@dataclass(frozen=True, kw_only=True)
class RemovedPlugin:
    """What was removed: names of the tables."""

    name: str
    tables: tuple[str, ...]


def tables_of(name: str) -> tuple[str, ...]:
    """Return the names of the tables that a plugin has in the database, its version table last."""
    found = [table for table in inspect(db.engine).get_table_names() if table.startswith(f"{name}_")]
    version = _version_table(name)
    return (
        *sorted(table for table in found if table != version),
        *(table for table in found if table == version),
    )


def export_tables(name: str, folder: Path) -> dict[str, int]:
    """Write each table of a plugin to ``folder/<table>.csv``, streamed; return table to number of rows.

    Raises:
        NotFound: the plugin has no tables.
        Conflict: a file of that name is there already.
    """
    names = [table for table in tables_of(name) if table != _version_table(name)]
    if not names:
        raise NotFound("plugin-has-no-tables", f"No table of the database begins with {name}_.")
    folder.mkdir(parents=True, exist_ok=True)
    if there := [table for table in names if (folder / f"{table}.csv").exists()]:
        raise Conflict("export-exists", f"{folder / there[0]}.csv is there already. Choose an empty folder.")
    metadata = MetaData()
    with warnings.catch_warnings():
        # Indexes over expressions cannot be reflected; the rows are what counts.
        warnings.simplefilter("ignore", SAWarning)
        metadata.reflect(db.engine, only=names, resolve_fks=False)
    return {table: _export(metadata.tables[table], folder / f"{table}.csv") for table in names}


def remove_plugin(name: str) -> RemovedPlugin:
    """Run a plugin's migrations down and forget its history; other plugins' tables stay. Opens its own transactions.

    The plugin must be loaded, because only it knows how its tables were made.

    Raises:
        NotFound: no loaded plugin has this name, or it has no migrations.
        Conflict: another loaded plugin requires it, or jobs of its kinds have not ended.
        MigrationFailed: a revision could not be taken back; it stays.
    """
    registry = current_registry()
    if name not in {plugin.name for plugin in registry.plugins} or name == migrations.CORE:
        loaded = ", ".join(plugin.name for plugin in registry.plugins if plugin.name != migrations.CORE)
        raise NotFound(
            "plugin-not-loaded",
            f"No loaded plugin is called {name!r}, and only a loaded one can take its tables back. Loaded: {loaded}. "
            "Install or enable it first.",
        )
    needing = [plugin.name for plugin in registry.plugins if name in plugin.requires]
    if needing:
        raise Conflict("plugin-required", f"{', '.join(needing)} requires {name}. Remove that first.")
    _refuse_open_jobs(name)
    tables = tables_of(name)
    folder = migration_folders().get(name)
    if folder is not None and tables:
        db.session.remove()
        migrations.downgrade(name, folder, "base")
        _drop_version_table(name)
    return RemovedPlugin(name=name, tables=tables)


def _refuse_open_jobs(name: str) -> None:
    kinds = [kind for kind in current_registry().job_kinds if kind.startswith(f"{name}.")]
    found = db.session.scalar(select(Job.title).where(Job.kind.in_(kinds), Job.state.not_in(ENDED)).limit(1))
    if found is not None:
        raise Conflict("plugin-in-work", f"The job {found!r} has not ended. Cancel it, or let it end.")


def _export(table: Table, path: Path) -> int:
    count = 0
    with db.engine.connect() as connection, path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(column.name for column in table.columns)
        streamed = connection.execution_options(yield_per=BATCH_ROWS).execute(select(table))
        for row in streamed:
            writer.writerow(_cells(row))
            count += 1
    return count


def _cells(row: Sequence[Any]) -> list[str]:
    return ["" if value is None else value if isinstance(value, str) else _plain(value) for value in row]


def _plain(value: Any) -> str:
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return value.hex() if isinstance(value, bytes) else str(value)


def _drop_version_table(name: str) -> None:
    with db.engine.begin() as connection:
        connection.execute(text(f"DROP TABLE IF EXISTS {_version_table(name)}"))


def _version_table(name: str) -> str:
    return f"{name}_alembic_version"
