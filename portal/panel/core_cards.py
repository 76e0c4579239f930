"""The portal's own cards of the dashboard: jobs, queue, users, maintenance."""

from datetime import timedelta
from typing import TypeVar

from flask import url_for
from sqlalchemy import Select, and_, func, or_, select

from portal.access.policy import narrow
from portal.auth.models import User
from portal.hooks.cards import CardContent, CardLink, DashboardCard, Figure, Tone
from portal.jobs.models import Job
from portal.jobs.queue_health import queue_health
from portal.jobs.states import JobState
from portal.kernel.actor import current_actor
from portal.kernel.clock import utc_now
from portal.kernel.db import db
from portal.maintenance import service as maintenance
from portal.panel.permissions import HEALTH_VIEW, JOBS_VIEW, MAINTENANCE_MANAGE, USERS_VIEW
from portal.web.formatting import duration, portal_zone
from portal.web.links import job_url

T = TypeVar("T")

DAYS = 7
#: Failed jobs that the card names.
NAMED_JOBS = 3
_AT_WORK = (JobState.RUNNING, JobState.PLANNING)
_FOR_A_PERSON = (JobState.PLANNED, JobState.AWAITING_APPROVAL)
_ENDED = (JobState.FINISHED, JobState.FAILED)


def jobs_card() -> CardContent:
    """Return the jobs at work, waiting for a person, finished and failed this week. Two statements."""
    recent = Job.created_at >= utc_now() - timedelta(days=DAYS)
    states = (
        select(Job.state, func.count())
        .where(or_(Job.state.in_((*_AT_WORK, *_FOR_A_PERSON)), and_(Job.state.in_(_ENDED), recent)))
        .group_by(Job.state)
    )
    failed = (
        select(Job.id, Job.title)
        .where(Job.state == JobState.FAILED, recent)
        .order_by(Job.created_at.desc())
        .limit(NAMED_JOBS)
    )
    actor = current_actor()
    counts = _counted(narrow(states, actor, JOBS_VIEW, Job))
    named = db.session.execute(narrow(failed, actor, JOBS_VIEW, Job)) if counts.get(JobState.FAILED) else ()

    def figure(label: str, *chosen: JobState, tone: Tone) -> Figure:
        value = sum(counts.get(state, 0) for state in chosen)
        most = max(chosen, key=lambda state: counts.get(state, 0))
        url = url_for("jobs.index_view", flt0_0=most.value)
        return Figure(label=label, value=value, tone=tone if value else "", url=url)

    return CardContent(
        figures=(
            figure("Running", *_AT_WORK, tone="run"),
            figure("Wait for a person", *_FOR_A_PERSON, tone="wait"),
            figure("Finished this week", JobState.FINISHED, tone="good"),
            figure("Failed this week", JobState.FAILED, tone="bad"),
        ),
        links=tuple(CardLink(label=f"Failed: {row.title}", url=job_url(row.id)) for row in named),
    )


def queue_card() -> CardContent:
    """Return how the queue is. Four statements, and at most a second for the queue server."""
    health = queue_health()
    oldest, waiting = health.oldest, len(health.waiting)
    figures = [
        Figure(label="Workers", value=len(health.workers), tone="" if health.workers else "bad"),
        Figure(label="Busy", value=health.busy_count, tone="run" if health.busy_count else ""),
        Figure(label="Jobs waiting", value=waiting, tone="wait" if waiting else ""),
    ]
    if oldest is not None:
        figures.append(Figure(label="Longest wait", value=duration(oldest.seconds), tone="wait"))
    link = CardLink(label="Health of the installation", url=url_for("health_checks.index"))
    return CardContent(figures=figures, message=health.trouble, links=(link,))


def users_card() -> CardContent:
    """Return how many users there are, are switched off, and were here this week. Two statements."""
    everybody = select(User.active, func.count()).group_by(User.active)
    counts = _counted(narrow(everybody, current_actor(), USERS_VIEW, User))
    here = select(func.count()).select_from(User).where(User.last_seen_at >= utc_now() - timedelta(days=DAYS))
    seen = db.session.scalar(narrow(here, current_actor(), USERS_VIEW, User)) or 0
    page = url_for("users.index_view")
    return CardContent(
        figures=(
            Figure(label="Active", value=counts.get(True, 0), url=page),
            Figure(label="Switched off", value=counts.get(False, 0), url=page),
            Figure(label="Signed in this week", value=seen, tone="good" if seen else ""),
        )
    )


def maintenance_card() -> CardContent:
    """Return whether the portal is closed, since when and by whom. One statement."""
    window = maintenance.current()
    if window is None:
        figures = [Figure(label="Everybody can work", value="Open", tone="good")]
    else:
        since = window.started_at.astimezone(portal_zone()).strftime("%d %b, %H:%M")
        figures = [
            Figure(label=window.reason, value="Closed", tone="wait"),
            Figure(label="Since", value=since),
            Figure(label="Closed by", value=window.started_by_name),
        ]
    link = CardLink(label="Open or close the portal", url=url_for("maintenance.index"))
    return CardContent(figures=figures, links=(link,))


def _counted(statement: Select[T, int]) -> dict[T, int]:
    return {value: number for value, number in db.session.execute(statement)}  # noqa: C416 - rows, not pairs


CORE_CARDS = (
    DashboardCard(
        name="portal.jobs",
        title="Jobs",
        permission=JOBS_VIEW,
        load=jobs_card,
        order=500,
        refresh_seconds=15,
    ),
    DashboardCard(
        name="portal.queue",
        title="Queue",
        permission=HEALTH_VIEW,
        load=queue_card,
        order=510,
        refresh_seconds=15,
    ),
    DashboardCard(
        name="portal.users",
        title="Users",
        permission=USERS_VIEW,
        load=users_card,
        order=520,
    ),
    DashboardCard(
        name="portal.maintenance",
        title="Maintenance",
        permission=MAINTENANCE_MANAGE,
        load=maintenance_card,
        order=530,
        refresh_seconds=30,
    ),
)
