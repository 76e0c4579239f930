"""Rule: migrations make what the models say, go down to nothing, and come up again, on a database of their own."""

from collections.abc import Mapping
from pathlib import Path

from flask import Flask
from sqlalchemy import inspect

from portal.kernel import migrations
from portal.kernel.db import db
from portal.testing.conformance.declarations import Declared
from portal.testing.conformance.findings import Findings


def check_migrations(declared: Declared, url: str, findings: Findings) -> None:
    """Run the portal's history and the plugin's on an empty database, up, down and up again; note what goes wrong.

    Args:
        declared: The plugin.
        url: Of an empty database.
        findings: Takes what is found.
    """
    sources = declared.get("portal_migrations")
    models = declared.get("portal_models")
    if not sources:
        if models:
            findings.add(
                "hook portal_migrations",
                "it declares no history, but the plugin has tables.",
                "Declare MigrationSource.",
            )
        return
    app = Flask("portal")
    app.config.update(SQLALCHEMY_DATABASE_URI=url, SQLALCHEMY_ENGINE_OPTIONS={"hide_parameters": True})
    db.init_app(app)
    engine = url.partition("+")[0].partition(":")[0]
    with app.app_context():
        with findings.noting(f"migrations on {engine}", "they fail", "Mend the history; then check again."):
            source = sources[0]
            folders = migrations.histories({declared.name: (source.package, source.folder)})
            _walk(declared.name, folders, f"migrations on {engine}", findings)
        db.engine.dispose()


def _walk(name: str, folders: Mapping[str, Path], where: str, findings: Findings) -> None:
    migrations.migrate({migrations.CORE: folders[migrations.CORE]})
    before = _tables()
    migrations.migrate(folders)
    _compare(name, where, findings)
    strays = [table for table in _tables() - before if not table.startswith(f"{name}_")]
    if strays:
        findings.add(
            where,
            f"they make {', '.join(sorted(strays))}, which does not begin with '{name}_'.",
            "Rename the table.",
        )
    migrations.downgrade(name, folders[name], "base")
    left = _tables() - before - {f"{name}_alembic_version"}
    if left:
        findings.add(
            where,
            f"after going down to nothing {', '.join(sorted(left))} is still there.",
            "Let downgrade() drop what upgrade() made.",
        )
    if gone := before - _tables():
        findings.add(
            where, f"going down removes {', '.join(sorted(gone))}.", "Drop only what upgrade() made."
        )
    migrations.migrate(folders)
    _compare(name, f"{where}, the second time", findings)


def _compare(name: str, where: str, findings: Findings) -> None:
    for difference in migrations.drift(name):
        findings.add(
            where,
            f"the tables differ from the models: {difference}.",
            "Write a revision for it; see docs/how-to/add-a-migration.md.",
        )


def _tables() -> set[str]:
    return set(inspect(db.engine).get_table_names())
