"""The bundled plugins keep the rules that bind every plugin."""

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


@pytest.mark.parametrize("package", ["plugins.admissions", "plugins.enrollments"])
def test_a_bundled_plugin_conforms(package: str) -> None:
    assert_plugin_conforms(package, open_routes=OPEN_ROUTES[package])


def test_histories_are_walked_on_postgresql_when_asked(postgresql_server: PostgresqlServer) -> None:
    # One stands for all: tests/portal/kernel/test_migrations.py walks every history on both databases.
    package = "plugins.submissions"

    assert_plugin_conforms(package, open_routes=OPEN_ROUTES[package], postgresql=postgresql_server)
