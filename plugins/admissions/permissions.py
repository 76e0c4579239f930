"""What people may be allowed to do in admissions, and suggested roles that bundle it."""

from portal.sdk import Permission, Role

GROUP = "Admissions"

APPLICANTS_VIEW = "admissions.applicants.view"
APPLICANTS_EDIT = "admissions.applicants.edit"
APPLICANTS_IMPORT = "admissions.applicants.import"
APPLICANTS_TRANSITION = "admissions.applicants.transition"
APPLICANTS_EXPORT = "admissions.applicants.export"
STUDENTS_VIEW = "admissions.students.view"
STUDENTS_EDIT = "admissions.students.edit"
STUDENTS_CREATE = "admissions.students.create"
STUDENTS_CREATE_ALL = "admissions.students.create_all"
STUDENTS_EXPORT = "admissions.students.export"
LETTERS_PRINT = "admissions.letters.print"
FOLDERS_EXPORT = "admissions.folders.export"
CONTAINERS_VIEW = "admissions.containers.view"
CONTAINERS_EDIT = "admissions.containers.edit"
ACADEMICS_VIEW = "admissions.academics.view"
ACADEMICS_EDIT = "admissions.academics.edit"

_TITLES = {
    APPLICANTS_VIEW: "See applicants with their files and history",
    APPLICANTS_EDIT: "Edit applicants and their photos",
    APPLICANTS_IMPORT: "Import applicants from a sheet",
    APPLICANTS_TRANSITION: "Change the state of applications",
    APPLICANTS_EXPORT: "Export lists of applicants",
    STUDENTS_VIEW: "See students with their files and history",
    STUDENTS_EDIT: "Edit student records",
    STUDENTS_CREATE: "Create students from selected applicants",
    STUDENTS_CREATE_ALL: "Create the students of a whole container or of the portal",
    STUDENTS_EXPORT: "Export lists of students",
    LETTERS_PRINT: "Print letters with activation codes",
    FOLDERS_EXPORT: "Download students' folders",
    CONTAINERS_VIEW: "See containers",
    CONTAINERS_EDIT: "Create and edit containers",
    ACADEMICS_VIEW: "See faculties, departments and certificates",
    ACADEMICS_EDIT: "Edit faculties, departments and certificates",
}

PERMISSIONS = tuple(Permission(name=name, title=title, group=GROUP) for name, title in _TITLES.items())

#: Whoever starts jobs sees them: the plan, the progress, the report.
_OWN_JOBS = "portal.jobs.view"

_OFFICER = frozenset({APPLICANTS_VIEW, CONTAINERS_VIEW, ACADEMICS_VIEW})
_MANAGER = _OFFICER | {
    APPLICANTS_EDIT,
    APPLICANTS_IMPORT,
    APPLICANTS_TRANSITION,
    APPLICANTS_EXPORT,
    CONTAINERS_EDIT,
    _OWN_JOBS,
}
_CREATOR = _OFFICER | {STUDENTS_VIEW, STUDENTS_CREATE, _OWN_JOBS}
_REGISTRAR = _CREATOR | {
    STUDENTS_EDIT,
    STUDENTS_CREATE_ALL,
    STUDENTS_EXPORT,
    LETTERS_PRINT,
    FOLDERS_EXPORT,
    ACADEMICS_EDIT,
}

ROLES = (
    Role(name="admissions_officer", title="Admissions officer", permissions=_OFFICER),
    Role(name="admissions_manager", title="Admissions manager", permissions=_MANAGER),
    Role(name="students_creator", title="Students creator", permissions=_CREATOR),
    Role(name="registrar", title="Registrar", permissions=_REGISTRAR),
)
