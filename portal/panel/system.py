"""What runs here: plugins, and the health of the installation."""

from typing import Any

from portal.health.checks import is_ready, run_checks
from portal.hooks.registry import current_registry
from portal.installation import installed_plugin, installed_plugins
from portal.jobs.queue_health import queue_health
from portal.panel.plugin_facts import counts_of, facts_of, row_counts
from portal.sdk.web import PortalView, expose
from portal.web.counting import COUNT_CAP


class PluginsView(PortalView):
    """The installed plugins: what each adds, and for those that are left out why, and what to do."""

    @expose("/")
    def index(self) -> Any:
        """Show all plugins."""
        plugins = installed_plugins()
        counts = {plugin.name: counts_of(plugin.name) for plugin in plugins if plugin.is_loaded}
        return self.render("panel/plugins.html", plugins=plugins, counts=counts)

    @expose("/<name>")
    def page(self, name: str) -> Any:
        """Show one plugin."""
        plugin = installed_plugin(name)
        return self.render(
            "panel/plugin.html",
            plugin=plugin,
            facts=facts_of(plugin) if plugin.is_loaded else None,
            rows=row_counts(plugin.tables),
            count_cap=COUNT_CAP,
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
