"""The two places below ``/api/``."""

from collections.abc import Sequence

from portal.sdk.rest import api_blueprint

#: What changes by REST are noted as being made through.
CHANNEL = "rest"
PROGRAM_ROWS = "/programs/<uuid:program_uuid>/enrollments/"
COURSE_ROWS = "/programs/<uuid:program_uuid>/courses/<path:course_key>/enrollments/"

classic = api_blueprint(
    "enrollments",
    "Enrollments, for older programs",
    "What programs of edx-platform's `program_enrollments` call, with the paths, codes and bodies that they know. "
    "Lists are pages with the addresses of the next and the previous one; writes answer key → status.",
    name="classic",
)
resources = api_blueprint(
    "enrollments",
    "Enrollments",
    "Programs, who is enrolled in them and in their course runs. Writes take up to 5,000 rows; bigger ones, linking, "
    "whole-set syncs and exports are jobs: POST /api/v1/jobs with the kinds `enrollments.write_program_enrollments`, "
    "`enrollments.write_program_course_enrollments`, `enrollments.link`, `enrollments.sync_program`, "
    "`enrollments.expire_waiting` and `enrollments.export`.",
)


def mixed_status(good: Sequence[bool]) -> int:
    """Return the status of an answer about rows of which some are good."""
    if not good:
        return 204
    return 200 if all(good) else 207 if any(good) else 422
