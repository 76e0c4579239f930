"""Creating students: the old system's cases by number, and what ours adds."""

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import delete, select

from plugins.admissions.api.candidates import load_candidates
from plugins.admissions.api.checks import SESSIONS_AHEAD, Surroundings, refusal_of
from plugins.admissions.api.creation import PreparedSlip
from plugins.admissions.api.integrity import broken_promises
from plugins.admissions.api.numbers import reserve
from plugins.admissions.api.slip_facts import SlipWanted, slip_sources
from plugins.admissions.api.students import CreationRefused, create_student
from plugins.admissions.api.workflow import available_transitions
from plugins.admissions.models import (
    Applicant,
    ApplicantState,
    Certificate,
    Container,
    Department,
    FileKind,
    Student,
    StudyCourse,
)
from plugins.admissions.settings import AdmissionsSettings
from portal.mail.models import OutboxMessage
from portal.sdk import (
    SYSTEM,
    ExternalIdentity,
    NewFile,
    User,
    activation_codes,
    current_store,
    db,
    transaction,
    utc_now,
)
from portal.sdk.jobs import JobState, draft, retry, run_inline, submit
from portal.settings.store import set_values
from tests.plugins.admissions.university import (
    University,
    add,
    add_many,
    change,
    create,
    create_selected,
    force,
    get,
    give_file,
    give_photo,
    issued,
    jpeg,
    messages,
    refusals,
    students,
)

CONTAINER = {"scope": "container", "container": "app2026"}
PORTAL = {"scope": "portal"}


def remove_certificate(university: University) -> dict[str, object]:
    """Remove CERT1 and return what is needed to restore it."""
    kept = get(Certificate, university.certificate)
    values = {"code": kept.code, "title": kept.title, "department_id": kept.department_id}
    with transaction() as session:
        session.execute(delete(Certificate).where(Certificate.id == university.certificate))
    return values


def test_case_1_an_applicant_who_is_not_admitted_is_refused_and_takes_no_number(
    university: University,
) -> None:
    uid = add(university, state=ApplicantState.SUBMITTED)

    job = create_selected(uid)

    assert refusals(job) == {"not-admitted": 1}
    assert "has not yet been admitted" in messages(job)[0]
    assert issued() == 0


def test_case_2_without_course_admitted_it_is_refused_and_takes_no_number(university: University) -> None:
    job = create_selected(add(university, course_admitted=None))

    assert refusals(job) == {"no-certificate": 1}
    assert "No study course provided" in messages(job)[0]
    assert issued() == 0


def test_case_3_a_certificate_that_was_removed_meanwhile_refuses(university: University) -> None:
    uid = add(university)
    remove_certificate(university)

    job = create_selected(uid)

    assert refusals(job) == {"certificate-missing": 1}
    assert "CERT1" in messages(job)[0]
    assert issued() == 0


@pytest.mark.both_engines
def test_case_4_with_the_certificate_restored_the_student_is_made(university: University) -> None:
    uid = add(university)
    values = remove_certificate(university)
    create_selected(uid)
    with transaction() as session:
        session.add(Certificate(**values))

    create_selected(uid)

    (student,), applicant = students(), get(Applicant, uid)
    assert issued() == 1
    assert (applicant.locked, applicant.state, applicant.student_id) == (True, "created", "K1000000")
    assert (student.student_id, student.state) == ("K1000000", "admitted")
    assert (student.email, student.display_fullname) == (applicant.email, applicant.display_fullname)


@pytest.mark.both_engines
def test_case_5_the_passport_is_the_same_blob_in_both_folders(university: University) -> None:
    uid = add(university)
    sha256 = give_photo(uid)

    create_selected(uid)

    passport = students()[0].passport
    assert passport is not None
    assert (passport.sha256, passport.name) == (sha256, "passport.jpg")


@pytest.mark.parametrize(("name", "data"), [("certificate.jpg", jpeg(9)), ("transcript.pdf", b"%PDF-1.4 x")])
def test_case_6_additional_files_come_along(university: University, name: str, data: bytes) -> None:
    uid = add(university)
    give_file(uid, name, data)

    create_selected(uid)

    (file,) = [file for file in students()[0].files if file.kind == FileKind.ADDITIONAL]
    assert file.name == name
    assert current_store().read(file.sha256) == data


def test_case_7_the_slip_is_a_pdf_in_the_folder(university: University) -> None:
    create_selected(add(university))

    slip = students()[0].application_slip
    assert slip is not None
    assert (slip.name, slip.stored.media_type) == ("application_slip.pdf", "application/pdf")
    assert current_store().read(slip.sha256).startswith(b"%PDF-1.")


def test_case_8_the_student_is_found_by_department(university: University) -> None:
    create_selected(add(university))

    found = select(Student.student_id).join(StudyCourse).join(Certificate).join(Department)
    assert db.session.scalars(found.where(Department.code == "dep1")).all() == ["K1000000"]


def test_case_9_the_study_course_is_filled_in(university: University) -> None:
    create_selected(add(university))

    course = students()[0].study_course
    assert course is not None
    assert (course.certificate.code, course.entry_mode) == ("CERT1", "ug_ft")
    assert (course.entry_session, course.current_session, course.current_level) == (2026, 2026, 100)
    assert (course.current_verdict, course.previous_verdict) == ("0", "0")


def test_case_10_create_is_never_offered(university: University) -> None:
    applicant = get(Applicant, add(university))

    assert "create" not in [item.id for item in available_transitions(applicant)]


def test_case_12_a_selection_of_nobody_is_refused(university: University) -> None:
    with pytest.raises(Exception, match="no applicant selected"):
        create_selected()


def test_case_13_a_selection_tells_about_everybody_in_it(university: University) -> None:
    good, early, late = (
        add(university),
        add(university, state="submitted"),
        add(university, course_admitted=None),
    )

    job = create_selected(good, early, late)

    assert (job.done_count, job.refused_count) == (1, 2)
    assert refusals(job) == {"not-admitted": 1, "no-certificate": 1}


def test_case_14_a_container_with_nobody_admitted_gives_an_empty_report(university: University) -> None:
    add(university, state=ApplicantState.SUBMITTED)

    job = create(CONTAINER)

    assert (job.state, job.rows_count) == (JobState.FINISHED, 0)


def test_cases_15_and_16_the_batch_lists_reasons(university: University) -> None:
    add(university, course_admitted=None)
    add(university, date_of_birth=None)

    job = create(CONTAINER)

    assert refusals(job) == {"no-certificate": 1, "field-missing: date_of_birth": 1}
    assert students() == []


@pytest.mark.both_engines
def test_case_17_fixed_rows_are_done_by_a_retry(university: University) -> None:
    uid = add(university, date_of_birth=None)
    job = create(CONTAINER)
    change(Applicant, uid, date_of_birth=date(2005, 1, 2))

    with transaction():
        retry(job.id, SYSTEM)
    run_inline(job.id)

    assert refusals(job) == {}
    assert [student.student_id for student in students()] == ["K1000000"]


def test_case_18_history_and_audit_tell_who_was_made_from_whom(university: University) -> None:
    uid = add(university)

    create_selected(uid)

    applicant, student = get(Applicant, uid), students()[0]
    assert applicant.history[-1].text == "Student record created (K1000000)"
    assert [line.text for line in student.history] == ["Record created", "Admitted"]
    assert {line.actor_name for line in student.history} == {"system"}


@pytest.mark.both_engines
def test_case_19_the_portal_scope_takes_all_containers(university: University) -> None:
    with transaction() as session:
        other = Container(code="app2027", title="Next year", prefix="app", year=2027)
        session.add(other)
        session.flush()
        other_id = other.id
    add(university)
    add(university, container_id=other_id)

    job = create(PORTAL)

    assert job.done_count == 2
    assert sorted(student.study_course.entry_session for student in students()) == [2026, 2027]


def test_case_20_no_passport_is_no_error(university: University) -> None:
    create_selected(add(university))

    assert students()[0].passport is None


@pytest.mark.parametrize("data", [b"no image at all", jpeg()[:-200], b"\xff\xd8\xff\xd9"])
def test_case_21_a_corrupt_picture_refuses_its_applicant_only(university: University, data: bytes) -> None:
    bad, good = add(university), add(university)
    give_file(bad, "passport.jpg", data, FileKind.PASSPORT)

    job = create(CONTAINER)

    assert refusals(job) == {"photo-unreadable": 1}
    assert [student.applicant_uid for student in students()] == [good]
    assert broken_promises() == []


@pytest.mark.both_engines
def test_case_23_single_creation_mails_an_activation_code_once(university: University) -> None:
    uid = add(university, email="ada@example.org", lastname="Okafor", application_number="735913")

    create_selected(uid, send_email=True)

    (mail,) = db.session.scalars(select(OutboxMessage)).all()
    assert mail.to_address == "ada@example.org"
    assert "K1000000" in mail.body
    assert "/activate" in mail.body
    assert get(Applicant, uid).application_number not in mail.body


def test_an_applicant_without_email_becomes_a_student(university: University) -> None:
    create_selected(add(university, email=""), send_email=True)

    assert students()[0].email == ""


def test_an_empty_registration_number_stays_empty(university: University) -> None:
    create_selected(*add_many(university, 2, reg_number=None))

    assert [student.reg_number for student in students()] == [None, None]


@pytest.mark.both_engines
def test_a_registration_number_of_another_student_refuses(university: University) -> None:
    first, second = add(university), add(university)
    create_selected(first)
    force(Student, students()[0].id, reg_number=get(Applicant, second).reg_number)

    job = create_selected(second)

    assert refusals(job) == {"registration-number-taken": 1}
    assert "K1000000" in messages(job)[0]


@pytest.mark.parametrize(
    ("year", "code"),
    [
        (None, "entry-session-missing"),
        (utc_now().year + SESSIONS_AHEAD + 1, "entry-session-invalid"),
        (7, "entry-session-invalid"),
    ],
)
def test_a_container_without_a_usable_session_refuses_without_harm(
    university: University, year: int | None, code: str
) -> None:
    add(university)
    change(Container, university.container, year=year)

    job = create(CONTAINER)

    assert (job.state, refusals(job)) == (JobState.FINISHED, {code: 1})


@pytest.mark.both_engines
def test_the_checks_come_in_their_order(university: University) -> None:
    """Everything is wrong with this applicant; mending one thing after the other shows the order."""
    taken = add(university)
    create_selected(taken)
    force(Student, students()[0].id, reg_number="TAKEN")
    uid = add(
        university,
        state="submitted",
        reg_number="TAKEN",
        course_admitted=None,
        date_of_birth=None,
        email="no address",
    )
    give_file(uid, "passport.jpg", b"no image", FileKind.PASSPORT)
    change(Container, university.container, year=None)
    with transaction():
        set_values(AdmissionsSettings, {"refuse_possible_duplicates": True})

    found = []
    for mend in (
        {"state": "admitted"},
        {"reg_number": None},
        {"course_admitted": "GONE"},
        {"course_admitted": "CERT1"},
        {"date_of_birth": date(2004, 3, 31)},
        {"email": ""},
    ):
        found += refusals(create_selected(uid))
        change(Applicant, uid, **mend)
    found += refusals(create_selected(uid))
    change(Container, university.container, year=2026)
    found += refusals(create_selected(uid))
    give_photo(uid)
    other = get(Student, students()[0].id)
    change(Applicant, uid, firstname=other.firstname, lastname=other.lastname)
    found += refusals(create_selected(uid))

    assert found == [
        "not-admitted",
        "registration-number-taken",
        "no-certificate",
        "certificate-missing",
        "field-missing: date_of_birth",
        "field-invalid: email",
        "entry-session-missing",
        "photo-unreadable",
        "possible-duplicate",
    ]


@pytest.mark.both_engines
def test_a_namesake_is_only_warned_of(university: University) -> None:
    twins = add_many(university, 2, firstname="Adé", lastname="Okafor")
    families = add_many(university, 2, email="family@example.org")

    request = draft(
        "admissions.create_students", {"scope": "applicants", "applicants": [*twins, *families]}, SYSTEM
    )

    warnings = [row["warning"] for row in request.rows or []]
    assert [bool(warning) for warning in warnings] == [True, True, False, False]
    assert "same name and date of birth" in warnings[0]


@pytest.mark.both_engines
def test_changed_since_the_preview_refuses_that_row_only(university: University) -> None:
    changed, left = add(university), add(university)

    job = create_selected(
        changed, left, before_start=lambda: change(Applicant, changed, phone="+234-1-2345678")
    )

    assert refusals(job) == {"changed-since-preview": 1}
    assert [student.applicant_uid for student in students()] == [left]


def test_without_a_preview_the_data_of_the_moment_are_used(university: University) -> None:
    uid = add(university)
    params = {"scope": "applicants", "applicants": [uid]}
    request = draft("admissions.create_students", params, SYSTEM)
    with transaction():
        job_id = submit(request, apply=True).id
    change(Applicant, uid, firstname="Bola")

    run_inline(job_id)

    assert students()[0].firstname == "Bola"


def test_a_second_job_finds_the_student_made(university: University) -> None:
    uid = add(university)
    create_selected(uid)

    job = create_selected(uid)

    assert refusals(job) == {"not-admitted": 1}
    assert "has a student record already: K1000000" in messages(job)[0]
    assert len(students()) == 1


@pytest.mark.both_engines
def test_the_account_has_no_password_but_an_identity_and_a_code(university: University) -> None:
    create_selected(add(university))

    student = students()[0]
    user = db.session.get(User, student.user_id)
    assert user is not None
    assert (user.sign_in_name, user.password, user.active) == ("K1000000", None, True)
    identity = db.session.scalars(select(ExternalIdentity)).one()
    assert (identity.provider, identity.external_id, identity.user_id) == (
        "student-number",
        "K1000000",
        user.id,
    )
    assert user.id in activation_codes([user.id])


def test_values_that_do_not_fit_and_other_scripts_still_get_a_slip(university: University) -> None:
    long = add(university, lastname="Ò" * 90, middlename="<b>&amp;</b>", notice="word " * 200)
    arabic = add(university, firstname="محمد", lastname="الطيب")
    chinese = add(university, firstname="小明", lastname="王")

    job = create_selected(long, arabic, chinese)

    assert job.failed_count == 0
    assert set(refusals(job)) <= {"slip-failed"}
    assert {student.applicant_uid for student in students()} >= {long, arabic}
    assert broken_promises() == []


def test_the_same_claim_draws_the_same_slip_twice(university: University) -> None:
    uid = add(university)
    give_photo(uid)
    wanted = SlipWanted(applicant_uid=uid, student_id="K1000000", created_at=utc_now())

    first, second = slip_sources([wanted])[uid], slip_sources([wanted])[uid]

    assert first.facts == second.facts
    assert first.facts is not None
    assert first.facts.history[-1].endswith("Student record created (K1000000) by system")


def prepared(uid: object, number: str, version: int) -> PreparedSlip:
    (sha256,) = current_store().put_many([b"%PDF-1.7 slip"])
    file = NewFile(sha256=sha256, size_bytes=13, media_type="application/pdf")
    return PreparedSlip(file=file, student_id=number, created_at=utc_now(), applicant_version=version)


@pytest.mark.both_engines
def test_one_student_by_the_api(university: University) -> None:
    uid = add(university)
    with transaction():
        (number,) = reserve(1)
    slip = prepared(uid, number, get(Applicant, uid).version)

    with transaction():
        made = create_student(uid, slip)

    assert (made.student_id, made.certificate_code, made.entry_session) == ("K1000000", "CERT1", 2026)
    assert broken_promises() == []


def test_one_student_by_the_api_is_refused_with_the_code_of_the_check(university: University) -> None:
    uid = add(university, course_admitted=None)
    slip = prepared(uid, "K1000000", 1)

    with pytest.raises(CreationRefused) as refused, transaction():
        create_student(uid, slip)

    assert refused.value.code == "no-certificate"


def test_of_two_rows_with_one_number_the_first_gets_it(university: University) -> None:
    candidates = load_candidates(add_many(university, 2))
    first, second = (replace(candidate, reg_number="SAME") for candidate in candidates.values())
    around = Surroundings(taken={}, photo_problems={})

    assert refusal_of(first, around) is None
    refusal = refusal_of(second, around)

    assert refusal is not None
    assert refusal.code == "registration-number-taken"
    assert first.applicant_id in refusal.message
