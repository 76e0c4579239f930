"""The job ``admissions.create_students``: student records with slips, for a selection, a container or the portal."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from plugins.admissions.api.activation_mails import mail_activation_codes
from plugins.admissions.api.containers import container_by_code
from plugins.admissions.api.creation import Check, Creation, CreationRequest, PreparedSlip
from plugins.admissions.api.creation_undo import Undone, check_creations, undo_creations
from plugins.admissions.api.numbers import allocate
from plugins.admissions.api.slip_facts import SlipSource, SlipWanted, slip_sources
from plugins.admissions.api.students import check_many, create_many, slip_refusal
from plugins.admissions.api.undo_checks import FIRST_VERSION, CreationToUndo
from plugins.admissions.errors import Refusal
from plugins.admissions.hooks import NumberWanted
from plugins.admissions.jobs.creation_rows import (
    ApplicantRef,
    CreateStudentsParams,
    Scope,
    admitted,
    selected,
)
from plugins.admissions.models import Applicant, Student, session_title
from plugins.admissions.permissions import STUDENTS_CREATE, STUDENTS_CREATE_ALL
from plugins.admissions.settings import AdmissionsSettings
from portal.sdk import NewFile, current_store, get_settings, reading, utc_now
from portal.sdk.documents import render_bulk
from portal.sdk.jobs import (
    Action,
    Closing,
    JobFiles,
    Outcome,
    Plan,
    Problem,
    RowJob,
    RowState,
    SourceRow,
    UndoWork,
    Work,
)

SLIP = "admissions.application_slip"


class CreateStudents(RowJob[CreateStudentsParams, ApplicantRef]):
    """Makes a student record, with its slip, of every admitted applicant in the scope."""

    name: ClassVar[str] = "admissions.create_students"
    title: ClassVar[str] = "Create student records"
    Params = CreateStudentsParams
    Row = ApplicantRef
    chunk_rows: ClassVar[int] = 250
    seconds_per_row: ClassVar[float] = 0.002
    warning_template: ClassVar[str | None] = "admissions/create_students_warning.html"
    record_model: ClassVar[type[Any] | None] = Student
    subject_model: ClassVar[type[Any] | None] = Applicant

    def permission(self, params: CreateStudentsParams) -> str:
        return STUDENTS_CREATE if params.scope is Scope.APPLICANTS else STUDENTS_CREATE_ALL

    def closes_portal(self, params: CreateStudentsParams) -> Closing:
        return Closing.NEVER if params.scope is Scope.APPLICANTS else Closing.DEFAULT

    def explain(self, params: CreateStudentsParams) -> str:
        if params.scope is Scope.CONTAINER:
            return f"Create students of container {params.container}"
        if params.scope is Scope.PORTAL:
            return "Create students of the whole portal"
        count = len(params.applicants)
        return f"Create students from {count} selected applicant{'s' if count > 1 else ''}"

    def rows(self, params: CreateStudentsParams, files: JobFiles) -> Iterator[SourceRow[ApplicantRef]]:
        """Give the admitted applicants of the scope in key order; of a selection every one, in the given order.

        Raises:
            InvalidInput, NotFound: for a container that does not exist.
        """
        if params.scope is Scope.APPLICANTS:
            yield from selected(params.applicants)
            return
        container_id = None
        if params.scope is Scope.CONTAINER:
            container_id = container_by_code(params.container or "").id
        yield from admitted(container_id)

    def plan(self, rows: Sequence[ApplicantRef], params: CreateStudentsParams) -> Sequence[Plan]:
        return [_plan(check) for check in check_many([row.applicant_uid for row in rows])]

    def reserve(
        self, work: Sequence[Work[ApplicantRef]], params: CreateStudentsParams
    ) -> Sequence[Mapping[str, Any] | None]:
        """Give a number and the time to rows that still pass the checks; others will be refused with the reason."""
        checks = check_many([item.row.applicant_uid for item in work], photos=False, duplicates=False)
        fit = [
            check.refusal is None and _is_as_seen(item, check)
            for item, check in zip(work, checks, strict=True)
        ]
        wanted = [_number_wanted(check) for check, passes in zip(checks, fit, strict=True) if passes]
        numbers = iter(allocate(wanted))
        now = utc_now().isoformat()
        return [{"student_id": next(numbers), "created_at": now} if passes else None for passes in fit]

    def prepare(
        self, work: Sequence[Work[ApplicantRef]], params: CreateStudentsParams, files: JobFiles
    ) -> Mapping[uuid.UUID, PreparedSlip | Refusal]:
        """Draw the slips and make them durable; no transaction is open meanwhile."""
        wanted = {item.row.applicant_uid: _wanted(item) for item in work if item.reserved}
        if not wanted:
            return {}
        with reading():
            # Read here, the settings are at hand in the transactions around, which then need not ask again.
            get_settings(AdmissionsSettings)
            sources = slip_sources(list(wanted.values()))
        return _drawn(wanted, sources)

    def apply(
        self, work: Sequence[Work[ApplicantRef]], prepared: Any, params: CreateStudentsParams
    ) -> Sequence[Outcome]:
        slips: Mapping[uuid.UUID, PreparedSlip | Refusal] = prepared
        creations = create_many([_request(item, slips) for item in work])
        if params.send_email:
            mail_activation_codes(
                [item.student.student_uid for item in creations if item.student is not None]
            )
        return [_outcome(creation) for creation in creations]

    def check_undo(
        self, rows: Sequence[UndoWork[ApplicantRef]], params: CreateStudentsParams
    ) -> Sequence[Problem | None]:
        refusals = check_creations([_to_undo(item) for item in rows])
        return [Problem(code=item.code, message=item.message) if item else None for item in refusals]

    def undo(self, rows: Sequence[UndoWork[ApplicantRef]], params: CreateStudentsParams) -> Sequence[Outcome]:
        """Remove the students that nobody has used and admit their applicants again."""
        undone = undo_creations([_to_undo(item) for item in rows])
        return [_undo_outcome(item, result) for item, result in zip(rows, undone, strict=True)]

    def record_endpoint(self) -> str | None:
        return "admissions_student.details_view"

    def subject_endpoint(self) -> str | None:
        """Return the applicant's page."""
        return "admissions_applicant.details_view"


def _plan(check: Check) -> Plan:
    candidate = check.candidate
    version = str(candidate.version) if candidate is not None else None
    if check.refusal is not None or candidate is None:
        code, message = (check.refusal.code, check.refusal.message) if check.refusal else ("", "")
        return Plan(action=Action.REFUSE, code=code, message=message, version=version)
    after = {
        "certificate": candidate.course_admitted,
        "entry_session": session_title(candidate.entry_session) if candidate.entry_session else "",
        "start_level": candidate.start_level,
    }
    return Plan(action=Action.CREATE, after=after, version=version, warning=check.warning)


def _number_wanted(check: Check) -> NumberWanted:
    candidate = check.candidate
    if candidate is None:
        raise AssertionError("an applicant that passes the checks is there")
    return NumberWanted(
        applicant_uid=candidate.uid,
        applicant_id=candidate.applicant_id,
        reg_number=candidate.reg_number,
        certificate_code=candidate.course_admitted or "",
        entry_session=candidate.entry_session or 0,
    )


def _is_as_seen(item: Work[ApplicantRef], check: Check) -> bool:
    if not item.binding or check.candidate is None:
        return True
    return item.seen_version == str(check.candidate.version)


def _wanted(item: Work[ApplicantRef]) -> SlipWanted:
    number, at = _reserved(item)
    return SlipWanted(applicant_uid=item.row.applicant_uid, student_id=number, created_at=at)


def _reserved(item: Work[ApplicantRef]) -> tuple[str, datetime]:
    reserved = item.reserved or {}
    return str(reserved["student_id"]), datetime.fromisoformat(str(reserved["created_at"]))


def _drawn(
    wanted: Mapping[uuid.UUID, SlipWanted], sources: Mapping[uuid.UUID, SlipSource]
) -> dict[uuid.UUID, PreparedSlip | Refusal]:
    slips: dict[uuid.UUID, PreparedSlip | Refusal] = {}
    drawable = [(uid, source, source.facts) for uid, source in sources.items() if source.facts is not None]
    rendered = render_bulk(SLIP, [facts for _, _, facts in drawable])
    pdfs: list[tuple[uuid.UUID, SlipSource, bytes]] = []
    for (uid, source, _), result in zip(drawable, rendered, strict=True):
        if result.pdf is not None:
            pdfs.append((uid, source, result.pdf))
        elif result.problem is not None:
            slips[uid] = slip_refusal(result.problem)
    names = current_store().put_many([pdf for _, _, pdf in pdfs])
    for (uid, source, pdf), name in zip(pdfs, names, strict=True):
        slips[uid] = _prepared(
            wanted[uid], source, NewFile(sha256=name, size_bytes=len(pdf), media_type="application/pdf")
        )
    slips |= {uid: source.refusal for uid, source in sources.items() if source.refusal is not None}
    return slips


def _prepared(wanted: SlipWanted, source: SlipSource, file: NewFile) -> PreparedSlip:
    return PreparedSlip(
        file=file,
        student_id=wanted.student_id or "",
        created_at=wanted.created_at or utc_now(),
        applicant_version=source.applicant_version,
        photo_sha256=source.photo_sha256,
    )


def _request(item: Work[ApplicantRef], slips: Mapping[uuid.UUID, PreparedSlip | Refusal]) -> CreationRequest:
    return CreationRequest(
        applicant_uid=item.row.applicant_uid,
        slip=slips.get(item.row.applicant_uid),
        seen_version=int(item.seen_version) if item.binding and item.seen_version else None,
    )


def _outcome(creation: Creation) -> Outcome:
    if creation.refusal is not None:
        return Outcome.refused(creation.refusal.code, creation.refusal.message)
    student = creation.student
    if student is None:
        raise AssertionError("a creation without refusal has a student")
    return Outcome(
        state=RowState.DONE,
        message=f"Student {student.student_id} created",
        record_id=str(student.student_uid),
        version=FIRST_VERSION,
    )


def _to_undo(item: UndoWork[ApplicantRef]) -> CreationToUndo:
    return CreationToUndo(
        student_uid=uuid.UUID(item.record_id),
        label=item.label,
        version=item.version or FIRST_VERSION,
        job_id=item.job_id,
    )


def _undo_outcome(item: UndoWork[ApplicantRef], undone: Undone) -> Outcome:
    if undone.refusal is not None:
        return Outcome(
            state=RowState.REFUSED,
            code=undone.refusal.code,
            message=undone.refusal.message,
            record_id=item.record_id,
        )
    return Outcome(
        state=RowState.DONE,
        message=f"Student {undone.student_id} removed, the applicant is admitted again",
        record_id=item.record_id,
    )
