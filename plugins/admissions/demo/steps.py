"""The demo's steps: make the university, write its files, import them, admit, create the students."""

import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from flask import current_app
from sqlalchemy import func, select

from plugins.admissions.api.workflow import MOST_AT_ONCE, transition_many
from plugins.admissions.demo.files import write_university_files
from plugins.admissions.demo.university import CONTAINERS, DISCONTINUED, add_university
from plugins.admissions.models import (
    Applicant,
    ApplicantState,
    Certificate,
    Container,
    FileKind,
    Student,
    StudentFile,
)
from portal.sdk import DemoContext, DemoStep, db, transaction

_CREATED, _LEFT = CONTAINERS[:2], CONTAINERS[2]


def demo_steps(size: int, seed: int) -> list[DemoStep]:
    """Return the steps, in order; each adds what it found to ``context.facts``.

    Args:
        size: Number of applicants.
        seed: Of every random choice; the context carries it too.
    """
    return [
        DemoStep(order=100, title="Making faculties, certificates and containers", run=_make_university),
        DemoStep(
            order=110, title=f"Writing a sheet and a ZIP of photos of {size:,} applicants", run=_write_files
        ),
        DemoStep(order=120, title="Importing both through the import job", run=_import),
        DemoStep(order=130, title="Admitting the applicants", run=_admit),
        DemoStep(order=140, title="Creating the students of two containers", run=_create_students),
        DemoStep(order=150, title="Looking for something to show", run=_find_links),
    ]


def _make_university(context: DemoContext) -> Mapping[str, Any]:
    with transaction():
        return add_university()


def _write_files(context: DemoContext) -> Mapping[str, Any]:
    files = write_university_files(context.folder, context.size, context.seed)
    return {
        "applicants": files.records,
        "flaws": files.flaws,
        "sheet": str(files.sheet),
        "photos": str(files.photos),
    }


def _import(context: DemoContext) -> Mapping[str, Any]:
    sheet, photos = context.folder / "applicants.csv", context.folder / "photos.zip"
    result = context.run_job(
        "admissions.import_applicants", {"mode": "create"}, {"sheet": sheet, "photos": photos}
    )
    return {
        "imported": result["done"],
        "import_seconds": result["seconds"],
        "import_refused": result["refused"],
    }


def _admit(context: DemoContext) -> Mapping[str, Any]:
    for uids in _chunks(_submitted(), MOST_AT_ONCE):
        with transaction():
            transition_many(uids, "admit")
    with transaction():
        # A programme that ends after the admission: the creation has to say so for everybody who was admitted to it.
        ended = db.session.scalar(select(Certificate).where(Certificate.code == DISCONTINUED))
        if ended is not None:
            db.session.delete(ended)
        admitted = db.session.scalar(
            select(func.count()).select_from(Applicant).where(Applicant.state == ApplicantState.ADMITTED)
        )
    return {"admitted": admitted or 0}


def _submitted() -> list[uuid.UUID]:
    found = select(Applicant.id).where(Applicant.state == ApplicantState.SUBMITTED).order_by(Applicant.id)
    return list(db.session.scalars(found))


def _chunks(uids: Sequence[uuid.UUID], size: int) -> Iterator[Sequence[uuid.UUID]]:
    for start in range(0, len(uids), size):
        yield uids[start : start + size]


def _create_students(context: DemoContext) -> Mapping[str, Any]:
    results = [
        context.run_job(
            "admissions.create_students",
            {"scope": "container", "container": container.code},
            {},
        )
        for container in _CREATED
    ]
    students = sum(result["done"] for result in results)
    seconds = sum(result["seconds"] for result in results)
    cpu_seconds = sum(result["cpu_seconds"] for result in results)
    refused = Counter(context.facts.get("import_refused", {}))
    for result in results:
        refused.update(result["refused"])
    return {
        "students": students,
        "slips": _slips(),
        "refused": dict(refused),
        "seconds": round(seconds, 2),
        "cpu_seconds": round(cpu_seconds, 3),
        "students_per_second": round(students / seconds) if seconds else 0,
        "cpu_ms_per_student": round(1000 * cpu_seconds / students, 2) if students else 0,
        "last_job_id": results[-1]["job_id"],
        "left_for_you": _admitted_in(_LEFT.code),
    }


def _slips() -> int:
    slips = select(func.count()).select_from(StudentFile).where(StudentFile.kind == FileKind.APPLICATION_SLIP)
    return db.session.scalar(slips) or 0


def _admitted_in(code: str) -> int:
    admitted = (
        select(func.count())
        .select_from(Applicant)
        .join(Container)
        .where(Container.code == code, Applicant.state == ApplicantState.ADMITTED)
    )
    return db.session.scalar(admitted) or 0


def _find_links(context: DemoContext) -> Mapping[str, Any]:
    container = db.session.scalar(select(Container).where(Container.code == _LEFT.code))
    student = db.session.scalar(select(Student).order_by(Student.student_id).limit(1))
    slip = student.application_slip if student is not None else None
    links = []
    if container is not None:
        title = f"Create {context.facts.get('left_for_you', 0)} students yourself"
        links.append([title, _path("admissions_container.details_view", id=container.id)])
    if "last_job_id" in context.facts:
        links.append(["The report of the last job", _path("jobs.page", job_id=context.facts["last_job_id"])])
    if slip is not None and student is not None:
        links.append([f"The slip of {student.student_id}", _path("admissions_student.file", file_id=slip.id)])
    return {"links": links}


def _path(endpoint: str, **values: Any) -> str:
    """Return the address of a page, without a host: no request asks for it."""
    return current_app.url_map.bind("localhost").build(endpoint, values)
