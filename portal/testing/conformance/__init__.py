"""Checks a plugin against the rules of the house: ``assert_plugin_conforms("plugins.admissions")``."""

from collections.abc import Collection
from pathlib import Path

from portal.testing.postgresql import PostgresqlServer

__all__ = ["assert_plugin_conforms"]


def assert_plugin_conforms(
    package: str,
    *,
    tests: Path | None = None,
    open_routes: Collection[str] = (),
    postgresql: PostgresqlServer | None = None,
) -> None:
    """Pass when a plugin keeps every rule that can be checked; a plugin's one-line test.

    Looked at: imports, ``PORTAL_API``, ``NAME`` and ``REQUIRES``, hooks with their arguments and annotations, names of
    what is declared, tables and foreign keys, permissions of pages, actions, operations and jobs, settings, templates,
    and the migrations: they make what the models say, go down to nothing, and come up again. Works on a portal and
    databases of its own, in a temporary folder.

    Args:
        package: Full name of the package that holds ``plugin.py``, such as ``"plugins.admissions"``.
        tests: Folder of the plugin's tests, to check their imports too.
        open_routes: Endpoints that need no permission, on purpose.
        postgresql: Run the migrations on this server too; the fixture ``postgresql_server`` gives one.

    Raises:
        AssertionError: naming everything that was found, with plugin, place, rule and remedy, one line each.
        LookupError: there is no such package.
    """
    __tracebackhide__ = True
    # Loaded when it is asked for: it needs every room of the portal, most tests only some.
    from portal.testing.conformance.looking import look

    found = look(package, tests, open_routes, postgresql)
    if found.found:
        raise AssertionError(found.text())
