"""The job ``admissions.create_students``: student records with slips, for a selection, a container or the portal."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from pydantic import BaseModel, Field, model_validator
from sqlalchemy import select

from plugins.admissions.api.activation_mails import mail_activation_codes
from plugins.admissions.api.containers import container_by_code
from plugins.admissions.api.creation import Check, Creation, CreationRequest, PreparedSlip
from plugins.admissions.api.numbers import reserve
from plugins.admissions.api.slip_facts import SlipSource, SlipWanted, slip_sources
from plugins.admissions.api.students import check_many, create_many, slip_refusal
from plugins.admissions.errors import Refusal
from plugins.admissions.models import Applicant, ApplicantState, session_title
from plugins.admissions.models.names import display_name
from plugins.admissions.permissions import STUDENTS_CREATE, STUDENTS_CREATE_ALL
from plugins.admissions.settings import AdmissionsSettings
from portal.sdk import NewFile, current_store, db, get_settings, reading, utc_now
from portal.sdk.documents import render_bulk
from portal.sdk.jobs import Action, Closing, JobFiles, Outcome, Plan, RowJob, RowState, SourceRow, Work

SLIP = "admissions.application_slip"
#: Applicants read in one go while the rows are listed.
PAGE_ROWS = 1000


class Scope(StrEnum):
    """Whose students are made."""

    APPLICANTS = "applicants"
    CONTAINER = "container"
    PORTAL = "portal"


class CreateStudentsParams(BaseModel):
    """Whose student records to make."""

    scope: Scope
    applicants: list[uuid.UUID] = Field(
        default_factory=list, description="Keys of the applicants of a selection."
    )
    container: str | None = Field(None, description="Code of the container.")
    send_email: bool = Field(False, description="Mail each new student how to choose a password.")

    @model_validator(mode="after")
    def _complete(self) -> "CreateStudentsParams":
        if self.scope is Scope.APPLICANTS and not self.applicants:
            raise ValueError("no applicant selected")
        if self.scope is Scope.CONTAINER and not self.container:
            raise ValueError("no container named")
        return self


class ApplicantRef(BaseModel):
    """One applicant to make a student of."""

    applicant_uid: uuid.UUID


class CreateStudents(RowJob[CreateStudentsParams, ApplicantRef]):
    """Makes a student record, with its slip, of every admitted applicant in the scope."""

    name: ClassVar[str] = "admissions.create_students"
    title: ClassVar[str] = "Create student records"
    Params = CreateStudentsParams
    Row = ApplicantRef
    chunk_rows: ClassVar[int] = 250
    seconds_per_row: ClassVar[float] = 0.002
    warning_template: ClassVar[str | None] = "admissions/create_students_warning.html"

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
            yield from _selected(params.applicants)
            return
        container_id = None
        if params.scope is Scope.CONTAINER:
            container_id = container_by_code(params.container or "").id
        yield from _admitted(container_id)

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
        numbers = iter(reserve(sum(fit)))
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

    def record_endpoint(self) -> str | None:
        return "admissions_student.details_view"

    def subject_endpoint(self) -> str | None:
        """Return the applicant's page."""
        return "admissions_applicant.details_view"


def _selected(uids: Sequence[uuid.UUID]) -> Iterator[SourceRow[ApplicantRef]]:
    unique = list(dict.fromkeys(uids))
    for start in range(0, len(unique), PAGE_ROWS):
        page = unique[start : start + PAGE_ROWS]
        found = db.session.execute(select(*_LISTED).where(Applicant.id.in_(page)))
        rows = {row.id: row for row in found}
        for uid in page:
            label = _label(rows[uid]) if uid in rows else f"applicant {uid}"
            yield SourceRow(row=ApplicantRef(applicant_uid=uid), key=str(uid), subject=str(uid), label=label)


_LISTED = (
    Applicant.id,
    Applicant.applicant_id,
    Applicant.firstname,
    Applicant.middlename,
    Applicant.lastname,
)


def _admitted(container_id: uuid.UUID | None) -> Iterator[SourceRow[ApplicantRef]]:
    statement = (
        select(*_LISTED)
        .where(Applicant.state == ApplicantState.ADMITTED)
        .order_by(Applicant.id)
        .limit(PAGE_ROWS)
    )
    if container_id is not None:
        statement = statement.where(Applicant.container_id == container_id)
    page = db.session.execute(statement).all()
    while page:
        for row in page:
            reference = ApplicantRef(applicant_uid=row.id)
            yield SourceRow(row=reference, key=str(row.id), subject=str(row.id), label=_label(row))
        page = db.session.execute(statement.where(Applicant.id > page[-1].id)).all()


def _label(row: Any) -> str:
    return f"{row.applicant_id} {display_name(row.firstname, row.middlename, row.lastname)}"


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
    )
