"""The tables of enrollments, one subject per file."""

from plugins.enrollments.models.catalog import (
    Curriculum,
    CurriculumCourse,
    IdentityProvider,
    Organization,
    Program,
    ProgramAuthor,
)
from plugins.enrollments.models.courses import CourseAccessRole, CourseEnrollment, CourseMode, CourseRun
from plugins.enrollments.models.enrollments import (
    CourseAccessRoleAssignment,
    ProgramCourseEnrollment,
    ProgramEnrollment,
)
from plugins.enrollments.models.history import (
    CourseEnrollmentHistory,
    ProgramCourseEnrollmentHistory,
    ProgramEnrollmentHistory,
)
from plugins.enrollments.models.vocabulary import (
    CourseEnrollmentStatus,
    CourseModeSlug,
    CourseRole,
    ProgramEnrollmentStatus,
)

#: Parents before children.
MODELS: tuple[type, ...] = (
    Organization,
    IdentityProvider,
    Program,
    ProgramAuthor,
    Curriculum,
    CurriculumCourse,
    CourseRun,
    CourseMode,
    CourseEnrollment,
    CourseAccessRole,
    ProgramEnrollment,
    ProgramCourseEnrollment,
    CourseAccessRoleAssignment,
    ProgramEnrollmentHistory,
    ProgramCourseEnrollmentHistory,
    CourseEnrollmentHistory,
)

__all__ = [
    "MODELS",
    "CourseAccessRole",
    "CourseAccessRoleAssignment",
    "CourseEnrollment",
    "CourseEnrollmentHistory",
    "CourseEnrollmentStatus",
    "CourseMode",
    "CourseModeSlug",
    "CourseRole",
    "CourseRun",
    "Curriculum",
    "CurriculumCourse",
    "IdentityProvider",
    "Organization",
    "Program",
    "ProgramAuthor",
    "ProgramCourseEnrollment",
    "ProgramCourseEnrollmentHistory",
    "ProgramEnrollment",
    "ProgramEnrollmentHistory",
    "ProgramEnrollmentStatus",
]
