"""The Python API of enrollments: the names and results of edx-platform's ``program_enrollments``.

Nothing in it commits; open ``transaction()``, or ``run_in_transaction``, around the calls that write.
"""

from plugins.enrollments.api.catalog import (
    get_org_key_for_program,
    get_provider_slug,
    get_saml_provider_for_organization,
    get_saml_providers_by_org_key,
    get_saml_providers_for_organization,
    get_users_by_external_keys,
    get_users_by_external_keys_and_org_key,
)
from plugins.enrollments.api.course_reading import (
    fetch_program_course_enrollments,
    fetch_program_course_enrollments_by_students,
    get_program_course_enrollment,
    is_course_staff_enrollment,
)
from plugins.enrollments.api.course_writing import (
    change_program_course_enrollment_status,
    create_program_course_enrollment,
    enroll_in_masters_track,
    plan_program_course_enrollments,
    write_program_course_enrollments,
)
from plugins.enrollments.api.expiring import expire_waiting_enrollments
from plugins.enrollments.api.grades import iter_program_course_grades
from plugins.enrollments.api.linking import (
    link_program_enrollment_to_lms_user,
    link_program_enrollments,
    unlink_program_enrollment,
    unlink_program_enrollments,
)
from plugins.enrollments.api.reading import (
    fetch_program_enrollments,
    fetch_program_enrollments_by_student,
    fetch_program_enrollments_by_students,
    get_external_key_by_user_and_course,
    get_program_enrollment,
)
from plugins.enrollments.api.support import validate_and_link_program_enrollments
from plugins.enrollments.api.writing import (
    change_program_enrollment_status,
    create_program_enrollment,
    plan_program_enrollments,
    write_program_enrollments,
)

__all__ = [
    "change_program_course_enrollment_status",
    "change_program_enrollment_status",
    "create_program_course_enrollment",
    "create_program_enrollment",
    "enroll_in_masters_track",
    "expire_waiting_enrollments",
    "fetch_program_course_enrollments",
    "fetch_program_course_enrollments_by_students",
    "fetch_program_enrollments",
    "fetch_program_enrollments_by_student",
    "fetch_program_enrollments_by_students",
    "get_external_key_by_user_and_course",
    "get_org_key_for_program",
    "get_program_course_enrollment",
    "get_program_enrollment",
    "get_provider_slug",
    "get_saml_provider_for_organization",
    "get_saml_providers_by_org_key",
    "get_saml_providers_for_organization",
    "get_users_by_external_keys",
    "get_users_by_external_keys_and_org_key",
    "is_course_staff_enrollment",
    "iter_program_course_grades",
    "link_program_enrollment_to_lms_user",
    "link_program_enrollments",
    "plan_program_course_enrollments",
    "plan_program_enrollments",
    "unlink_program_enrollment",
    "unlink_program_enrollments",
    "validate_and_link_program_enrollments",
    "write_program_course_enrollments",
    "write_program_enrollments",
]
