"""Public test services for the portal and for plugin authors: real databases, queue server, workers, application.

In a plugin's ``conftest.py``: ``pytest_plugins = ["portal.testing.fixtures"]``. See docs/how-to/test-a-plugin.md.
"""

from portal.testing.clients import ApiClient, PortalClient
from portal.testing.conformance import assert_plugin_conforms
from portal.testing.files import make_file
from portal.testing.jobs import plan_sheet, row_codes, start_job, undo_job
from portal.testing.people import make_token, make_user, sign_in
from portal.testing.postgresql import PostgresqlMissing, PostgresqlServer
from portal.testing.sandboxes import ENGINES, EngineName, Sandbox
from portal.testing.schemas import schema_differences
from portal.testing.statements import counted_statements
from portal.testing.workers import WorkerProcesses

__all__ = [
    "ENGINES",
    "ApiClient",
    "EngineName",
    "PortalClient",
    "PostgresqlMissing",
    "PostgresqlServer",
    "Sandbox",
    "WorkerProcesses",
    "assert_plugin_conforms",
    "counted_statements",
    "make_file",
    "make_token",
    "make_user",
    "plan_sheet",
    "row_codes",
    "schema_differences",
    "sign_in",
    "start_job",
    "undo_job",
]
