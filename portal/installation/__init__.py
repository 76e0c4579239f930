"""What is installed: tables at the newest revision, and plugins that go."""

from portal.installation.migrating import PLUGINS_FAILED, migrate_all, migration_folders
from portal.installation.overview import (
    InstalledPlugin,
    PluginState,
    installed_plugin,
    installed_plugins,
)
from portal.installation.removing import RemovedPlugin, export_tables, remove_plugin, tables_of
from portal.kernel.migrations import MigrationFailed

__all__ = [
    "PLUGINS_FAILED",
    "InstalledPlugin",
    "MigrationFailed",
    "PluginState",
    "RemovedPlugin",
    "export_tables",
    "installed_plugin",
    "installed_plugins",
    "migrate_all",
    "migration_folders",
    "remove_plugin",
    "tables_of",
]
