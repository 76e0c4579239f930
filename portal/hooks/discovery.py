"""Finds installed plugins by entry point, checks what they say of themselves, and orders them."""

import importlib
import importlib.metadata
import logging
import re
from collections.abc import Mapping
from types import ModuleType

from portal.hooks.declarations import PluginProblem
from portal.kernel.errors import PluginLoadError

log = logging.getLogger(__name__)

ENTRY_POINT_GROUP = "portal.plugins"
API_VERSION = "1"
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


def discover(blocked: frozenset[str], problems: list[PluginProblem]) -> dict[str, ModuleType]:
    """Import the installed plugins that are not blocked; what fails is added to ``problems`` and left out."""
    found: dict[str, ModuleType] = {}
    for entry in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP):
        if entry.name in blocked or entry.name in found:
            continue
        try:
            module = importlib.import_module(entry.value)
            _check_module(entry.name, module)
        except Exception as error:
            # A plugin is somebody else's code: whatever it raises, the portal starts without it.
            log.exception("plugin %s was left out", entry.name)
            problems.append(PluginProblem(name=entry.name, message=f"{type(error).__name__}: {error}"))
        else:
            found[entry.name] = module
    return found


def _check_module(name: str, module: ModuleType) -> None:
    if not NAME_RULE.fullmatch(name) or name in RESERVED_NAMES:
        raise PluginLoadError(
            "plugin-name",
            f"{name!r} cannot be a plugin's name: 3 to 20 letters a-z, not a name of the portal's own.",
        )
    version = getattr(module, "PORTAL_API", None)
    if version != API_VERSION:
        raise PluginLoadError(
            "plugin-api", f"It was written for portal API {version!r}; this portal offers {API_VERSION!r}."
        )
    if getattr(module, "NAME", name) != name:
        raise PluginLoadError("plugin-name", f"NAME is {module.NAME!r} but the entry point says {name!r}.")


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
