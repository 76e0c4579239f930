"""A small university to test on, and the ways in which tests drive it."""

import csv
import io
import uuid
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import Any

from PIL import Image
from sqlalchemy import select, update

from plugins.admissions.api.applicants import attach_passport, prepare_passport
from plugins.admissions.models import (
    Applicant,
    ApplicantFile,
    ApplicantState,
    Certificate,
    Container,
    Department,
    Faculty,
    FileKind,
    NumberCounter,
    Student,
)
from portal.sdk import SYSTEM, NewFile, current_store, db, register_files, transaction
from portal.sdk.jobs import (
    Job,
    RowState,
    draft_sheet,
    get_job,
    list_rows,
    run_inline,
    start,
    store_upload,
    submit,
)
from portal.sdk.jobs import draft as make_draft


@cache
def jpeg(shade: int = 128, width: int = 120, height: int = 150) -> bytes:
    """Return a small JPEG; another shade is another picture."""
    buffer = io.BytesIO()
    Image.linear_gradient("L").resize((width, height)).point(lambda value: (value + shade) % 256).save(
        buffer, "JPEG", quality=80
    )
    return buffer.getvalue()


@dataclass
class University:
    """Keys of what :func:`found` has made."""

    container: uuid.UUID
    certificate: uuid.UUID
    numbers: Iterator[int] = field(default_factory=lambda: iter(range(100_000, 999_999)))


def found() -> University:
    """Make a faculty, a department, four certificates and one container."""
    with transaction() as session:
        faculty = Faculty(code="fac1", title="Faculty of Science")
        session.add(faculty)
        session.flush()
        department = Department(code="dep1", title="Department of Physics", faculty_id=faculty.id)
        session.add(department)
        session.flush()
        certificate = Certificate(code="CERT1", title="B.Sc. Physics", department_id=department.id)
        other = Certificate(code="CERT2", title="B.Sc. Optics", department_id=department.id, start_level=200)
        graduate = Certificate(
            code="PGD1", title="M.Sc.", department_id=department.id, application_category="pg"
        )
        container = Container(code="app2026", title="General Studies 2026/2027", prefix="app", year=2026)
        session.add_all([certificate, other, graduate, container])
        session.flush()
        return University(container=container.id, certificate=certificate.id)


def add(university: University, **values: Any) -> uuid.UUID:
    """Add an admitted applicant (unless ``values`` say otherwise) and return its key."""
    number = str(next(university.numbers))
    known: dict[str, Any] = {
        "container_id": university.container,
        "application_number": number,
        "applicant_id": f"app2026_{number}",
        "reg_number": f"R{number}",
        "firstname": "Ada",
        "lastname": f"Okafor {number}",
        "sex": "f",
        "date_of_birth": date(2004, 3, 31),
        "email": f"ada{number}@example.org",
        "phone": "+234-80-1234567",
        "course1": "CERT1",
        "course_admitted": "CERT1",
        "state": ApplicantState.ADMITTED,
        "locked": True,
    }
    with transaction() as session:
        applicant = Applicant(**{**known, **values})
        session.add(applicant)
        session.flush()
        return applicant.id


def add_many(university: University, count: int, **values: Any) -> list[uuid.UUID]:
    return [add(university, **values) for _ in range(count)]


def give_photo(applicant: uuid.UUID, data: bytes | None = None) -> str:
    """Attach a picture the proper way and return its name in the store."""
    file = prepare_passport(data or jpeg())
    with transaction():
        attach_passport(applicant, file)
    return file.sha256


def give_file(applicant: uuid.UUID, name: str, data: bytes, kind: str = FileKind.ADDITIONAL) -> str:
    """Put bytes into the applicant's folder as they are, without any check."""
    (sha256,) = current_store().put_many([data])
    with transaction() as session:
        register_files([NewFile(sha256=sha256, size_bytes=len(data), media_type="application/octet-stream")])
        session.add(ApplicantFile(applicant_uid=applicant, kind=kind, name=name, sha256=sha256))
    return sha256


def change(model: type, key: uuid.UUID, **values: Any) -> None:
    """Change a record as an officer would: through the session, so that its version rises."""
    with transaction() as session:
        record = session.get(model, key)
        assert record is not None
        for name, value in values.items():
            setattr(record, name, value)


def force(model: type, key: uuid.UUID, **values: Any) -> None:
    """Change columns behind the back of every check."""
    with transaction() as session:
        table: Any = model.__table__  # type: ignore[attr-defined]
        session.execute(update(table).where(table.c.id == key).values(**values))


def get(model: type, key: uuid.UUID) -> Any:
    db.session.rollback()
    return db.session.get(model, key, populate_existing=True)


def students() -> list[Student]:
    db.session.rollback()
    return list(db.session.scalars(select(Student).order_by(Student.student_id)))


def issued() -> int:
    db.session.rollback()
    return db.session.scalar(select(NumberCounter.issued_count)) or 0


def create(params: Mapping[str, Any], before_start: Callable[[], None] | None = None) -> Job:
    """Run the creation job in this process; with ``before_start`` it is previewed, something happens, then started."""
    request = make_draft("admissions.create_students", params, SYSTEM)
    with transaction():
        job_id = submit(request, apply=before_start is None).id
    if before_start is not None:
        run_inline(job_id)
        before_start()
        with transaction():
            start(job_id, SYSTEM)
    run_inline(job_id)
    return get_job(job_id)


def create_selected(
    *applicants: uuid.UUID, before_start: Callable[[], None] | None = None, **more: Any
) -> Job:
    params = {"scope": "applicants", "applicants": [str(uid) for uid in applicants], **more}
    return create(params, before_start)


def refusals(job: Job) -> dict[str, int]:
    """Return code → number of rows that were refused or failed."""
    counts: dict[str, int] = {}
    for row in list_rows(job.id, limit=1000):
        if row.state in (RowState.REFUSED, RowState.FAILED):
            counts[row.code] = counts.get(row.code, 0) + 1
    return counts


def messages(job: Job) -> list[str]:
    return [row.message for row in list_rows(job.id, limit=1000)]


def sheet(
    rows: Sequence[Mapping[str, str]], header: Sequence[str] | None = None, delimiter: str = ","
) -> bytes:
    out = io.StringIO()
    names = list(header or rows[0])
    writer = csv.DictWriter(out, names, delimiter=delimiter, extrasaction="ignore", restval="")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def archive(files: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        for name, data in files.items():
            packed.writestr(name, data)
    return out.getvalue()


def import_sheet(
    data: bytes,
    mode: str = "create",
    photos: bytes | None = None,
    before_start: Callable[[], None] | None = None,
    mapping: Mapping[str, str] | None = None,
    **params: Any,
) -> Job:
    """Run the import job in this process."""
    upload = store_upload(io.BytesIO(data), "applicants.csv")
    files = {"photos": store_upload(io.BytesIO(photos), "photos.zip")} if photos is not None else {}
    request = draft_sheet(
        "admissions.import_applicants", {"mode": mode, **params}, SYSTEM, upload, mapping=mapping, files=files
    )
    with transaction():
        job_id = submit(request, apply=before_start is None).id
    if before_start is not None:
        run_inline(job_id)
        before_start()
        with transaction():
            start(job_id, SYSTEM)
    run_inline(job_id)
    return get_job(job_id)


PERSON = {
    "container_code": "app2026",
    "reg_number": "00471",
    "firstname": "Adé",
    "lastname": "Adéyẹmí",
    "sex": "f",
    "date_of_birth": "2004-03-31",
    "email": "ade@example.org",
    "course1": "CERT1",
}


def person(**values: str) -> dict[str, str]:
    """Return a good row of a sheet, with other values."""
    return {**PERSON, **values}
