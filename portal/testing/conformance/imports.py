"""Rule: a plugin imports ``portal.sdk``, itself, libraries, and the public part of plugins that it requires."""

import importlib
import pkgutil

import portal.sdk
from portal.testing.conformance.findings import Findings
from portal.testing.conformance.source import (
    BUSINESS,
    Imported,
    PluginSource,
    SourceFile,
    found_module,
    imports_of,
    installed_packages,
    public_names,
)
from portal.testing.surface import old_names

SDK = "portal.sdk"
TESTING = "portal.testing"
#: Parts of the surface that bring no panel, queue or renderer with them.
LIGHT_PARTS = frozenset({SDK, "portal.sdk.metrics"})
#: Libraries that business code does without.
HEAVY_LIBRARIES = frozenset({"flask", "flask_admin", "rq", "redis", "weasyprint", "pydyf"})
#: What another plugin may import of a plugin that it requires.
PUBLIC_PARTS = ("api", "hooks")


def check_imports(source: PluginSource, findings: Findings) -> None:
    """Note every import that a plugin must not make; reads files, runs nothing."""
    others = {name: package for name, package in installed_packages().items() if package != source.package}
    required = source.stated("REQUIRES") or ()
    for file in source.files:
        for imported in imports_of(file):
            where = f"{file.shown}:{imported.line}"
            top = imported.module.partition(".")[0]
            if top == "portal":
                _check_portal(source, file, imported, where, findings)
            else:
                _check_plugins(others, required, imported, where, findings)
            if source.room_of(file) in BUSINESS and top in HEAVY_LIBRARIES:
                findings.add(
                    where,
                    f"imports {top}; {', '.join(sorted(BUSINESS))} do without web, queue and renderer.",
                    "Move what needs it to admin, rest, jobs or documents.",
                )


def _check_portal(
    source: PluginSource, file: SourceFile, imported: Imported, where: str, findings: Findings
) -> None:
    is_business = source.room_of(file) in BUSINESS
    for module, name in _targets(imported, {"portal", SDK, TESTING}):
        if _below(module, TESTING):
            if not file.is_test:
                findings.add(
                    where, f"imports {module}; portal.testing is for tests.", "Import it in tests only."
                )
        elif not _below(module, SDK):
            findings.add(
                where,
                f"imports {module}, which is the inside of the portal and changes without notice.",
                f"Import what you need from {SDK} or one of its parts{_also_there(name)}.",
            )
        elif is_business and module not in LIGHT_PARTS:
            findings.add(
                where,
                f"imports {module}; {', '.join(sorted(BUSINESS))} see only {', '.join(sorted(LIGHT_PARTS))}.",
                "Move what needs it to admin, rest, jobs or documents.",
            )
        elif _offers(module, name) is False:
            findings.add(where, f"imports {name} from {module}, which does not offer it.", _offered_by(name))


def _check_plugins(
    others: dict[str, str],
    required: tuple[str, ...],
    imported: Imported,
    where: str,
    findings: Findings,
) -> None:
    parents = {part for package in others.values() for part in _parents(package)}
    parents |= {f"{package}.{part}" for package in others.values() for part in PUBLIC_PARTS}
    for module, name in _targets(imported, parents | set(others.values())):
        owner = next((plugin for plugin, package in others.items() if _below(module, package)), None)
        if owner is None:
            continue
        package = others[owner]
        if owner not in required:
            findings.add(
                where,
                f"imports {module} of the plugin {owner}, which REQUIRES does not name.",
                f"Meet it through hooks, or add {owner!r} to REQUIRES.",
            )
        elif not any(_below(module, f"{package}.{part}") for part in PUBLIC_PARTS):
            findings.add(
                where,
                f"imports {module}, which is the inside of the plugin {owner}.",
                f"Only {package}.api and {package}.hooks are public.",
            )
        elif _below(module, f"{package}.api") and not _offers(module, name):
            findings.add(
                where,
                f"imports {name or module} from {module}, which does not name it in __all__.",
                f"What is public in {package}.api stands in the __all__ of its modules.",
            )


def _targets(imported: Imported, parents: set[str]) -> list[tuple[str, str]]:
    """Return (module, name) for what is imported; a module that is imported as a name of its parent counts as such."""
    if not imported.names:
        return [(imported.module, "")]
    return [
        (f"{imported.module}.{name}", "")
        if imported.module in parents
        and name not in (public_names(imported.module) or ())
        and found_module(f"{imported.module}.{name}") is not None
        else (imported.module, name)
        for name in imported.names
    ]


def _offers(module: str, name: str) -> bool | None:
    """Say whether a module offers a name, an old one included; None when it does not say what is public."""
    public = public_names(module)
    if public is None:
        return None
    return name in (public | {"", "*"}) or name in old_names(importlib.import_module(module))


def _parents(package: str) -> set[str]:
    parts = package.split(".")
    return {".".join(parts[:count]) for count in range(1, len(parts))}


def _below(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def _also_there(name: str) -> str:
    places = _places(name)
    return f"; {name} is in {places[0]}" if places else ""


def _offered_by(name: str) -> str:
    places = _places(name)
    return f"It is in {', '.join(places)}." if places else "See docs/reference/sdk.md for what there is."


def _places(name: str) -> list[str]:
    parts = [SDK, *(f"{SDK}.{item.name}" for item in pkgutil.iter_modules(portal.sdk.__path__))]
    return [part for part in parts if name and name in (public_names(part) or ())]
