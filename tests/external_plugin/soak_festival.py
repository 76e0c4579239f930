"""Lets the festival live its life on PostgreSQL; ``make soak`` runs it. On SQLite it is a test."""

import sys
import tempfile
import time
from pathlib import Path

from portal.testing.postgresql import PostgresqlServer
from tests.external_plugin.environment import Portal, build_wheel, with_the_portal
from tests.external_plugin.life import live


def main() -> int:
    """Live; an assertion that fails is the exit status and says what was found."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as name, PostgresqlServer() as server:
        folder = Path(name)
        wheel = build_wheel(folder)
        server.create("festival")
        (folder / "plugins").mkdir()
        with Portal(with_the_portal(folder / "plugins", wheel)).running() as portal:
            live(portal, folder / "life", server.url("festival"))
    print(f"The festival lived on PostgreSQL: {time.monotonic() - began:.0f} seconds.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
