"""The worker process: an RQ worker that forks from a parent with the application loaded and documents compiled."""

import gc
import logging
import os
import signal
from typing import Any

from flask import Flask
from redis import Redis
from rq import Worker
from rq.job import Job as Message
from rq.queue import Queue
from rq.serializers import JSONSerializer

from portal.config import CONFIG_KEY, PortalConfig
from portal.jobs.engine import listen_for_stop
from portal.jobs.queue import connect, queue_of
from portal.kernel import metrics, replica
from portal.kernel.db import db
from portal.kernel.processes import die_with_parent

log = logging.getLogger(__name__)


class PortalWorker(Worker):
    """Runs jobs in a forked child that has the application, its own database connections, and dies with its parent."""

    def __init__(self, app: Flask, connection: Redis) -> None:
        super().__init__(
            [queue_of(connection)],
            connection=connection,
            serializer=JSONSerializer,
            worker_ttl=60,
            job_monitoring_interval=5,
            maintenance_interval=20,
        )
        self._app = app

    def main_work_horse(self, job: Message, queue: Queue) -> None:
        """Prepare the forked child, then let RQ run the message in it."""
        die_with_parent()
        listen_for_stop()
        with self._app.app_context():
            # Connections of the parent are the parent's: forget them without closing.
            db.engine.dispose(close=False)
            replica.forget_connections()
            metrics.share_as_child()
            super().main_work_horse(job, queue)

    def request_stop(self, signum: int, frame: Any) -> None:
        """Stop after the chunk in hand."""
        if self.horse_pid:
            os.kill(self.horse_pid, signal.SIGUSR1)
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]


def work(app: Flask) -> None:
    """Work until a signal asks to stop. The caller has loaded the application and warmed the documents up."""
    config: PortalConfig = app.config[CONFIG_KEY]
    with app.app_context():
        db.engine.dispose()
    spare_collector()
    worker = PortalWorker(app, connect(config))
    # The library tells of every heartbeat; what becomes of jobs, the engine tells itself.
    level = "DEBUG" if config.log_level.upper() == "DEBUG" else "WARNING"
    worker.work(logging_level=level, with_scheduler=False)


def spare_collector() -> None:
    """Keep the garbage collector away from what the parent has loaded, and let it run seldom in the children.

    A chunk makes many short-lived objects and hardly a circle; collecting as often as by default costs a tenth of
    the processor time, and touching the parent's objects would copy their memory into every child.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
