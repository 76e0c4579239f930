"""``/metrics``: the figures of this machine's processes, and those that only the database and the queue know."""

import hmac
import time
from collections.abc import Callable, Iterable, Sequence
from http import HTTPStatus

from flask import Blueprint, Flask, Response, current_app, request
from flask.typing import ResponseReturnValue
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from redis.exceptions import RedisError
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from portal.access.routes import RouteAccess, declare_endpoint
from portal.config import current_config
from portal.files.models import StoredFile
from portal.jobs.models import Job
from portal.jobs.queue import connect, queue_of
from portal.jobs.queue_health import count_workers
from portal.jobs.states import ENDED
from portal.kernel import metrics
from portal.kernel.db import reading
from portal.kernel.errors import Forbidden
from portal.mail.models import OutboxMessage

METRICS_VIEW = "portal.metrics.view"
#: Counting all stored files reads a whole table, so it is done seldom.
FILES_SECONDS = 300.0
_FILES_KEY = "PORTAL_FILE_FIGURES"
_BEARER = "Bearer "

pages = Blueprint("figures", __name__)


@pages.get("/metrics")
def show() -> ResponseReturnValue:
    """Answer with all figures as text, in the format of Prometheus."""
    answer = Response(metrics.exposition(_read()), HTTPStatus.OK, content_type=metrics.CONTENT_TYPE)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def has_token() -> bool:
    """Say whether the request brings ``PORTAL_METRICS_TOKEN``; False when it brings none, or none is set.

    Raises:
        Forbidden: ``metrics-token-wrong``.
    """
    expected = current_config().metrics_token.get_secret_value()
    sent = request.headers.get("Authorization", "")
    if not expected or not sent.startswith(_BEARER):
        return False
    if not hmac.compare_digest(sent.removeprefix(_BEARER).encode(), expected.encode()):
        raise Forbidden("metrics-token-wrong", "The token is not the one in PORTAL_METRICS_TOKEN.")
    return True


def init_figures(app: Flask) -> None:
    """Register the page: for holders of the token or the permission, also during maintenance."""
    app.register_blueprint(pages)
    access = RouteAccess(permission=METRICS_VIEW, admits=has_token, during_maintenance=True)
    declare_endpoint(app, "figures.show", access)


def _read() -> Iterable[Metric]:
    """Return the figures that are read at each call; those whose source does not answer are absent."""
    readers: Sequence[Callable[[], Iterable[Metric]]] = (_jobs, _mail, _files, _queue)
    for reader in readers:
        try:
            yield from reader()
        except (SQLAlchemyError, RedisError, OSError):
            current_app.logger.warning("figures could not be read: %s", reader.__name__.lstrip("_"))


def _jobs() -> Iterable[Metric]:
    figure = GaugeMetricFamily("portal_jobs", "Jobs that have not ended.", labels=("kind", "state"))
    with reading() as session:
        counts = session.execute(
            select(Job.kind, Job.state, func.count())
            .where(Job.state.not_in(ENDED))
            .group_by(Job.kind, Job.state)
        ).all()
    for kind, state, count in counts:
        figure.add_metric((kind, str(state)), count)
    return (figure,)


def _mail() -> Iterable[Metric]:
    with reading() as session:
        waiting = session.scalar(select(func.count()).where(OutboxMessage.sent_at.is_(None)))
    return (
        GaugeMetricFamily("portal_mail_waiting", "Messages that wait to be delivered.", value=waiting or 0),
    )


def _files() -> Iterable[Metric]:
    at, count, size_bytes = current_app.extensions.get(_FILES_KEY, (0.0, 0, 0))
    if not at or time.monotonic() - at > FILES_SECONDS:
        with reading(replica=True) as session:
            row = session.execute(
                select(func.count(), func.coalesce(func.sum(StoredFile.size_bytes), 0))
            ).one()
        at, count, size_bytes = time.monotonic(), row[0], int(row[1])
        current_app.extensions[_FILES_KEY] = (at, count, size_bytes)
    return (
        GaugeMetricFamily("portal_blobs", "Stored files.", value=count),
        GaugeMetricFamily("portal_blob_bytes", "Bytes of all stored files.", value=size_bytes),
    )


def _queue() -> Iterable[Metric]:
    connection = connect(current_config())
    try:
        depth = queue_of(connection).count
    finally:
        connection.close()
    return (
        GaugeMetricFamily("portal_queue_depth", "Wake-ups that wait for a worker.", value=depth),
        GaugeMetricFamily("portal_workers_alive", "Workers that listen or work.", value=count_workers()),
    )
