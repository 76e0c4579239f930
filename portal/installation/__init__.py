"""What is installed: tables at the newest revision, and plugins that go."""

from portal.installation.migrating import PLUGINS_FAILED, migrate_all, migration_folders
from portal.installation.removing import RemovedPlugin, export_tables, remove_plugin, tables_of
from portal.kernel.migrations import MigrationFailed

__all__ = [
    "PLUGINS_FAILED",
    "MigrationFailed",
    "RemovedPlugin",
    "export_tables",
    "migrate_all",
    "migration_folders",
    "remove_plugin",
    "tables_of",
]
