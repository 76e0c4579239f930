"""The demo's programs: some take the students of certificates, one takes a partner's students who wait for accounts."""

import csv
import random
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from flask import current_app

from plugins.enrollments import api
from plugins.enrollments.jobs import WriteProgramEnrollments
from plugins.enrollments.models import (
    CourseMode,
    CourseRun,
    Curriculum,
    CurriculumCourse,
    IdentityProvider,
    Organization,
    Program,
    ProgramAuthor,
)
from portal.sdk import DemoContext, DemoStep, db, run_in_transaction
from portal.sdk.jobs import SHEET

OWN, PARTNER, PROVIDER = "campus", "northern", "northern-saml"
#: Column of the demo's sheet of applicants that names the certificate, and how many of them get a program.
CERTIFICATE_COLUMN, OF_CERTIFICATES = "course1", 3
PARTNER_STUDENTS, COURSES = 120, 3
_TITLE = "Master of Data Science, with Northern University"
_STATUSES, _WEIGHTS = ("enrolled", "pending", "suspended", "canceled"), (70, 20, 4, 6)


def demo_steps(size: int, seed: int) -> list[DemoStep]:
    """Return the steps; ``size`` does not matter, ``seed`` comes with the context."""
    return [
        DemoStep(order=115, title="Making programs with curricula and course runs", run=_make_programs),
        DemoStep(order=290, title="Enrolling a partner's students from a sheet", run=_enroll_partner),
    ]


def course_key(number: int) -> str:
    """Return the key of a course run of the partner's program."""
    return f"course-v1:{PARTNER}+DS10{number}+2026"


def _make_programs(context: DemoContext) -> Mapping[str, Any]:
    codes = _certificate_codes(context.facts.get("sheet"))
    return {"partner_program": run_in_transaction(partial(_add_programs, codes))}


def _certificate_codes(sheet: object) -> list[str]:
    """Return the certificates that most people apply for; without a sheet of applicants none."""
    if not isinstance(sheet, str):
        return []
    with Path(sheet).open(encoding="utf-8-sig", newline="") as file:
        counts = Counter(row.get(CERTIFICATE_COLUMN) or "" for row in csv.DictReader(file))
    counts.pop("", None)
    return [code for code, _ in counts.most_common(OF_CERTIFICATES)]


def _add_programs(codes: Sequence[str]) -> str:
    session = db.session()
    partner = Organization(short_name=PARTNER, name="Northern University")
    session.add_all([Organization(short_name=OWN, name="Example University"), partner])
    session.add(IdentityProvider(slug=PROVIDER, name="Northern sign-in", organization=partner))
    for code in codes:
        program = _program(f"Programme of {code}", OWN)
        session.add(Curriculum(program=program, name="2026", certificate_code=code))
    program = _program(_TITLE, PARTNER)
    plan = Curriculum(program=program, name="2026")
    plan.courses = [CurriculumCourse(course_key=course_key(number)) for number in range(1, COURSES + 1)]
    session.add(plan)
    for number in range(1, COURSES + 1):
        modes = [CourseMode(mode="audit"), CourseMode(mode="masters")]
        session.add(CourseRun(course_key=course_key(number), title=f"Data science {number}", modes=modes))
    session.flush()
    return str(program.id)


def _program(title: str, organization: str) -> Program:
    return Program(
        title=title,
        slug=title.lower().split(",")[0].replace(" ", "-")[:120],
        authors=[ProgramAuthor(position=0, organization_key=organization)],
    )


def _enroll_partner(context: DemoContext) -> Mapping[str, Any]:
    # Predictable on purpose; it guards nothing.
    chance = random.Random(f"enrollments {context.seed}")  # noqa: S311
    program = uuid.UUID(context.facts["partner_program"])
    keys = [f"NU{number:06d}" for number in range(1, PARTNER_STUDENTS + 1)]
    sheet = context.folder / "partner-students.csv"
    with sheet.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["external_user_key", "status"])
        writer.writerows([key, chance.choices(_STATUSES, _WEIGHTS)[0]] for key in keys)
    curriculum = run_in_transaction(partial(_curriculum_of, program))
    result = context.run_job(
        WriteProgramEnrollments.name,
        {"program": str(program), "curriculum": str(curriculum)},
        {SHEET: sheet},
    )
    for number in range(1, COURSES + 1):
        chosen = [{"external_user_key": key, "status": "active"} for key in keys if chance.random() < 0.7]
        run_in_transaction(
            partial(
                api.write_program_course_enrollments,
                program,
                course_key(number),
                chosen,
                create=True,
                update=False,
            )
        )
    links = [*context.facts.get("links", ()), ["A program with a partner's students", _page_of(program)]]
    return {"program_enrollments": result["done"], "links": links}


def _curriculum_of(program: uuid.UUID) -> uuid.UUID:
    return db.session.get_one(Program, program).curricula[0].id


def _page_of(program: uuid.UUID) -> str:
    """Return the address of a program's page, without a host: no request asks for it."""
    return current_app.url_map.bind("localhost").build("enrollments_section.program", {"program": program})
