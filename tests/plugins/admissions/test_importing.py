"""The import job: good sheets, bad sheets, bad cells, photos; create, update and remove."""

import io
import zipfile
from collections.abc import Mapping

import pytest
from PIL import Image
from sqlalchemy import func, select

from plugins.admissions.models import Applicant, ApplicantFile
from portal.audit.models import AuditEntry
from portal.sdk import InvalidInput, current_store, db
from portal.sdk.jobs import JobState, list_rows
from portal.testing.statements import counted_statements
from tests.plugins.admissions.university import (
    University,
    add,
    archive,
    change,
    create_selected,
    get,
    give_photo,
    import_sheet,
    jpeg,
    messages,
    person,
    refusals,
    sheet,
)


def applicants() -> list[Applicant]:
    db.session.rollback()
    return list(db.session.scalars(select(Applicant).order_by(Applicant.reg_number)))


@pytest.mark.both_engines
def test_a_row_becomes_an_applicant(university: University) -> None:
    job = import_sheet(sheet([person(middlename="  de  la ", phone="+234-80-1234567#", state="submitted")]))

    (applicant,) = applicants()
    assert (job.state, job.done_count) == (JobState.FINISHED, 1)
    assert applicant.reg_number == "00471"
    assert applicant.display_fullname == "Adé de la Adéyẹmí"
    assert applicant.fullname == "ade de la adeyemi"
    assert applicant.phone == "+234-80-1234567"
    assert (applicant.state, applicant.locked) == ("submitted", True)
    assert [line.text for line in applicant.history] == ["Application initialized", "State 'submitted' set"]
    assert applicant.applicant_id == f"app2026_{applicant.application_number}"
    assert len(applicant.application_number) == 6


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_what_spreadsheet_programs_write_is_understood(
    university: University, encoding: str, delimiter: str
) -> None:
    text = sheet([person(firstname="José", lastname="Müller")], delimiter=delimiter).decode()

    import_sheet(text.encode(encoding))

    assert applicants()[0].display_fullname == "José Müller"


def test_other_names_of_columns_are_known(university: University) -> None:
    row = {
        "Container": "app2026",
        "Surname": "Eze",
        "First Name": "Uche",
        "Gender": "Male",
        "DOB": "2003-01-02",
    }

    import_sheet(sheet([row]))

    assert (applicants()[0].display_fullname, applicants()[0].sex) == ("Uche Eze", "m")


def test_a_column_can_be_mapped_or_ignored(university: University) -> None:
    row = {**person(), "Shoe size": "44", "Familienname": "Eze"}
    del row["lastname"]

    import_sheet(sheet([row]), mapping={"Shoe size": "ignore", "Familienname": "lastname"})

    assert applicants()[0].lastname == "Eze"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "sheet-empty"),
        (b"container_code,firstname,lastname,sex\n", "sheet-empty"),
        (b"firstname,firstname\nA,B\n", "sheet-header"),
        (b"container_code,firstname,given name,lastname,sex\napp2026,A,B,C,f\n", "column-twice"),
        (b"container_code,firstname,lastnam,sex\napp2026,A,B,f\n", "column-unknown"),
        (b"container_code,firstname,lastname\napp2026,A,B\n", "column-missing"),
        (b"firstname,lastname,sex\nA,B,f\n", "column-missing"),
        (b"container_code,applicant_id,firstname,lastname,sex\napp2026,x,A,B,f\n", "column-not-allowed"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00", "sheet-unreadable"),
    ],
)
def test_a_sheet_that_cannot_be_used_is_a_request_error(
    university: University, data: bytes, code: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        import_sheet(data)

    assert refused.value.code == code
    assert applicants() == []


def test_a_misspelt_column_is_told_with_what_was_meant(university: University) -> None:
    with pytest.raises(InvalidInput, match="Did you mean 'date_of_birth'"):
        import_sheet(sheet([{**person(), "date_of_brith": "2004-01-01"}]))


@pytest.mark.parametrize(
    ("values", "code", "part"),
    [
        ({"date_of_birth": "31.3.04"}, "field-invalid: date_of_birth", "YYYY-MM-DD"),
        ({"date_of_birth": "2004-02-30"}, "field-invalid: date_of_birth", "no such day"),
        ({"date_of_birth": "2104-02-03"}, "field-invalid: date_of_birth", "no living person"),
        ({"sex": "x"}, "field-invalid: sex", "must be m or f"),
        ({"email": "ade@@example.org"}, "field-invalid: email", "ade@@example.org"),
        ({"email": "a,b@example.org"}, "field-invalid: email", "no e-mail address"),
        ({"firstname": ""}, "field-missing: firstname", "firstname is empty"),
        ({"firstname": "x" * 101}, "field-invalid: firstname", "100 are the most"),
        ({"firstname": "A\x07"}, "field-invalid: firstname", "control characters"),
        ({"course1": "NOPE"}, "certificate-missing", "no such certificate"),
        ({"course1": "PGD1"}, "certificate-wrong-category", "'pg'"),
        ({"course_admitted": "NOPE"}, "certificate-missing", "course_admitted"),
        ({"state": "created"}, "field-invalid: state", "comes from creating the student"),
        ({"state": "enrolled"}, "field-invalid: state", "not admitted"),
        ({"container_code": "app1999"}, "container-not-found", "app1999"),
        ({"container_code": ""}, "field-missing: container_code", "container"),
        ({"application_number": "12"}, "field-invalid: application_number", "six digits"),
        ({"phone": "call me"}, "field-invalid: phone", "telephone"),
        ({"history": "yesterday it rained"}, "field-invalid: history", "yesterday it rained"),
    ],
)
def test_a_bad_cell_refuses_its_row_and_says_what_to_do(
    university: University, values: Mapping[str, str], code: str, part: str
) -> None:
    good = person(reg_number="1")
    row = {**dict.fromkeys((*good, *values), ""), **person(reg_number="2"), **values}

    job = import_sheet(sheet([row, good], header=list(row)))

    assert refusals(job) == {code: 1}
    assert part in messages(job)[0]
    assert "Row 2" in messages(job)[0]
    assert [applicant.reg_number for applicant in applicants()] == ["1"]


def test_all_bad_cells_of_a_row_are_told_at_once(university: University) -> None:
    job = import_sheet(sheet([person(sex="x", email="y", date_of_birth="z")]))

    assert all(part in messages(job)[0] for part in ("column sex", "column email", "column date_of_birth"))


@pytest.mark.both_engines
def test_the_same_number_twice_in_one_sheet_is_refused_once(university: University) -> None:
    job = import_sheet(sheet([person(firstname="First"), person(firstname="Second")]))

    assert (job.done_count, job.refused_count) == (1, 1)
    assert applicants()[0].firstname == "First"


@pytest.mark.both_engines
def test_a_number_that_another_applicant_has_is_refused(university: University) -> None:
    add(university, reg_number="00471")

    job = import_sheet(sheet([person()]))

    assert refusals(job) == {"registration-number-taken": 1}


def test_a_row_with_too_many_cells_is_refused(university: University) -> None:
    job = import_sheet(b"container_code,firstname,lastname,sex\napp2026,Ada,Okafor, Jr.,f\n")

    assert refusals(job) == {"row-too-long": 1}


def test_a_given_application_number_is_kept_and_comes_once(university: University) -> None:
    import_sheet(sheet([person(application_number="123456")]))
    job = import_sheet(sheet([person(reg_number="2", application_number="123456")]))

    assert [applicant.applicant_id for applicant in applicants()] == ["app2026_123456"]
    assert refusals(job) == {"already-exists": 1}


@pytest.mark.both_engines
def test_history_can_be_imported(university: University) -> None:
    lines = (
        "2026-01-05 10:00:00 UTC - Application started by Ada\n2026-02-01 11:30:00 - Application submitted"
    )

    import_sheet(sheet([person(history=lines)]))

    history = [(line.text, line.actor_name) for line in applicants()[0].history]
    assert history == [("Application started", "Ada"), ("Application submitted", "import")]


# Photos


@pytest.mark.both_engines
def test_photos_are_found_by_number_or_by_column(university: University) -> None:
    rows = [
        person(reg_number="1"),
        person(reg_number="2", application_number="222222"),
        person(reg_number="3", photo="Folder/ME.JPG"),
        person(reg_number="4"),
    ]
    packed = archive(
        {"1.JPG": jpeg(1), "x/app2026_222222.jpeg": jpeg(2), "y/me.jpg": jpeg(3), ".hidden": b""}
    )

    import_sheet(sheet(rows, header=[*rows[1], "photo"]), photos=packed)

    assert [applicant.passport is not None for applicant in applicants()] == [True, True, True, False]
    names = {applicant.passport.sha256 for applicant in applicants() if applicant.passport}
    assert len(names) == 3
    assert all(current_store().read(name).startswith(b"\xff\xd8") for name in names)


def _png(width: int, height: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("1", (width, height)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"this is no image", "photo-unreadable"),
        (jpeg()[:300], "photo-unreadable"),
        (_png(20_000, 10), "photo-too-large"),
        (b"", "photo-unreadable"),
    ],
)
def test_a_bad_photo_refuses_its_row_only(university: University, data: bytes, code: str) -> None:
    rows = [person(reg_number="1"), person(reg_number="2")]

    job = import_sheet(sheet(rows), photos=archive({"1.jpg": data, "2.png": _png(30, 40)}))

    assert refusals(job) == {code: 1}
    assert "1.jpg" in messages(job)[0]
    assert [applicant.reg_number for applicant in applicants()] == ["2"]


@pytest.mark.parametrize(
    ("row", "files", "code"),
    [
        ({"photo": "gone.jpg"}, {"1.jpg": jpeg()}, "photo-not-found"),
        ({}, {"00471.jpg": jpeg(), "b/00471.png": _png(3, 4)}, "photo-ambiguous"),
    ],
)
def test_a_photo_that_is_not_clear_refuses_its_row(
    university: University, row: Mapping[str, str], files: Mapping[str, bytes], code: str
) -> None:
    job = import_sheet(sheet([person(**row)]), photos=archive(files))

    assert refusals(job) == {code: 1}


def test_photos_that_are_no_zip_are_a_request_error(university: University) -> None:
    with pytest.raises(InvalidInput) as refused:
        import_sheet(sheet([person()]), photos=b"no zip")

    assert refused.value.code == "archive-unreadable"


def test_a_zip_bomb_is_not_unpacked(university: University) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("00471.jpg", b"\xff\xd8\xff" + bytes(60_000_000))

    job = import_sheet(sheet([person()]), photos=packed.getvalue())

    assert refusals(job) == {"photo-too-large": 1}


# Update and remove


@pytest.mark.both_engines
def test_an_update_changes_what_is_filled_in_and_nothing_else(university: University) -> None:
    uid = add(university, reg_number="00471", phone="+234-1-1111111", notice="keep")
    row = {"reg_number": "00471", "firstname": "Bola", "phone": "", "state": "submitted", "notice": ""}

    job = import_sheet(sheet([row]), mode="update")

    applicant = get(Applicant, uid)
    assert (job.done_count, applicant.version) == (1, 2)
    assert (applicant.firstname, applicant.phone, applicant.notice) == ("Bola", "+234-1-1111111", "keep")
    assert applicant.fullname.startswith("bola okafor")
    assert applicant.history[-1].text == "State 'submitted' set"
    entry = db.session.scalars(
        select(AuditEntry).where(AuditEntry.record_id == str(uid), AuditEntry.action == "update")
    ).one()
    assert entry.changes is not None
    assert entry.changes["firstname"] == ["Ada", "Bola"]
    assert entry.job_id == job.id


def test_by_applicant_id_the_registration_number_can_be_changed(university: University) -> None:
    uid, other = add(university), add(university)
    rows = [
        {"applicant_id": get(Applicant, uid).applicant_id, "reg_number": "NEW"},
        {"applicant_id": get(Applicant, other).applicant_id, "reg_number": "NEW"},
    ]

    job = import_sheet(sheet(rows), mode="update")

    assert get(Applicant, uid).reg_number == "NEW"
    assert refusals(job) == {"registration-number-taken": 1}


def test_a_row_that_changes_nothing_is_unchanged(university: University) -> None:
    uid = add(university, reg_number="00471")

    job = import_sheet(sheet([{"reg_number": "00471", "firstname": "Ada"}]), mode="update")

    assert (job.unchanged_count, get(Applicant, uid).version) == (1, 1)


@pytest.mark.both_engines
def test_a_new_photo_replaces_the_old_one_and_raises_the_version(university: University) -> None:
    uid = add(university, reg_number="00471")
    old = give_photo(uid, jpeg(5))

    import_sheet(sheet([{"reg_number": "00471"}]), mode="update", photos=archive({"00471.jpg": jpeg(77)}))

    applicant = get(Applicant, uid)
    assert applicant.passport.sha256 != old
    assert applicant.version == 3


@pytest.mark.parametrize("mode", ["update", "remove"])
def test_who_is_not_there_or_is_a_student_is_refused(university: University, mode: str) -> None:
    uid = add(university, reg_number="00471")
    create_selected(uid)

    job = import_sheet(sheet([{"reg_number": "00471"}, {"reg_number": "nobody"}]), mode=mode)

    assert refusals(job) == {"already-created": 1, "applicant-not-found": 1}


@pytest.mark.both_engines
def test_removed_applicants_are_gone_with_their_files_and_history(university: University) -> None:
    uid = add(university, reg_number="00471")
    give_photo(uid)

    job = import_sheet(sheet([{"reg_number": "00471"}]), mode="remove")

    assert job.done_count == 1
    assert applicants() == []
    assert db.session.scalar(select(func.count()).select_from(ApplicantFile)) == 0


@pytest.mark.both_engines
def test_a_row_changed_since_the_preview_is_refused(university: University) -> None:
    uid = add(university, reg_number="00471")

    job = import_sheet(
        sheet([{"reg_number": "00471", "firstname": "Bola"}]),
        mode="update",
        before_start=lambda: change(Applicant, uid, phone="+234-1-9999999"),
    )

    assert refusals(job) == {"changed-since-preview": 1}
    assert get(Applicant, uid).firstname == "Ada"


def test_the_result_file_uploaded_again_does_only_the_failed_rows(university: University) -> None:
    rows = [
        {**person(reg_number="1"), "_row": "1", "_status": "done", "_code": "", "_message": "", "_id": "x"},
        {
            **person(reg_number="2"),
            "_row": "2",
            "_status": "refused",
            "_code": "a",
            "_message": "b",
            "_id": "",
        },
    ]

    job = import_sheet(sheet(rows))

    assert job.rows_count == 1
    assert applicants()[0].reg_number == "2"


def test_a_sheet_of_settled_rows_only_has_nothing_to_do(university: University) -> None:
    with pytest.raises(InvalidInput, match="no rows to do"):
        import_sheet(sheet([{**person(), "_status": "done"}]))


@pytest.mark.both_engines
def test_many_rows_take_few_statements(university: University) -> None:
    rows = [person(reg_number=str(number)) for number in range(200)]
    photos = archive({f"{number}.jpg": jpeg(number % 7) for number in range(200)})

    with counted_statements() as statements:
        job = import_sheet(sheet(rows), photos=photos)

    assert job.done_count == 200
    assert len(statements) < 100
    assert len(list_rows(job.id, limit=1000)) == 200
