"""Makes student records from admitted applicants: check many, create many, create one. Nothing here commits."""

import uuid
from collections.abc import Collection, Mapping, Sequence

from plugins.admissions.api.candidates import Candidate, load_candidates, namesakes, taken_numbers
from plugins.admissions.api.checks import Surroundings, refusal_of, warning_of
from plugins.admissions.api.creation import Accepted, Check, Creation, CreationRequest, PreparedSlip
from plugins.admissions.api.photos import photo_problem
from plugins.admissions.api.student_rows import write_students
from plugins.admissions.errors import (
    APPLICANT_NOT_FOUND,
    CHANGED_SINCE_PREVIEW,
    SLIP_FAILED,
    ApplicantNotFound,
    Refusal,
)
from plugins.admissions.hooks import CreatedStudent, StudentsCreated
from plugins.admissions.settings import AdmissionsSettings
from portal.sdk import Conflict, NotFound, PortalError, current_store, db, emit_reaction, get_settings, new_id

#: Applicants in one call.
MOST_AT_ONCE = 500


class CreationRefused(Conflict):
    """The applicant cannot become a student; the code says which check failed."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.code, refusal.message)


class SlipOutdated(Conflict):
    """An applicant changed after its slip was drawn, and nobody confirmed the earlier state: draw it again."""

    def __init__(self, applicant_id: str) -> None:
        message = f"{applicant_id} was changed while its slip was being drawn. Try again."
        super().__init__("changed-meanwhile", message, {"applicant_id": applicant_id})


def check_many(
    applicant_uids: Sequence[uuid.UUID], *, photos: bool = True, duplicates: bool = True, lock: bool = False
) -> list[Check]:
    """Return what the checks say about each applicant, in the given order. At most six statements; reads only.

    Args:
        applicant_uids: 1 to 500, unique, any order.
        photos: Read the stored pictures too.
        duplicates: Look for namesakes too.
        lock: Keep the applicants from changing until the transaction ends.
    """
    candidates = load_candidates(applicant_uids, lock=lock, with_files=photos)
    around = _surroundings(list(candidates.values()), photos=photos, duplicates=duplicates)
    return [_check(uid, candidates.get(uid), around) for uid in applicant_uids]


def _surroundings(candidates: Sequence[Candidate], *, photos: bool, duplicates: bool) -> Surroundings:
    refuses = get_settings(AdmissionsSettings).refuse_possible_duplicates
    return Surroundings(
        taken=taken_numbers(candidates),
        photo_problems=_photo_problems(candidates) if photos else {},
        namesakes=namesakes(candidates) if duplicates or refuses else {},
        refuse_namesakes=refuses,
    )


def _photo_problems(candidates: Sequence[Candidate], known_whole: Collection[str] = ()) -> dict[str, str]:
    """Return blob name → what is wrong, for the passports of these applicants."""
    store = current_store()
    problems = {}
    for candidate in candidates:
        file = candidate.passport
        if file is None or file.sha256 in known_whole:
            continue
        try:
            data = store.read(file.sha256)
        except NotFound:
            data = None
        problem = photo_problem(file, data)
        if problem is not None:
            problems[file.sha256] = problem
    return problems


def _check(uid: uuid.UUID, candidate: Candidate | None, around: Surroundings) -> Check:
    if candidate is None:
        message = "This applicant no longer exists."
        return Check(
            applicant_uid=uid, candidate=None, refusal=Refusal(code=APPLICANT_NOT_FOUND, message=message)
        )
    refusal = refusal_of(candidate, around)
    warning = warning_of(candidate, around) if refusal is None else ""
    return Check(applicant_uid=uid, candidate=candidate, refusal=refusal, warning=warning)


def create_many(requests: Sequence[CreationRequest]) -> list[Creation]:
    """Make a student of every applicant that passes the checks now; outcomes come in the given order.

    Needs an open transaction; does not commit. A fixed number of statements for any number of students (below 25).
    Emits ``admissions_students_created`` for those that were made.

    Args:
        requests: 1 to 500, one per applicant; slips are durable already.

    Raises:
        SlipOutdated: an applicant that nobody confirmed changed after its slip was drawn; nothing was written.
        PluginReactionFailed: a plugin refused; the transaction must roll back.
    """
    db.session.flush()
    candidates = load_candidates([request.applicant_uid for request in requests], lock=True)
    whole = {
        request.slip.photo_sha256
        for request in requests
        if isinstance(request.slip, PreparedSlip) and request.slip.photo_sha256
    }
    around = _surroundings(list(candidates.values()), photos=False, duplicates=False)
    around.photo_problems = _photo_problems(list(candidates.values()), whole)
    judged = [_judged(request, candidates.get(request.applicant_uid), around) for request in requests]
    accepted = [item for item in judged if isinstance(item, Accepted)]
    students = _written(accepted) if accepted else {}
    return [_creation(request, item, students) for request, item in zip(requests, judged, strict=True)]


def _judged(
    request: CreationRequest, candidate: Candidate | None, around: Surroundings
) -> Accepted | Refusal:
    check = _check(request.applicant_uid, candidate, around)
    if check.refusal is not None:
        return check.refusal
    if candidate is None:
        raise AssertionError("an applicant without refusal exists")
    if request.seen_version is not None and candidate.version != request.seen_version:
        message = f"{candidate.applicant_id} was changed since the preview. Look at it and start again."
        return Refusal(code=CHANGED_SINCE_PREVIEW, message=message)
    if isinstance(request.slip, Refusal):
        return request.slip
    if request.slip is None or request.slip.applicant_version != candidate.version:
        raise SlipOutdated(candidate.applicant_id)
    return Accepted(new_id(), request.slip, candidate)


def _written(accepted: Sequence[Accepted]) -> Mapping[uuid.UUID, CreatedStudent]:
    user_ids = write_students(accepted)
    students = {
        item.candidate.uid: CreatedStudent(
            student_uid=item.student_uid,
            student_id=item.slip.student_id,
            user_id=user_id,
            applicant_uid=item.candidate.uid,
            applicant_id=item.candidate.applicant_id,
            certificate_code=item.candidate.course_admitted or "",
            entry_session=item.candidate.entry_session or 0,
        )
        for item, user_id in zip(accepted, user_ids, strict=True)
    }
    event = StudentsCreated(students=tuple(students.values()), at=accepted[0].slip.created_at)
    emit_reaction("admissions_students_created", event=event)
    db.session.expire_all()
    return students


def _creation(
    request: CreationRequest, item: Accepted | Refusal, students: Mapping[uuid.UUID, CreatedStudent]
) -> Creation:
    refusal = item if isinstance(item, Refusal) else None
    return Creation(
        applicant_uid=request.applicant_uid, student=students.get(request.applicant_uid), refusal=refusal
    )


def create_student(applicant_uid: uuid.UUID, slip: PreparedSlip) -> CreatedStudent:
    """Make one student and return it: :func:`create_many` of one. Needs an open transaction; does not commit.

    Args:
        slip: Drawn and stored before, with a number from :func:`plugins.admissions.api.numbers.reserve`.

    Raises:
        ApplicantNotFound: when there is no such applicant.
        CreationRefused: with the code of the first check that failed; nothing was written.
        SlipOutdated: when the applicant changed after the slip was drawn.
    """
    (creation,) = create_many([CreationRequest(applicant_uid=applicant_uid, slip=slip)])
    if creation.refusal is not None and creation.refusal.code == APPLICANT_NOT_FOUND:
        raise ApplicantNotFound(applicant_uid)
    if creation.refusal is not None:
        raise CreationRefused(creation.refusal)
    if creation.student is None:
        raise AssertionError("a creation without refusal has a student")
    return creation.student


def slip_refusal(problem: PortalError) -> Refusal:
    """Return the refusal of an applicant whose slip cannot be drawn."""
    return Refusal(code=SLIP_FAILED, message=f"The application slip could not be created. {problem.message}")
