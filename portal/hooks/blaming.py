"""Says whose fault an error at start is, so that one plugin can be left out and the others go on."""

from collections.abc import Iterator
from contextlib import contextmanager

from portal.hooks.declarations import CORE
from portal.hooks.discovery import bundled_plugins
from portal.kernel.errors import PluginClash, PluginError, PluginLoadError, PortalError

_OFFENDER = "plugin"


@contextmanager
def blamed_on(name: str) -> Iterator[None]:
    """Let every error that is raised inside name the plugin, unless it names one already.

    Raises:
        PluginError: as it was raised; whatever else a plugin raises (an exit included) as a PluginLoadError.
    """
    try:
        yield
    except PluginError as error:
        error.facts.setdefault(_OFFENDER, name)
        raise
    except PortalError as error:
        raise PluginLoadError(error.code, error.message, {_OFFENDER: name}) from error
    except (Exception, SystemExit) as error:
        # A plugin is somebody else's code: whatever it raises, the portal starts without it.
        raise PluginLoadError(
            "plugin-failed", f"{type(error).__name__}: {error}", {_OFFENDER: name}
        ) from error


def offender(error: PluginError) -> str:
    """Return the name of the plugin that an error at start is blamed on; empty when it is nobody's fault."""
    return str(error.facts.get(_OFFENDER, ""))


def clash(message: str, earlier: str, later: str) -> PluginClash:
    """Return the error of a name that two plugins declare: the later one is to blame, but never a bundled one for another's."""
    ours = {CORE, *bundled_plugins()}
    guilty = earlier if later in ours and earlier not in ours else later
    return PluginClash("plugin-clash", message, {_OFFENDER: guilty})
