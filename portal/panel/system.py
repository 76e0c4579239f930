"""What runs here: plugins, and the health of the installation."""

from typing import Any

from portal.health.checks import is_ready, run_checks
from portal.hooks.registry import current_registry
from portal.jobs.queue_health import queue_health
from portal.sdk.web import PortalView, expose


class PluginsView(PortalView):
    """The loaded plugins with what they declare, and those left out with the reason."""

    @expose("/")
    def index(self) -> Any:
        """Show all plugins."""
        registry = current_registry()
        counts = {plugin.name: _declared(registry, plugin.name) for plugin in registry.plugins}
        return self.render(
            "panel/plugins.html", plugins=registry.plugins, problems=registry.problems, counts=counts
        )


class HealthView(PortalView):
    """Every health check with what it found."""

    @expose("/")
    def index(self) -> Any:
        """Run the checks and show them."""
        found = run_checks()
        checks = current_registry().health_checks
        return self.render(
            "panel/health.html", found=found, checks=checks, ready=is_ready(found), queue=queue_health()
        )


def _declared(registry: Any, owner: str) -> dict[str, int]:
    prefix = f"{owner}."
    return {
        "permissions": sum(name.startswith(prefix) for name in registry.permissions),
        "job kinds": sum(name.startswith(prefix) for name in registry.job_kinds),
        "pages": sum(name == owner for name, _ in registry.admin_views),
        "commands": sum(name == owner for name, _ in registry.commands),
    }
