"""Rule: ``plugin.py`` says which portal it is for, what it is called, and which plugins it needs."""

import importlib
from types import ModuleType

from portal.hooks.discovery import NAME_RULE, RESERVED_NAMES
from portal.testing.conformance.findings import Findings
from portal.testing.conformance.source import PluginSource, installed_packages


def load_plugin(source: PluginSource, findings: Findings) -> ModuleType | None:
    """Import ``plugin.py`` and return it; None, with a finding, when that fails."""
    where = f"{source.folder.name}/plugin.py"
    if not (source.folder / "plugin.py").is_file():
        findings.add(where, "is missing; a plugin's hooks stand there.", "Add it; see docs/tutorial.")
        return None
    with findings.noting(where, "it cannot be imported", "Mend that first; then check again."):
        return importlib.import_module(source.module_name)
    return None


def check_identity(source: PluginSource, module: ModuleType, findings: Findings) -> None:
    """Note a ``PORTAL_API``, ``NAME`` or ``REQUIRES`` that is missing or wrong."""
    where = f"{source.folder.name}/plugin.py"
    version = getattr(module, "PORTAL_API", None)
    if not isinstance(version, str) or not version:
        findings.add(
            where,
            f"PORTAL_API is {version!r}; it names the portal API that the plugin was written for.",
            'Write PORTAL_API = "1".',
        )
    _check_name(source, module, where, findings)
    _check_requires(source, module, where, findings)


def _check_name(source: PluginSource, module: ModuleType, where: str, findings: Findings) -> None:
    name = getattr(module, "NAME", None)
    if not isinstance(name, str) or not NAME_RULE.fullmatch(name) or name in RESERVED_NAMES:
        findings.add(
            where,
            f"NAME is {name!r}; a name has 3 to 20 letters a-z and is not one of the portal's own.",
            'Write NAME = "…" with the name that begins its tables and permissions.',
        )
        return
    entries = [entry for entry, package in installed_packages().items() if package == source.package]
    if entries and name not in entries:
        findings.add(
            where,
            f"NAME is {name!r} but the entry point in pyproject.toml says {entries[0]!r}.",
            "Give both the same name.",
        )


def _check_requires(source: PluginSource, module: ModuleType, where: str, findings: Findings) -> None:
    requires = getattr(module, "REQUIRES", ())
    if not isinstance(requires, tuple) or not all(isinstance(item, str) for item in requires):
        findings.add(
            where,
            f"REQUIRES is {requires!r}; it is a tuple of plugin names.",
            'Write REQUIRES = ("admissions",).',
        )
        return
    installed = installed_packages()
    for name in requires:
        if installed.get(name, source.package) == source.package:
            findings.add(
                where,
                f"REQUIRES names {name!r}, which is not another installed plugin.",
                f"Installed: {', '.join(sorted(installed)) or 'none'}.",
            )
