"""What people and programs may be allowed to do with enrollments, and suggested roles that bundle it."""

from portal.sdk import Permission, Role

GROUP = "Enrollments"

CATALOG_VIEW = "enrollments.catalog.view"
CATALOG_EDIT = "enrollments.catalog.edit"
ENROLLMENTS_VIEW = "enrollments.enrollments.view"
ENROLLMENTS_EDIT = "enrollments.enrollments.edit"
ENROLLMENTS_UPLOAD = "enrollments.enrollments.upload"
ENROLLMENTS_SYNC = "enrollments.enrollments.sync"
ENROLLMENTS_LINK = "enrollments.enrollments.link"
ENROLLMENTS_EXPIRE = "enrollments.enrollments.expire"
ENROLLMENTS_EXPORT = "enrollments.enrollments.export"
ENROLLMENTS_RESET = "enrollments.enrollments.reset"
DRIFT_REPAIR = "enrollments.drift.repair"
GRADES_VIEW = "enrollments.grades.view"

_TITLES = {
    CATALOG_VIEW: "See organizations, programs, curricula and course runs",
    CATALOG_EDIT: "Add and change organizations, programs, curricula and course runs",
    ENROLLMENTS_VIEW: "See who is enrolled in which program and course, and its history",
    ENROLLMENTS_EDIT: "Enroll and change single students, also by the REST interface",
    ENROLLMENTS_UPLOAD: "Enroll and change many students from a sheet",
    ENROLLMENTS_SYNC: "Make a program equal to a whole sheet, withdrawing who is missing",
    ENROLLMENTS_LINK: "Link student keys to user accounts, and take links back",
    ENROLLMENTS_EXPIRE: "Expire enrollments that wait too long for an account",
    ENROLLMENTS_EXPORT: "Export the enrollments of a program",
    ENROLLMENTS_RESET: "Delete all enrollments of an organization, where a setting allows it",
    DRIFT_REPAIR: "See where program and course enrollments disagree, and mend it",
    GRADES_VIEW: "Read the course grades of a program's students",
}

PERMISSIONS = tuple(Permission(name=name, title=title, group=GROUP) for name, title in _TITLES.items())

#: Whoever starts jobs sees them: the plan, the progress, the report.
_OWN_JOBS = "portal.jobs.view"

ROLES = (
    Role(
        name="enrollments_support",
        title="Enrollment support",
        permissions=frozenset({CATALOG_VIEW, ENROLLMENTS_VIEW, ENROLLMENTS_LINK, _OWN_JOBS}),
    ),
    Role(
        name="enrollments_partner",
        title="Enrolling partner (a program)",
        permissions=frozenset({CATALOG_VIEW, ENROLLMENTS_VIEW, ENROLLMENTS_EDIT, GRADES_VIEW}),
    ),
    Role(
        name="enrollments_administrator",
        title="Enrollments administrator",
        permissions=frozenset(_TITLES) | {_OWN_JOBS},
    ),
)
