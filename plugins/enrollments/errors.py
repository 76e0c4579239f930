"""What the enrollments API answers per row, and every error it raises: the old system's names, the portal's kinds."""

from collections.abc import Mapping
from typing import Any, ClassVar

from portal.sdk import Conflict, InvalidInput, NotFound, TemporaryFailure

# What a written row can come to beside its new status.
DUPLICATED = "duplicated"
INVALID_STATUS = "invalid-status"
INVALID_KEY = "invalid-key"
INVALID_CURRICULUM = "invalid-curriculum"
CONFLICT = "conflict"
#: The setting forbids this change of status.
ILLEGAL_OPERATION = "illegal-operation"
NOT_IN_PROGRAM = "not-in-program"
NOT_FOUND = "not-found"
INTERNAL_ERROR = "internal-error"


class InvalidRequest(InvalidInput, ValueError):
    """The call cannot be done as it was asked for; nothing was written."""

    def __init__(self, message: str, facts: Mapping[str, Any] | None = None) -> None:
        super().__init__("enrollment-request-invalid", message, facts)


class MissingField(InvalidInput, KeyError):
    """A request lacks the field that would name it in the answer; nothing was written."""

    def __init__(self, field: str) -> None:
        super().__init__("field-missing", f"Each request needs the field {field!r}.", {"field": field})

    def __str__(self) -> str:
        return self.message


class InvalidCourseKey(InvalidRequest):
    """The text is no course key."""

    def __init__(self, course_key: object) -> None:
        super().__init__(
            f"{str(course_key)[:80]!r} is no course key. Keys look like course-v1:ORG+COURSE+RUN; "
            "a setting of enrollments allows any text.",
            {"course_key": str(course_key)[:255]},
        )


class ProgramDoesNotExistException(NotFound):
    """There is no such program in the catalog."""

    def __init__(self, program_uuid: object) -> None:
        self.program_uuid = program_uuid
        message = f"Unable to find catalog program matching uuid {program_uuid}"
        super().__init__("program-not-found", message, {"program": str(program_uuid)})


class OrganizationDoesNotExistException(NotFound):
    """An organization that is needed is not there."""


class ProgramHasNoAuthoringOrganizationException(OrganizationDoesNotExistException):
    """The program names no organization, so nobody knows whose external keys it uses."""

    def __init__(self, program_uuid: object) -> None:
        self.program_uuid = program_uuid
        message = f"Cannot determine authoring organization key for catalog program {program_uuid}"
        super().__init__("program-without-organization", message, {"program": str(program_uuid)})


class BadOrganizationShortNameException(OrganizationDoesNotExistException):
    """No organization has this short name."""

    def __init__(self, short_name: str) -> None:
        self.organization_short_name = short_name
        message = f"Unable to find organization for short_name {short_name}"
        super().__init__("organization-not-found", message, {"short_name": short_name})


class ProviderDoesNotExistException(NotFound):
    """The organization has no enabled identity provider."""

    def __init__(self, organization: object) -> None:
        self.organization = organization
        message = f"The organization {organization} has no enabled identity provider."
        super().__init__("provider-not-found", message, {"organization": str(organization)})


class ProviderConfigurationException(Conflict):
    """The organization has several identity providers where one was asked for."""

    def __init__(self, organization: object) -> None:
        self.organization = organization
        message = f"The organization {organization} has several enabled identity providers. Expected one."
        super().__init__("several-providers", message, {"organization": str(organization)})


class EnrollmentNotFound(NotFound):
    """No enrollment matches."""

    def __init__(self, what: str = "program enrollment") -> None:
        super().__init__("enrollment-not-found", f"There is no such {what}.")


class SeveralEnrollments(Conflict):
    """More than one enrollment matches; name the curriculum."""

    def __init__(self, count: int, what: str = "program enrollment") -> None:
        message = f"{count} {what}s match where one was asked for. Name the curriculum."
        super().__init__("several-enrollments", message, {"count": count})


class EnrollmentConflict(Conflict):
    """A rule of uniqueness forbids it: the learner has such an enrollment already."""

    def __init__(self, message: str, facts: Mapping[str, Any] | None = None) -> None:
        super().__init__("enrollment-exists", message, facts)


class CourseEnrollmentException(Conflict):
    """A user cannot be enrolled in a course run; ``row_code`` is what a written row answers then."""

    row_code: ClassVar[str] = "enrollment-refused"

    def __init__(self, message: str = "", *, course_key: str = "") -> None:
        facts = {"course_key": course_key} if course_key else {}
        super().__init__(self.row_code, message or (type(self).__doc__ or ""), facts)
        #: The words of whoever refused; may be empty.
        self.reason = message

    @property
    def in_words(self) -> str:
        """The class with its reason, as answers of linking say it."""
        name = type(self).__name__
        return f"{name}: {self.reason}" if self.reason else name


class NonExistentCourseError(CourseEnrollmentException, NotFound):
    """There is no such course run."""

    row_code = "course-not-found"
    status = 404

    def __init__(self, message: str = "", *, course_key: str = "") -> None:
        super().__init__(message, course_key=course_key)
        if course_key and not message:
            self.message = f"There is no course run {course_key}."


class EnrollmentClosedError(CourseEnrollmentException):
    """Enrollment in the course run is closed."""

    row_code = "enrollment-closed"


class CourseFullError(CourseEnrollmentException):
    """The course run is full."""

    row_code = "course-full"


class AlreadyEnrolledError(CourseEnrollmentException):
    """The user is enrolled already."""

    row_code = "already-enrolled"


class EnrollmentNotAllowed(CourseEnrollmentException):
    """A rule of the institution keeps the user out."""

    row_code = "enrollment-not-allowed"


class LinkingRefused(Conflict):
    """Enrollments of an identity that has just arrived cannot be tied to its user."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        shown = "; ".join(f"{key}: {text}" for key, text in list(problems.items())[:5])
        super().__init__(
            "linking-refused", f"Enrollments could not be linked. {shown}", {"problems": dict(problems)}
        )


class EnrollmentsBusy(TemporaryFailure):
    """Others keep changing the same rows."""

    def __init__(self) -> None:
        super().__init__("enrollments-busy", "Others are changing the same enrollments. Try again.")
