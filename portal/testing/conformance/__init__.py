"""Checks a plugin against the rules of the house: ``assert_plugin_conforms("plugins.admissions")``."""

from collections.abc import Collection
from pathlib import Path

from portal.testing.conformance.findings import Finding, Findings
from portal.testing.postgresql import PostgresqlServer

__all__ = ["Finding", "assert_plugin_conforms", "plugin_findings"]


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
    found = _look(package, tests, open_routes, postgresql)
    if found.found:
        raise AssertionError(found.text())


def plugin_findings(
    package: str,
    *,
    tests: Path | None = None,
    open_routes: Collection[str] = (),
    postgresql: PostgresqlServer | None = None,
) -> list[Finding]:
    """Return what :func:`assert_plugin_conforms` would name, for tools that show it in their own way."""
    return _look(package, tests, open_routes, postgresql).found


def _look(
    package: str, tests: Path | None, open_routes: Collection[str], postgresql: PostgresqlServer | None
) -> Findings:
    # Loaded when it is asked for: it needs every room of the portal, most tests only some.
    from portal.testing.conformance.looking import look

    return look(package, tests, open_routes, postgresql)
