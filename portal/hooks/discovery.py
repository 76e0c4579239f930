"""Finds installed plugins by entry point, checks what they say of themselves, and orders them."""

import importlib
import importlib.metadata
import logging
import operator
import re
from collections.abc import Mapping
from types import ModuleType

from portal.hooks.declarations import PluginProblem
from portal.kernel.errors import PluginLoadError

log = logging.getLogger(__name__)

ENTRY_POINT_GROUP = "portal.plugins"
API_VERSION = "1"
#: The distribution that the bundled plugins come with.
HOUSE = "campus-portal"
_API_PART = re.compile(r"\s*(==|>=|<=|>|<|)\s*(\d{1,6})\s*")
_COMPARISONS = {
    "": operator.eq,
    "==": operator.eq,
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
NAME_RULE = re.compile(r"[a-z]{3,20}")
#: Names that a plugin cannot have: the portal's own commands and tables.
RESERVED_NAMES = frozenset(
    [
        "portal",
        "jobs",
        "users",
        "init",
        "migrate",
        "run",
        "web",
        "worker",
        "relay",
        "demo",
        "doctor",
        "maintenance",
        "files",
        "plugins",
        "settings",
        "sweep",
        "cron",
        "schedules",
        "tokens",
    ]
)


def installed_versions() -> dict[str, str]:
    """Return plugin → version of the distribution that declares it."""
    # Through the entry points: to ask which distribution a module came with would read every installed file's name.
    return {
        entry.name: entry.dist.version if entry.dist is not None else ""
        for entry in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP)
    }


def bundled_plugins() -> frozenset[str]:
    """Return the names of the plugins that come with the portal itself."""
    entries = importlib.metadata.entry_points(group=ENTRY_POINT_GROUP)
    return frozenset(entry.name for entry in entries if _package(entry) == HOUSE)


def discover(blocked: frozenset[str], problems: list[PluginProblem]) -> dict[str, ModuleType]:
    """Import the installed plugins that are not blocked; what fails is added to ``problems`` and left out."""
    found: dict[str, ModuleType] = {}
    entries = importlib.metadata.entry_points(group=ENTRY_POINT_GROUP)
    # The bundled ones first: nobody can take their names or tables.
    for entry in sorted(entries, key=lambda entry: (_package(entry) != HOUSE, entry.name, entry.value)):
        if entry.name in blocked:
            continue
        if entry.name in found:
            if found[entry.name].__name__ != entry.value:
                name = f"{entry.name} ({_package(entry)})"
                problems.append(PluginProblem(name=name, message="Another plugin of this name is installed."))
            continue
        try:
            _check_name(entry.name)
            module = importlib.import_module(entry.value)
            _check_module(entry.name, module)
        except (Exception, SystemExit) as error:
            # A plugin is somebody else's code: whatever it raises, the portal starts without it.
            log.exception("plugin %s was left out", entry.name)
            reason = str(error) if isinstance(error, PluginLoadError) else f"{type(error).__name__}: {error}"
            problems.append(PluginProblem(name=entry.name, message=reason))
        else:
            found[entry.name] = module
    return found


def _package(entry: importlib.metadata.EntryPoint) -> str:
    return entry.dist.name if entry.dist is not None else ""


def _check_name(name: str) -> None:
    if not NAME_RULE.fullmatch(name) or name in RESERVED_NAMES:
        raise PluginLoadError(
            "plugin-name",
            f"{name!r} cannot be a plugin's name: 3 to 20 letters a-z, not a name of the portal's own.",
        )


def _check_module(name: str, module: ModuleType) -> None:
    wanted = getattr(module, "PORTAL_API", None)
    if not isinstance(wanted, str) or not all(_API_PART.fullmatch(part) for part in wanted.split(",")):
        raise PluginLoadError(
            "plugin-api",
            f"PORTAL_API of the plugin is {wanted!r}; it must name a portal API, such as '1', or a range, such as "
            f"'>=1,<3'. This portal offers {API_VERSION!r}.",
        )
    if not _offers(wanted):
        raise PluginLoadError(
            "plugin-api", f"It was written for portal API {wanted!r}; this portal offers {API_VERSION!r}."
        )
    if getattr(module, "NAME", name) != name:
        raise PluginLoadError("plugin-name", f"NAME is {module.NAME!r} but the entry point says {name!r}.")


def _offers(wanted: str) -> bool:
    parts = [_API_PART.fullmatch(part) for part in wanted.split(",")]
    return all(part and _COMPARISONS[part[1]](int(API_VERSION), int(part[2])) for part in parts)


def in_order(found: Mapping[str, ModuleType], problems: list[PluginProblem]) -> list[str]:
    """Return the names ordered by REQUIRES, ties by name; leave out what misses a requirement or waits in a circle."""
    waiting = {name: set(getattr(module, "REQUIRES", ())) for name, module in found.items()}
    ordered: list[str] = []
    while True:
        ready = sorted(name for name, needs in waiting.items() if needs <= set(ordered))
        if not ready:
            break
        ordered.append(ready[0])
        del waiting[ready[0]]
    for name, needs in sorted(waiting.items()):
        missing = ", ".join(sorted(needs - set(ordered)))
        problems.append(PluginProblem(name=name, message=f"It requires {missing}, which is not loaded."))
    return ordered
