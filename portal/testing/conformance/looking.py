"""Looks at one plugin, rule by rule, and collects what is found."""

import sys
import tempfile
from collections.abc import Collection
from importlib import import_module
from pathlib import Path
from types import ModuleType

from portal.testing.conformance.declarations import (
    Declared,
    check_declarations,
    check_templates,
    known_permissions,
)
from portal.testing.conformance.findings import Findings
from portal.testing.conformance.histories import check_migrations
from portal.testing.conformance.identity import check_identity, load_plugin
from portal.testing.conformance.imports import check_imports
from portal.testing.conformance.routes import check_routes
from portal.testing.conformance.signatures import check_hooks
from portal.testing.conformance.source import PluginSource, installed_packages
from portal.testing.conformance.tables import check_tables
from portal.testing.postgresql import PostgresqlServer

_DATABASE = "portal_conformance"


def look(
    package: str, tests: Path | None, open_routes: Collection[str], postgresql: PostgresqlServer | None
) -> Findings:
    """Return what one plugin breaks; see :func:`portal.testing.assert_plugin_conforms`."""
    source = PluginSource(package, tests)
    findings = Findings(package.rpartition(".")[2])
    with findings.noting("source", "a file cannot be read", "Mend that first; then check again."):
        check_imports(source, findings)
    module = load_plugin(source, findings)
    if module is None:
        return findings
    name = getattr(module, "NAME", None)
    name = findings.plugin = name if isinstance(name, str) else findings.plugin
    check_identity(source, module, findings)
    required = _required(module)
    check_hooks(name, module, required, findings)
    declared = Declared(name, module, findings)
    check_declarations(declared, known_permissions(declared, required, findings), findings)
    check_templates(source.folder, name, required, findings)
    check_tables(declared, package, findings)
    with tempfile.TemporaryDirectory() as folder:
        check_routes(name, module, Path(folder) / "home", open_routes, findings)
        check_migrations(declared, f"sqlite:///{Path(folder) / 'conformance.sqlite3'}", findings)
    if postgresql is not None:
        postgresql.create(_DATABASE)
        check_migrations(declared, postgresql.url(_DATABASE), findings)
    return findings


def _required(module: ModuleType) -> dict[str, ModuleType]:
    """Return plugin → module of what the plugin requires, as far as it is installed."""
    packages = installed_packages()
    requires = getattr(module, "REQUIRES", ())
    names = [name for name in requires if name in packages] if isinstance(requires, tuple) else []
    for name in names:
        import_module(f"{packages[name]}.plugin")
    return {name: sys.modules[f"{packages[name]}.plugin"] for name in names}
