"""The web server's own lines in the portal's log."""

from typing import Any

from gunicorn.glogging import Logger

from portal.config import PortalConfig
from portal.kernel.logs import configure_logs


class ServerLog(Logger):  # type: ignore[misc]
    """Sends what gunicorn says through the portal's log, in its format and without personal data."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        config = PortalConfig.load()
        configure_logs(config.log_level, config.log_format)
        for logger in (self.error_log, self.access_log):
            for handler in logger.handlers[:]:
                logger.removeHandler(handler)
            logger.propagate = True
