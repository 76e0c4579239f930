"""What programs may call: the old clients' addresses, and plain resources below ``/api/v1/enrollments``."""

# Each module puts its operations under one of the blueprints.
from plugins.enrollments.rest import catalog, learners, rows, staff, staff_writing, writing
from plugins.enrollments.rest.blueprints import classic, resources
from portal.sdk.rest import RestApi

REST = (
    RestApi(blueprint=classic, prefix="program_enrollments/v1"),
    RestApi(blueprint=resources),
)

__all__ = ["REST", "catalog", "learners", "rows", "staff", "staff_writing", "writing"]
