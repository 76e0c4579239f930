"""The cards of admissions on the dashboard."""

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from flask import url_for
from sqlalchemy import func, select

from plugins.admissions.admin.charts import UNIT, containers_chart
from plugins.admissions.api.figures import creations_per_day, funnel, states_by_container
from plugins.admissions.jobs import CreateStudents, ImportApplicants
from plugins.admissions.models import ApplicantState
from plugins.admissions.permissions import APPLICANTS_VIEW, STUDENTS_VIEW
from portal.sdk import db
from portal.sdk.jobs import Job, JobRow, JobState, RowState
from portal.sdk.web import (
    CardContent,
    CardLink,
    Chart,
    DashboardCard,
    Figure,
    Series,
    institution,
    job_url,
    narrowed_select,
)

#: Containers and reasons that a card names; the others are added up.
NAMED = 8
OTHERS = "All others"
DAYS = 30
WEEK = 7
#: Whoever sees the jobs sees what they refused.
JOBS_VIEW = "portal.jobs.view"

_REFUSING = {ImportApplicants.name: "Import", CreateStudents.name: "Creation"}
_REFUSED = (RowState.REFUSED, RowState.FAILED)


def states_card() -> CardContent:
    """Return applicants by state, per container. Two statements."""
    found = states_by_container()
    if not found:
        link = CardLink(label="Import applicants from a sheet", url=url_for("admissions_import.index"))
        return CardContent(message="Nobody has applied yet.", links=(link,))
    named, others = found[:NAMED], found[NAMED:]
    labels = [item.code for item in named]
    counts: list[Mapping[ApplicantState, int]] = [item.counts for item in named]
    if others:
        labels.append(OTHERS)
        counts.append(sum((Counter(item.counts) for item in others), Counter()))
    waiting = sum(item.counts.get(ApplicantState.ADMITTED, 0) for item in found)
    page = url_for("admissions_applicant.index_view")
    return CardContent(
        figures=(
            Figure(label="Applicants", value=sum(item.total for item in found), url=page),
            Figure(label="Containers", value=len(found)),
            Figure(
                label="Still to create",
                value=waiting,
                tone="good" if waiting else "",
                url=url_for("admissions_applicant.index_view", flt0_0=ApplicantState.ADMITTED.value),
            ),
        ),
        chart=containers_chart(labels, counts),
    )


def funnel_card() -> CardContent:
    """Return how far the applications have come. Two statements."""
    found = funnel()
    steps = {
        "Applications": found.applied,
        "Handed in": found.submitted,
        "Admitted": found.admitted,
        "Students": found.created,
    }
    share = round(100 * found.created / found.applied) if found.applied else 0
    return CardContent(
        figures=(
            Figure(label="Became students", value=f"{share} %"),
            Figure(label="Students created", value=found.created, tone="run" if found.created else ""),
        ),
        chart=Chart(
            kind="horizontal-bar",
            labels=list(steps),
            series=[Series(name="Applications", values=list(steps.values()))],
            unit=UNIT,
            label_title="Step",
        ),
    )


def creations_card() -> CardContent:
    """Return how many students were created on each of the last thirty days. One statement."""
    days = creations_per_day(DAYS, ZoneInfo(institution().time_zone))
    numbers = [number for _, number in days]
    return CardContent(
        figures=(
            Figure(label="Today", value=numbers[-1]),
            Figure(label="Last seven days", value=sum(numbers[-WEEK:])),
            Figure(label=f"Last {DAYS} days", value=sum(numbers)),
        ),
        chart=Chart(
            kind="line",
            labels=[day.strftime("%d %b") for day, _ in days],
            series=[Series(name="Students created", values=numbers)],
            unit="students",
            label_title="Day",
        ),
    )


def refused_card() -> CardContent:
    """Return why rows of the last import and the last creation were refused. Two statements."""
    jobs = _last_jobs()
    if not jobs:
        return CardContent(message="Nothing was imported or created yet.")
    reasons = _reasons([job.id for job in jobs])
    figures = tuple(
        Figure(
            label=f"Last {_REFUSING[job.kind].lower()}: refused",
            value=job.refused_count + job.failed_count,
            tone="wait" if job.refused_count + job.failed_count else "good",
            url=job_url(job.id),
        )
        for job in jobs
    )
    if not reasons:
        return CardContent(figures=figures, message="No row was refused.")
    return CardContent(figures=figures, chart=_reasons_chart(jobs, reasons))


def _last_jobs() -> Sequence[Any]:
    """Return the newest finished job of each kind that the actor may see. One statement."""
    # Written so that the index of kinds is taken, not that of the few jobs that undo others.
    is_no_undo = func.coalesce(Job.undoes_id, Job.id) == Job.id
    newest = [
        narrowed_select(Job, JOBS_VIEW)
        .with_only_columns(Job.id)
        .where(Job.kind == kind, Job.state == JobState.FINISHED, is_no_undo)
        .order_by(Job.created_at.desc())
        .limit(1)
        .scalar_subquery()
        for kind in _REFUSING
    ]
    columns = (Job.id, Job.kind, Job.refused_count, Job.failed_count)
    return db.session.execute(select(*columns).where(Job.id.in_(newest)).order_by(Job.created_at)).all()


def _reasons(job_ids: Sequence[uuid.UUID]) -> dict[str, dict[uuid.UUID, int]]:
    """Return how many rows of each job were refused, by reason, the most frequent first. One statement."""
    number = func.count()
    statement = (
        select(JobRow.code, JobRow.job_id, number)
        .where(JobRow.job_id.in_(job_ids), JobRow.state.in_(_REFUSED))
        .group_by(JobRow.code, JobRow.job_id)
    )
    found: dict[str, dict[uuid.UUID, int]] = {}
    for code, job_id, refused in db.session.execute(statement):
        found.setdefault(code, {})[job_id] = refused
    return dict(sorted(found.items(), key=lambda item: (-sum(item[1].values()), item[0])))


def _reasons_chart(jobs: Sequence[Any], reasons: Mapping[str, Mapping[uuid.UUID, int]]) -> Chart:
    bars = [(code.replace("-", " ").capitalize(), counts) for code, counts in reasons.items()]
    named, others = bars[:NAMED], bars[NAMED:]
    if others:
        named.append((OTHERS, sum((Counter(counts) for _, counts in others), Counter())))
    return Chart(
        kind="horizontal-bar",
        labels=[label for label, _ in named],
        series=[
            Series(name=_REFUSING[job.kind], values=[counts.get(job.id, 0) for _, counts in named])
            for job in jobs
        ],
        unit="rows",
        label_title="Reason",
    )


CARDS = (
    DashboardCard(
        name="admissions.states",
        title="Applicants by state",
        permission=APPLICANTS_VIEW,
        load=states_card,
        order=100,
    ),
    DashboardCard(
        name="admissions.funnel",
        title="From application to student",
        permission=APPLICANTS_VIEW,
        load=funnel_card,
        order=110,
    ),
    DashboardCard(
        name="admissions.creations",
        title="Students created",
        permission=STUDENTS_VIEW,
        load=creations_card,
        order=120,
    ),
    DashboardCard(
        name="admissions.refused",
        title="Refused rows and why",
        permission=JOBS_VIEW,
        load=refused_card,
        order=130,
    ),
)
