"""The start sequence, in order; no logic of its own. Touches no database."""

import logging
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from apiflask import APIFlask

from portal.auth.wiring import init_auth
from portal.config import CONFIG_KEY, PortalConfig
from portal.files.store import init_files
from portal.health.figures import init_figures
from portal.health.pages import init_health
from portal.hooks.blaming import offender
from portal.hooks.blocking import blocked_plugins, unmigrated_plugins
from portal.hooks.building import build_registry
from portal.hooks.declarations import CORE
from portal.hooks.manager import PLUGINS_KEY, Plugins
from portal.hooks.narrowing import keep_narrowing
from portal.hooks.registry import REGISTRY_KEY
from portal.jobs.kinds import init_jobs
from portal.jobs.schedules import init_schedules
from portal.kernel.db import db
from portal.kernel.errors import PluginError
from portal.kernel.mapping import forget_models
from portal.kernel.replica import init_replica
from portal.maintenance.guard import init_guard
from portal.panel import plugin as core_plugin
from portal.web.measuring import init_measuring
from portal.web.wiring import init_web

log = logging.getLogger(__name__)


def create_app(
    config: PortalConfig | None = None,
    *,
    extra_plugins: Mapping[str, ModuleType] | None = None,
    with_unmigrated: bool = False,
    **overrides: Any,
) -> APIFlask:
    """Build the application: the same sequence in web, worker, relay and command.

    An installed plugin that breaks a rule of the start is left out, with whoever requires it, and the sequence begins
    anew without it.

    Args:
        config: The settings; read from the environment when absent.
        extra_plugins: Plugins given as modules beside the installed ones, for tests.
        with_unmigrated: Also load plugins whose last migration failed, to try it again.
        overrides: Settings that win over the environment.

    Raises:
        ConfigProblems: settings that cannot be used, all at once.
        PluginClash, PluginLoadError: a fault of the portal's own or of a plugin given as a module, or a missing plugin
            that hides rows.
    """
    config = config or PortalConfig.load(**overrides)
    given = extra_plugins or {}
    left_out = {} if with_unmigrated else unmigrated_plugins(config.home)
    while True:
        try:
            return _assemble(config, given, left_out)
        except PluginError as error:
            name = offender(error)
            if not name or name == CORE or name in given or name in left_out:
                raise
            log.exception("plugin %s was left out: %s", name, error.message)
            left_out = {**left_out, name: error.message}
            forget_models(name)


def _assemble(config: PortalConfig, given: Mapping[str, ModuleType], left_out: Mapping[str, str]) -> APIFlask:
    # Errors stay pages for people; what is below /api answers with problem documents (portal.web.errors).
    app = APIFlask("portal", spec_path=None, docs_path=None, json_errors=False, static_folder=None)  # type: ignore[arg-type]
    app.config.from_mapping(
        {
            CONFIG_KEY: config,
            "SECRET_KEY": config.signing_key(),
            "SQLALCHEMY_DATABASE_URI": config.database,
            "SQLALCHEMY_ENGINE_OPTIONS": {"pool_pre_ping": True, "hide_parameters": True},
            "MAX_CONTENT_LENGTH": config.upload_max_bytes,
        }
    )
    init_measuring(app)
    db.init_app(app)
    init_replica(app, config.read_replica, config.read_replica_max_lag_seconds)
    blocked = blocked_plugins(config.home, config.blocked_plugins)
    plugins = Plugins(core_plugin, blocked, given, left_out)
    app.extensions[PLUGINS_KEY] = plugins
    app.extensions[REGISTRY_KEY] = build_registry(plugins)
    init_files(app)
    init_jobs(app)
    init_schedules(app)
    init_auth(app)
    init_guard(app)
    init_health(app)
    init_figures(app)
    init_web(app)
    # Last: what narrows is recorded only of plugins that can be used.
    keep_narrowing(config.home, plugins, blocked)
    return app
