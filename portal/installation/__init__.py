"""What is installed: tables at the newest revision, and plugins that go."""

from portal.installation.migrating import migrate_all, migration_folders
from portal.installation.removing import RemovedPlugin, export_tables, remove_plugin, tables_of

__all__ = [
    "RemovedPlugin",
    "export_tables",
    "migrate_all",
    "migration_folders",
    "remove_plugin",
    "tables_of",
]
