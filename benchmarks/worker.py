"""The portal's own worker, which also notes what each of its runs cost: one JSON line per run in ``BENCH_NOTES``."""

import json
import os
import resource
from pathlib import Path
from typing import Any

from rq.job import Job as Message
from rq.queue import Queue
from sqlalchemy import Engine, event

from portal.app import create_app
from portal.config import CONFIG_KEY, PortalConfig
from portal.documents.service import warm_up
from portal.jobs.queue import connect
from portal.jobs.worker import PortalWorker, spare_collector
from portal.kernel.db import db

NOTES = "BENCH_NOTES"


class _Statements:
    """How many statements this process has sent (an executemany is one; BEGIN and COMMIT are none)."""

    count = 0


class MeasuredWorker(PortalWorker):
    """Runs jobs exactly as the portal's worker does, and notes CPU, statements and memory of each run."""

    def perform_job(self, job: Message, queue: Queue) -> bool:
        _Statements.count = 0
        try:
            return bool(super().perform_job(job, queue))
        finally:
            _note()


def _note() -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    line = {
        "cpu_seconds": used.ru_utime + used.ru_stime,
        "statements": _Statements.count,
        "memory_mb": used.ru_maxrss / 1024,
    }
    with Path(os.environ[NOTES]).open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


@event.listens_for(Engine, "before_cursor_execute")
def _count(*_: Any) -> None:
    _Statements.count += 1


def main() -> None:
    """Work until asked to stop."""
    app = create_app()
    config: PortalConfig = app.config[CONFIG_KEY]
    with app.app_context():
        warm_up()
        db.engine.dispose()
    spare_collector()
    MeasuredWorker(app, connect(config)).work(logging_level="WARNING", with_scheduler=False)


if __name__ == "__main__":
    main()
