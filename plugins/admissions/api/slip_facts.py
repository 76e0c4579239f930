"""Loads what application slips print, for many applicants in a fixed number of statements."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import aliased

from plugins.admissions.api.candidates import CandidateFile
from plugins.admissions.api.photos import photo_problem
from plugins.admissions.api.slips import SlipFacts, certificate_text, history_line
from plugins.admissions.api.student_rows import creation_text
from plugins.admissions.errors import PHOTO_UNREADABLE, Refusal
from plugins.admissions.models import (
    Applicant,
    ApplicantFile,
    ApplicantHistory,
    Certificate,
    Container,
    Department,
    Faculty,
    FileKind,
    session_title,
)
from plugins.admissions.models.vocabulary import PASSPORT_NAME, SEX_TITLES, SPECIAL_TITLES
from portal.sdk import (
    InstitutionSettings,
    NotFound,
    StoredFile,
    current_actor,
    current_config,
    current_store,
    db,
    get_settings,
    institution_logo,
)

#: Where the page that shows a slip's student lies; the QR code leads there.
SLIP_PATH = "/panel/admissions/student/slips/"
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


@dataclass(frozen=True, kw_only=True)
class SlipWanted:
    """An applicant whose slip is wanted; with number and time it is the slip of the student record to be made."""

    applicant_uid: uuid.UUID
    student_id: str | None = None
    created_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class SlipSource:
    """What a slip is drawn from.

    Args:
        facts: What is printed; None when ``refusal`` says why nothing can be.
        applicant_version: Version of the applicant that the facts show.
        photo_sha256: The picture on the slip, which is whole.
    """

    facts: SlipFacts | None
    applicant_version: int
    photo_sha256: str | None = None
    refusal: Refusal | None = None


def slip_sources(wanted: Sequence[SlipWanted]) -> dict[uuid.UUID, SlipSource]:
    """Return what the slips of these applicants are drawn from; those that do not exist are absent.

    Two statements, and one read of the store per photo. The same facts give the same bytes.

    Args:
        wanted: 1 to 500, unique.
    """
    uids = [item.applicant_uid for item in wanted]
    rows = {row.id: row for row in db.session.execute(_applicants(uids))}
    page = _Page.of_portal()
    history = _history(uids, page)
    return {
        item.applicant_uid: _source(
            item,
            rows[item.applicant_uid],
            history.get(item.applicant_uid, []),
            page,
        )
        for item in wanted
        if item.applicant_uid in rows
    }


@dataclass(frozen=True, kw_only=True)
class _Page:
    """What all slips of a chunk share."""

    institution: str
    logo: bytes | None
    zone: ZoneInfo
    address: str
    actor: str

    @classmethod
    def of_portal(cls) -> "_Page":
        settings = get_settings(InstitutionSettings)
        return cls(
            institution=settings.name,
            logo=institution_logo(),
            zone=ZoneInfo(settings.time_zone),
            address=current_config().public_url,
            actor=current_actor().name,
        )

    def time_text(self, at: datetime) -> str:
        """Return an instant as the institution's clocks show it."""
        local = at.astimezone(self.zone)
        return f"{local.isoformat(' ', 'seconds')[:19]} {local.tzname()}"


def _applicants(uids: Sequence[uuid.UUID]) -> Any:
    first, second, admitted = aliased(Certificate), aliased(Certificate), aliased(Certificate)
    return (
        select(
            *Applicant.__table__.c,
            Container.title.label("container_title"),
            Container.year,
            Container.with_picture,
            Container.application_slip_notice,
            first.title.label("course1_title"),
            second.title.label("course2_title"),
            admitted.title.label("admitted_title"),
            Department.title.label("department_title"),
            Faculty.title.label("faculty_title"),
            ApplicantFile.sha256.label("photo_sha256"),
            StoredFile.size_bytes.label("photo_bytes"),
        )
        .join(Container, Container.id == Applicant.container_id)
        .outerjoin(first, first.code == Applicant.course1)
        .outerjoin(second, second.code == Applicant.course2)
        .outerjoin(admitted, admitted.code == Applicant.course_admitted)
        .outerjoin(Department, Department.id == admitted.department_id)
        .outerjoin(Faculty, Faculty.id == Department.faculty_id)
        .outerjoin(
            ApplicantFile,
            (ApplicantFile.applicant_uid == Applicant.id) & (ApplicantFile.name == PASSPORT_NAME),
        )
        .outerjoin(StoredFile, StoredFile.sha256 == ApplicantFile.sha256)
        .where(Applicant.id.in_(uids))
    )


def _history(uids: Sequence[uuid.UUID], page: _Page) -> Mapping[uuid.UUID, list[str]]:
    found = db.session.execute(
        select(
            ApplicantHistory.applicant_uid,
            ApplicantHistory.at,
            ApplicantHistory.text,
            ApplicantHistory.actor_name,
        )
        .where(ApplicantHistory.applicant_uid.in_(uids))
        .order_by(ApplicantHistory.applicant_uid, ApplicantHistory.at, ApplicantHistory.id)
    )
    lines: dict[uuid.UUID, list[str]] = {}
    for uid, at, text, actor in found:
        lines.setdefault(uid, []).append(history_line(page.time_text(at), text, actor))
    return lines


def _source(wanted: SlipWanted, row: Any, history: Sequence[str], page: _Page) -> SlipSource:
    passport, photo = _passport(row), None
    if passport is not None and row.with_picture:
        photo, problem = _photo(passport)
        if problem is not None:
            message = (
                f"The passport picture of {row.applicant_id} cannot be read: {problem}. Upload it again."
            )
            refusal = Refusal(code=PHOTO_UNREADABLE, message=message)
            return SlipSource(facts=None, applicant_version=row.version, refusal=refusal)
    return SlipSource(
        facts=_facts(wanted, row, history, photo, page),
        applicant_version=row.version,
        photo_sha256=passport.sha256 if passport is not None and photo is not None else None,
    )


def _passport(row: Any) -> CandidateFile | None:
    if row.photo_sha256 is None:
        return None
    return CandidateFile(FileKind.PASSPORT, PASSPORT_NAME, row.photo_sha256, row.photo_bytes)


def _photo(file: CandidateFile) -> tuple[bytes | None, str | None]:
    try:
        data = current_store().read(file.sha256)
    except NotFound:
        return None, photo_problem(file, None)
    return data, photo_problem(file, data)


def _facts(
    wanted: SlipWanted, row: Any, history: Sequence[str], photo: bytes | None, page: _Page
) -> SlipFacts:
    number, lines = wanted.student_id or "", tuple(history)
    made_at = page.time_text(wanted.created_at) if wanted.created_at is not None else ""
    if number and made_at:
        lines += (history_line(made_at, creation_text(number), page.actor),)
    return SlipFacts(
        institution_name=page.institution,
        logo=page.logo,
        container_title=row.container_title,
        applicant_id=row.applicant_id,
        registration_number=row.reg_number or "",
        first_name=row.firstname,
        middle_name=row.middlename,
        last_name=row.lastname,
        photo=photo,
        qr_text=f"{page.address}{SLIP_PATH}{number}" if number else "",
        sex=SEX_TITLES.get(row.sex, row.sex),
        date_of_birth=_date_text(row.date_of_birth),
        email=row.email,
        phone=row.phone,
        course1=_course(row.course1, row.course1_title),
        course2=_course(row.course2, row.course2_title),
        special_application=SPECIAL_TITLES.get(row.special_application or "", ""),
        notice=row.notice,
        student_number=number,
        certificate=_course(row.course_admitted, row.admitted_title),
        department=row.department_title or "",
        faculty=row.faculty_title or "",
        entry_session=session_title(row.year) if row.year is not None else "",
        sign_in_name=number,
        portal_address=page.address if number else "",
        slip_notice=row.application_slip_notice,
        history=lines,
        created_at=made_at,
    )


def _date_text(day: date | None) -> str:
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}" if day is not None else ""


def _course(code: str | None, title: str | None) -> str:
    return certificate_text(code or "", title or "")
