"""The dashboard's card, and the demo's programs."""

import csv
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from plugins.enrollments import api, permissions
from plugins.enrollments.cards import programs_card
from plugins.enrollments.demo import PARTNER_STUDENTS, demo_steps
from plugins.enrollments.models import Curriculum, Program, ProgramEnrollment
from portal.sdk import SYSTEM, DemoContext, db, transaction
from portal.sdk.jobs import draft_sheet, get_job, run_inline, store_upload, submit
from portal.testing.clients import PortalClient
from portal.testing.statements import counted_statements
from tests.plugins.enrollments.partner import PROGRAM, count, identify, make_users, requests, written

pytestmark = pytest.mark.both_engines


def run_job(kind: str, params: Mapping[str, Any], files: Mapping[str, Path]) -> dict[str, Any]:
    (path,) = files.values()
    with path.open("rb") as stream:
        request = draft_sheet(kind, dict(params), SYSTEM, store_upload(stream, path.name))
    with transaction():
        job_id = submit(request, apply=True).id
    run_inline(job_id)
    return {"job_id": job_id, "done": get_job(job_id).done_count}


def test_the_card_counts_accounts_and_who_waits_in_two_statements(app: Flask, partner: None) -> None:
    identify(make_users(["ann"]))
    written(api.write_program_enrollments, PROGRAM, requests(["ann", "bob"]), create=True, update=False)
    with app.test_request_context(), counted_statements() as statements:
        found = programs_card()
    assert [figure.value for figure in found.figures] == [2, 1]
    assert found.chart is not None
    assert [list(series.values) for series in found.chart.series] == [[1], [1]]
    assert len(statements) <= 2


def test_the_card_of_an_empty_portal_says_so(app: Flask, signed_in: Callable[..., PortalClient]) -> None:
    viewer = signed_in(permissions.ENROLLMENTS_VIEW)
    card = viewer.get("/panel/cards/enrollments.programs").get_data(as_text=True)
    assert "Nobody is enrolled in a program yet." in card


def test_the_demo_makes_programs_of_certificates_and_a_partners_students(
    app: Flask, as_system: object, tmp_path: Path
) -> None:
    sheet = tmp_path / "applicants.csv"
    with sheet.open("w", encoding="utf-8", newline="") as file:
        rows = [["course1"], *([code] for code in ("A", "A", "B", "C", "C", "D", "A", "B", ""))]
        csv.writer(file).writerows(rows)
    context = DemoContext(size=10, seed=1, folder=tmp_path, run_job=run_job, facts={"sheet": str(sheet)})
    for step in sorted(demo_steps(10, 1), key=lambda step: step.order):
        context.facts.update(step.run(context))

    codes = db.session.scalars(
        select(Curriculum.certificate_code).where(Curriculum.certificate_code.is_not(None))
    )
    assert sorted(map(str, codes)) == ["A", "B", "C"]
    assert count(Program) == 4
    assert count(ProgramEnrollment) == PARTNER_STUDENTS == context.facts["program_enrollments"]
    ((title, address),) = context.facts["links"]
    assert title == "A program with a partner's students"
    assert address.startswith("/panel/enrollments/section/program/")
