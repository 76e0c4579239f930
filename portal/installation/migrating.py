"""Brings an installation to the state that the loaded code expects: tables and suggested roles."""

from pathlib import Path

from portal.auth.accounts import ensure_roles
from portal.config import current_config
from portal.hooks.blocking import set_unmigrated, unmigrated_plugins
from portal.hooks.registry import current_registry
from portal.kernel import migrations
from portal.kernel.migrations import MigrationFailed
from portal.kernel.transaction import transaction

#: Exit status of `portal migrate` when the portal is up to date and only plugins failed.
PLUGINS_FAILED = 3


def migration_folders() -> dict[str, Path]:
    """Return owner → folder of revisions: the portal first, then the loaded plugins in their order."""
    declared = current_registry().migrations
    return migrations.histories(
        {owner: (source.package, source.folder) for owner, source in declared.items()}
    )


def migrate_all() -> list[str]:
    """Apply every revision that is missing and make the suggested roles that are; return what was applied.

    Opens its own transactions. Safe to repeat, and to run in two processes one after the other. Plugins whose
    migrations failed are kept on record: until a later call succeeds, the portal starts without them.

    Raises:
        MigrationFailed: naming plugins, revisions and errors, after the others were brought up to date.
    """
    registry = current_registry()
    home = current_config().home
    requires = {plugin.name: plugin.requires for plugin in registry.plugins}
    failed: MigrationFailed | None = None
    try:
        applied = migrations.migrate(migration_folders(), requires)
    except MigrationFailed as error:
        if migrations.CORE in error.facts["failures"]:
            raise
        failed, applied = error, error.facts["applied"]
    loaded = set(requires)
    # What is not loaded now (its package may be broken) was not tried: it stays on record.
    kept = {name: why for name, why in unmigrated_plugins(home).items() if name not in loaded}
    failures = failed.facts["failures"] if failed is not None else {}
    unmigrated = {
        name: f"Its migrations are not applied: {why} Run: portal migrate." for name, why in failures.items()
    }
    set_unmigrated(home, {**kept, **unmigrated})
    with transaction():
        ensure_roles(list(registry.roles.values()))
    if failed is not None:
        raise failed
    return applied
