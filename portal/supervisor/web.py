"""The web server process: gunicorn with threads, configured in one place for ``portal run`` and ``portal web``."""

import json
import os
import sys

from flask import Flask
from pydantic import SecretStr

from portal.app import create_app
from portal.config import CONFIG_KEY, PortalConfig
from portal.kernel import metrics
from portal.kernel.collector import collector_off
from portal.kernel.logs import configure_logs


def web_command(config: PortalConfig, bind: str) -> list[str]:
    """Return gunicorn's command line; ``bind`` is ``host:port`` or ``fd://number`` of a listening socket."""
    return [
        *(sys.executable, "-m", "gunicorn", "portal.supervisor.web:application()"),
        *("--bind", bind),
        *("--worker-class", "gthread", "--workers", "1", "--threads", str(config.web_threads)),
        # Threads beat for the process, so a long upload is no reason to end it.
        *("--timeout", "60", "--graceful-timeout", "8", "--keep-alive", "5"),
        *("--no-control-socket", "--log-level", "warning"),
        *("--logger-class", "portal.supervisor.web_log.ServerLog"),
    ]


def application() -> Flask:
    """Return the application for a web server process."""
    with collector_off():
        app = create_app()
    begin_process(app, "web")
    return app


def begin_process(app: Flask, role: str) -> None:
    """Let this process log as the settings say, and share its figures with the others of this machine."""
    config: PortalConfig = app.config[CONFIG_KEY]
    configure_logs(config.log_level, config.log_format)
    metrics.share(config.run_dir, role)


def serve(config: PortalConfig) -> None:
    """Become the web server; does not return.

    Raises:
        ConfigProblems: when ``portal init`` has not been run.
    """
    config.signing_key()
    command = web_command(config, f"{config.host}:{config.port}")
    os.execve(command[0], command, environment_of(config))


def environment_of(config: PortalConfig) -> dict[str, str]:
    """Return this process's environment with every setting of ``config`` written into it."""
    environment = dict(os.environ)
    for name in type(config).model_fields:
        value = getattr(config, name)
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        environment[f"PORTAL_{name.upper()}"] = json.dumps(text) if isinstance(text, tuple) else str(text)
    return environment
