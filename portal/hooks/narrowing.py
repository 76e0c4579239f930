"""Remembers which plugins narrow what people see: leaving one of them out would show rows that it hides."""

import json
from collections.abc import Iterable
from pathlib import Path

from portal.hooks.declarations import CORE
from portal.hooks.manager import Plugins
from portal.kernel.errors import PluginLoadError

RECORD = "narrowing-plugins.json"


def keep_narrowing(home: Path, plugins: Plugins, blocked: Iterable[str]) -> None:
    """Stop the start when a plugin that narrowed rows at an earlier start is missing now; else bring the record up to date.

    The record lies in the home folder, because the start sequence touches no database.

    Args:
        home: The home folder; without it nothing is recorded.
        blocked: Plugins that the operator leaves out knowingly.

    Raises:
        PluginLoadError: ``narrowing-plugin-missing``, naming the plugins, why each is missing, and the remedy.
    """
    path = home / RECORD
    recorded: set[str] = set(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else set()
    loaded = {plugin.name for plugin in plugins.loaded()}
    if missing := sorted(recorded - loaded - set(blocked)):
        why = {problem.name: problem.message for problem in plugins.problems}
        listed = "; ".join(f"{name} ({why.get(name, 'it is not installed any more')})" for name in missing)
        raise PluginLoadError(
            "narrowing-plugin-missing",
            f"The portal does not start without these plugins, because they hide rows from people: {listed}. "
            f"Repair or install them, or add their names to PORTAL_BLOCKED_PLUGINS to start without them; "
            "what they hide is visible then.",
        )
    narrowing = {name for name in plugins.implementing("portal_narrow_rows") if name != CORE}
    # A blocked plugin stays on record: when the block is lifted it must load again.
    wanted = narrowing | (recorded & set(blocked))
    if wanted != recorded and home.is_dir():
        path.write_text(json.dumps(sorted(wanted)), encoding="utf-8")
