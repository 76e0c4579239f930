"""Brings an installation to the state that the loaded code expects: tables and suggested roles."""

from pathlib import Path

from portal.auth.accounts import ensure_roles
from portal.hooks.registry import current_registry
from portal.kernel import migrations
from portal.kernel.transaction import transaction


def migration_folders() -> dict[str, Path]:
    """Return owner → folder of revisions: the portal first, then the loaded plugins in their order."""
    declared = current_registry().migrations
    return migrations.histories(
        {owner: (source.package, source.folder) for owner, source in declared.items()}
    )


def migrate_all() -> list[str]:
    """Apply every revision that is missing and make the suggested roles that are; return what was applied.

    Opens its own transactions. Safe to repeat, and to run in two processes one after the other.
    """
    applied = migrations.migrate(migration_folders())
    with transaction():
        ensure_roles(list(current_registry().roles.values()))
    return applied
