"""An application with a home folder and a migrated database of its own, put back to its first state between tests."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from flask import Flask
from sqlalchemy import Engine, text

from portal.config import PortalConfig
from portal.kernel.actor import SYSTEM, acting_as
from portal.kernel.db import db
from portal.testing.postgresql import PostgresqlServer

EngineName = Literal["sqlite", "postgresql"]
ENGINES: tuple[EngineName, ...] = ("sqlite", "postgresql")

_EMPTIED_FOLDERS = ("blobs", "mail")

# Remembers what the migrations wrote (suggested roles), so that a reset can write it again.
_REMEMBER = """
DO $$
DECLARE item record; filled boolean;
BEGIN
  CREATE SCHEMA portal_first_state;
  FOR item IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
    EXECUTE format('SELECT EXISTS (SELECT FROM public.%I)', item.tablename) INTO filled;
    IF filled THEN
      EXECUTE format('CREATE TABLE portal_first_state.%I AS TABLE public.%I', item.tablename, item.tablename);
    END IF;
  END LOOP;
END $$
"""

# Empties what has ever been used and writes the remembered rows; triggers and foreign keys sleep meanwhile.
_PUT_BACK = """
DO $$
DECLARE item record;
BEGIN
  SET LOCAL session_replication_role = replica;
  FOR item IN SELECT tablename, pg_relation_size(format('public.%I', tablename)::regclass) AS bytes
      FROM pg_tables WHERE schemaname = 'public' LOOP
    IF item.bytes > 1000000 THEN
      EXECUTE format('TRUNCATE public.%I CASCADE', item.tablename);
    ELSIF item.bytes > 0 THEN
      EXECUTE format('DELETE FROM public.%I', item.tablename);
    END IF;
  END LOOP;
  FOR item IN SELECT tablename FROM pg_tables WHERE schemaname = 'portal_first_state' AND tablename <> '_sequences' LOOP
    EXECUTE format('INSERT INTO public.%I SELECT * FROM portal_first_state.%I', item.tablename, item.tablename);
  END LOOP;
  FOR item IN SELECT sequencename FROM pg_sequences WHERE schemaname = 'public' LOOP
    PERFORM setval(format('public.%I', item.sequencename), first.value, first.used) FROM
      (SELECT COALESCE(max(last_value), 1) AS value, count(*) > 0 AS used
       FROM portal_first_state._sequences WHERE sequencename = item.sequencename) AS first;
  END LOOP;
END $$
"""
_REMEMBER_SEQUENCES = """
CREATE TABLE portal_first_state._sequences AS
SELECT sequencename::text AS sequencename, last_value FROM pg_sequences
WHERE schemaname = 'public' AND last_value IS NOT NULL
"""


class Sandbox:
    """One application, usable for many tests one after the other.

    Args:
        engine: On which database.
        folder: Where its home folder goes; must not exist.
        server: The PostgreSQL to use; needed for that engine.
        plugins: Plugins given as modules, beside the installed ones.
        settings: Further settings, as for ``PortalConfig.load``.
    """

    def __init__(
        self,
        engine: EngineName,
        folder: Path,
        server: PostgresqlServer | None = None,
        *,
        plugins: Mapping[str, ModuleType] | None = None,
        **settings: Any,
    ) -> None:
        # Loaded when the first application is made: tests of the lower rooms need none of it.
        from portal.app import create_app
        from portal.installation import migrate_all

        self.engine = engine
        url = ""
        if engine == "postgresql":
            if server is None:
                raise ValueError("a PostgreSQL sandbox needs a server")
            name = f"portal_{folder.name.replace('-', '_')}"
            server.create(name)
            url = server.url(name)
        self.config = PortalConfig.load(home=folder, database_url=url, **{"workers": 1, **settings})
        self.config.make_home()
        self.app: Flask = create_app(self.config, extra_plugins=plugins)
        self._template = folder / "template.sqlite3"
        with self.app.app_context(), acting_as(SYSTEM):
            migrate_all()
            db.session.remove()
            self._remember(db.engine)

    def put_back(self) -> None:
        """Give the database, blobs and mail the state they had after the migrations."""
        for name in _EMPTIED_FOLDERS:
            shutil.rmtree(self.config.home / name, ignore_errors=True)
        with self.app.app_context():
            if self.engine == "sqlite":
                db.engine.dispose()
                self._copy_template_back()
            else:
                with db.engine.begin() as connection:
                    connection.execute(text(_PUT_BACK))
        for limiter in self.app.extensions.get("limiter", ()):
            limiter.reset()
        # Settings of the test before, which outside of requests are remembered for two seconds.
        self.app.extensions.pop("PORTAL_SETTINGS_CACHE", None)

    @contextmanager
    def in_use(self) -> Iterator[Flask]:
        """Lend the application to one test, in its context; closes every connection afterwards."""
        self.put_back()
        with self.app.app_context():
            try:
                yield self.app
            finally:
                db.session.remove()
                db.engine.dispose()

    def _remember(self, engine: Engine) -> None:
        if self.engine == "sqlite":
            with engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").close()
            engine.dispose()
            shutil.copyfile(self._database_file, self._template)
            return
        with engine.begin() as connection:
            connection.execute(text(_REMEMBER))
            connection.execute(text(_REMEMBER_SEQUENCES))
        engine.dispose()

    def _copy_template_back(self) -> None:
        for suffix in ("-wal", "-shm"):
            self._database_file.with_name(self._database_file.name + suffix).unlink(missing_ok=True)
        shutil.copyfile(self._template, self._database_file)

    @property
    def _database_file(self) -> Path:
        return self.config.home / "portal.sqlite3"
