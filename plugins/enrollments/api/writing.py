"""Writing enrollments of programs, many at once or one.

None of these functions commits: the caller opens the transaction (``run_in_transaction`` repeats it where the database
asks for it). A call that raises has answered nobody; roll its transaction back.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.exc import IntegrityError

from plugins.enrollments.api.inputs import current_settings, is_storable_key, normaliser, required_uuid
from plugins.enrollments.api.plans import RowPlan, statuses
from plugins.enrollments.api.program_rows import write_rows
from plugins.enrollments.errors import (
    ILLEGAL_OPERATION,
    INVALID_STATUS,
    EnrollmentConflict,
    InvalidRequest,
)
from plugins.enrollments.models import ProgramEnrollment
from plugins.enrollments.models.vocabulary import PROGRAM_STATUSES
from portal.sdk import User, db, savepoint, utc_now

Request = Mapping[str, Any]


def write_program_enrollments(
    program_uuid: object, enrollment_requests: Sequence[Request], create: bool, update: bool
) -> dict[str, str]:
    """Create and update enrollments of a program by external key; return key to new status or error.

    A key that a provider of the program's organization knows gets its user at once; an update never links, unlinks or
    moves to another curriculum. Rows are judged in this order: ``duplicated`` (every row of a key that occurs twice),
    ``invalid-key``, ``invalid-status``; of existing ones ``conflict`` without ``update`` and ``illegal-operation``; of
    missing ones ``not-in-program`` without ``create``, ``invalid-curriculum``, and ``conflict`` when the user is in the
    curriculum under another key. One bad row never harms another one.

    Needs an open transaction; does not commit. Seven statements for up to 5,000 rows, then four per 5,000.

    Args:
        program_uuid: UUID or its text.
        enrollment_requests: Mappings with ``external_user_key`` (1 to 255 characters), ``status`` (enrolled, pending,
            suspended, canceled or ended) and, to create, ``curriculum_uuid``. Other fields are ignored.
        create: Make missing enrollments.
        update: Set the status of existing ones.

    Raises:
        InvalidRequest: neither flag, or a key that is empty or None (a ``ValueError``).
        MissingField: a request without ``external_user_key`` (a ``KeyError``).
        ProgramDoesNotExistException, ProgramHasNoAuthoringOrganizationException, BadOrganizationShortNameException
        EnrollmentsBusy: other writers were quicker too often; repeat the transaction.

    Source: program_enrollments of edx-platform, ``api/writing.py``.
    """
    return statuses(write_rows(program_uuid, list(enrollment_requests), create=create, update=update))


def plan_program_enrollments(
    program_uuid: object, enrollment_requests: Sequence[Request], create: bool, update: bool
) -> list[RowPlan]:
    """Return what :func:`write_program_enrollments` would do to each request, in order. Reads only; same errors."""
    return write_rows(program_uuid, list(enrollment_requests), create=create, update=update, apply=False)


def create_program_enrollment(
    program_uuid: object,
    curriculum_uuid: object,
    user: User | None,
    external_user_key: str | None,
    status: str,
    save: bool = True,
) -> ProgramEnrollment:
    """Make one enrollment and return it. Needs an open transaction; does not commit. The catalog is not asked.

    Args:
        save: False: return it unsaved.

    Raises:
        InvalidRequest: neither user nor key, an unknown status, a key or UUID that is none.
        EnrollmentConflict: the key or the user is in this curriculum of the program already.

    Source: program_enrollments of edx-platform, ``api/writing.py``.
    """
    if user is None and not external_user_key:
        raise InvalidRequest("At least one of (user, external_user_key) must be given.")
    if status not in PROGRAM_STATUSES:
        raise InvalidRequest(f"invalid ProgramEnrollmentStatus: {status}")
    normalise = normaliser(current_settings())
    key = external_user_key or None
    if key is not None and not is_storable_key(key, normalise):
        raise InvalidRequest("An external key is text of 1 to 255 characters.")
    enrollment = ProgramEnrollment(
        program_uuid=required_uuid(program_uuid),
        curriculum_uuid=required_uuid(curriculum_uuid),
        user=user,
        external_user_key=key,
        external_key=normalise(key) if key else None,
        status=str(status),
    )
    if save:
        _save(enrollment)
    return enrollment


def change_program_enrollment_status(program_enrollment: ProgramEnrollment, new_status: str | None) -> str:
    """Set the status of an enrollment and return it; ``invalid-status`` or ``illegal-operation`` change nothing.

    The same status again counts as a change, as in the old system. Saves an unsaved enrollment. Needs an open
    transaction; does not commit.

    Raises:
        EnrollmentConflict: an unsaved one cannot be saved.

    Source: program_enrollments of edx-platform, ``api/writing.py``.
    """
    if new_status not in PROGRAM_STATUSES:
        return INVALID_STATUS
    change = f"{program_enrollment.status}>{new_status}"
    if change in current_settings().forbidden_transitions:
        return ILLEGAL_OPERATION
    program_enrollment.status = str(new_status)
    program_enrollment.modified_at = utc_now()
    _save(program_enrollment)
    return str(new_status)


def _save(enrollment: ProgramEnrollment) -> None:
    try:
        with savepoint() as session:
            session.add(enrollment)
            session.flush()
    except IntegrityError as error:
        db.session.expire_all()
        raise EnrollmentConflict(
            "The key or the user is enrolled in this curriculum of the program already.",
            {"program": str(enrollment.program_uuid), "curriculum": str(enrollment.curriculum_uuid)},
        ) from error
