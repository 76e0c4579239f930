"""The documents of admissions: the application slip and the activation letter."""

from dataclasses import replace

from sqlalchemy import select

from plugins.admissions.api.slips import LetterFacts, SlipFacts
from plugins.admissions.models import Container
from portal.sdk import InstitutionSettings, db, get_settings, institution_logo, reading
from portal.sdk.documents import DocumentKind, sample_photo

#: Lines of history that the slip has room for; more go to a second page.
HISTORY_LINES = 12
#: Notices whose slips are laid out before workers fork; of more containers, when they are used.
MAX_NOTICES = 8

_SAMPLE = SlipFacts(
    institution_name="University of Example",
    container_title="Undergraduate admission 2026/2027",
    applicant_id="app2026_123456",
    registration_number="20260001234FA",
    first_name="Olúwafẹ́mi",
    middle_name="Chinedu",
    last_name="Ọ̀ṣúnbíyìí-Łukasz",
    photo=sample_photo(),
    qr_text="https://portal.example.edu/slips/app2026_123456",
    sex="male",
    date_of_birth="12 March 2006",
    email="femi.osunbiyii@example.org",
    phone="+234-803-1234567",
    course1="B.Sc. Computer Science",
    course2="B.Eng. Civil Engineering",
    student_number="K1000234",
    certificate="BSCCSC – Bachelor of Science in Computer Science",
    department="Department of Computer Science",
    faculty="Faculty of Science",
    entry_session="2026/2027",
    sign_in_name="K1000234",
    portal_address="https://portal.example.edu",
    history=tuple(
        f"2026-0{month}-11 10:2{month} WAT – Application record changed by AVATAR, ToVe fi"
        for month in range(1, 8)
    ),
    created_at="20 November 2026, 14:03 WAT",
)
_WITHOUT_PHOTO = SlipFacts(
    institution_name="University of Example",
    container_title="Undergraduate admission 2026/2027",
    applicant_id="app2026_654321",
    first_name="Zoë",
    last_name="D’Arcy",
    qr_text="https://portal.example.edu/slips/app2026_654321",
    created_at="20 November 2026, 14:03 WAT",
)


_WITH_LOGO = replace(_WITHOUT_PHOTO, logo=sample_photo(400, 200))


def shapes_in_use() -> list[SlipFacts]:
    """Return a slip with and one without photo for each notice of a container, under the institution's own name and logo."""
    with reading():
        name, logo = get_settings(InstitutionSettings).name, institution_logo()
        notices = db.session.scalars(
            select(Container.application_slip_notice)
            .distinct()
            .order_by(Container.application_slip_notice)
            .limit(MAX_NOTICES)
        ).all()
    return [
        replace(sample, institution_name=name, logo=logo, slip_notice=notice)
        for notice in dict.fromkeys(("", *notices))
        for sample in (_SAMPLE, _WITHOUT_PHOTO)
    ]


APPLICATION_SLIP = DocumentKind(
    name="admissions.application_slip",
    title="Application record",
    template="admissions/documents/application_slip.html",
    facts=SlipFacts,
    compiled=True,
    fixed=("institution_name", "slip_notice"),
    repeated=(
        "container_title",
        "sex",
        "course1",
        "course2",
        "special_application",
        "notice",
        "certificate",
        "department",
        "faculty",
        "entry_session",
        "portal_address",
        "created_at",
    ),
    lines={"history": HISTORY_LINES},
    images=("photo", "logo"),
    codes=("qr_text",),
    samples=(_SAMPLE, _WITHOUT_PHOTO, _WITH_LOGO),
    shapes=shapes_in_use,
    problem_code="slip-failed",
)

ACTIVATION_LETTER = DocumentKind(
    name="admissions.activation_letter",
    title="Activation letters",
    template="admissions/documents/activation_letter.html",
    facts=LetterFacts,
    images=("logo",),
    problem_code="letter-failed",
)
