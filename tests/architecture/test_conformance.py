"""The bundled plugins keep the rules that bind every plugin, on both databases."""

import pytest

from portal.testing import PostgresqlServer, assert_plugin_conforms

#: Routes that need no permission, because older programs call them so; see test_routes.py.
OPEN_ROUTES = {
    "plugins.admissions": (),
    "plugins.enrollments": (
        "api_enrollments_classic.list_own_programs",
        "api_enrollments_classic.list_own_runs",
        "api_enrollments_classic.list_readable_programs",
        "api_enrollments_classic.show_overview",
    ),
    "plugins.submissions": (
        "programs_submissions.greeting",
        "programs_submissions.login",
        "programs_submissions.logout",
    ),
}


@pytest.mark.parametrize("package", OPEN_ROUTES)
def test_a_bundled_plugin_conforms(package: str, postgresql_server: PostgresqlServer) -> None:
    assert_plugin_conforms(package, open_routes=OPEN_ROUTES[package], postgresql=postgresql_server)
