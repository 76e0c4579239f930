"""A portal of its own in a temporary folder, with a university in it: what walks, soak runs and benchmarks work on."""

import itertools
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from flask import Flask

from plugins.admissions.api.import_rows import ImportMode, ImportRequest, ImportRow
from plugins.admissions.api.importing import write_import
from plugins.admissions.demo import add_university
from plugins.admissions.demo.files import PhotoOf, Record, records
from plugins.admissions.demo.portraits import portrait
from portal.app import create_app
from portal.config import PortalConfig
from portal.installation import migrate_all
from portal.kernel.actor import SYSTEM, acting_as
from portal.kernel.db import db
from portal.kernel.transaction import transaction
from portal.sdk import NewFile, current_store
from portal.sdk.jobs import Upload, draft, start, store_upload, submit
from portal.supervisor.queue_server import start_queue_server
from portal.testing.postgresql import PostgresqlServer
from portal.testing.sandboxes import EngineName

CHUNK = 200
CREATE_STUDENTS = "admissions.create_students"
IMPORT_APPLICANTS = "admissions.import_applicants"
WHOLE_PORTAL: Mapping[str, Any] = {"scope": "portal"}


class Campus:
    """One installation: settings, application, and a database that is migrated.

    Args:
        engine: On which database.
        home: Its home folder; made when it is not there.
        server: The PostgreSQL to use, for that engine; a database named after the folder is made in it.
        template: An earlier campus, closed now, that this one begins as a copy of.
        settings: Further settings, as for ``PortalConfig.load``.
    """

    def __init__(
        self,
        engine: EngineName,
        home: Path,
        server: PostgresqlServer | None = None,
        *,
        template: "Campus | None" = None,
        **settings: Any,
    ) -> None:
        url = ""
        if template is not None:
            shutil.copytree(template.config.home, home, ignore=shutil.ignore_patterns("run"))
        if engine == "postgresql":
            if server is None:
                raise ValueError("a campus on PostgreSQL needs a server")
            server.create(home.name, template.config.home.name if template is not None else "template1")
            url = server.url(home.name)
        self.engine = engine
        self.config = PortalConfig.load(home=home, database_url=url, log_level="WARNING", **settings)
        self.config.make_home()
        self.app: Flask = create_app(self.config)

    @contextmanager
    def open(self) -> Iterator[Flask]:
        """Enter the application as the portal itself; connections are closed afterwards."""
        with self.app.app_context(), acting_as(SYSTEM):
            try:
                yield self.app
            finally:
                db.session.remove()
                db.engine.dispose()

    @contextmanager
    def queue_server(self) -> Iterator[None]:
        """Run the queue server of this installation."""
        process = start_queue_server(self.config)
        try:
            yield
        finally:
            process.terminate()
            process.wait()

    def found(self) -> None:
        """Make the tables and the demo university. Call it inside :meth:`open`."""
        migrate_all()
        with transaction():
            add_university()


class Intake:
    """An endless supply of admitted applicants: the generator's records, written by the import's own code.

    What is left out of the import is what a creation never sees: the sheet, the ZIP and the decoding of photos. Numbers
    of the examination board are others than in the generator's files, so that both fit into one portal.

    Args:
        seed: Of every random choice.
        photo_of: How photos are made; :func:`quick_photo` where there is no time for a portrait each.
    """

    def __init__(self, seed: int = 1, photo_of: PhotoOf = portrait) -> None:
        self._records = records(1_000_000, seed, state="admitted", flawed=False, photo_of=photo_of)
        self._number = 0

    def add(self, count: int) -> list[uuid.UUID]:
        """Add ``count`` applicants, each with its own photo and history, and return their keys."""
        uids: list[uuid.UUID] = []
        while len(uids) < count:
            uids += self._add_chunk(list(itertools.islice(self._records, min(CHUNK, count - len(uids)))))
        return uids

    def _add_chunk(self, chunk: list[Record]) -> list[uuid.UUID]:
        first = self._number
        self._number += len(chunk)
        photos = _stored({first + place: record.photo for place, record in enumerate(chunk) if record.photo})
        rows = [
            ImportRow(
                number=first + place,
                values=_values(record, first + place),
                photo="photo" if record.photo else None,
            )
            for place, record in enumerate(chunk)
        ]
        with transaction():
            outcomes = write_import(ImportRequest(rows=rows, mode=ImportMode.CREATE), photos)
        refused = [outcome.refusal for outcome in outcomes if outcome.refusal is not None]
        if refused:
            raise AssertionError(f"the generator made a record that is refused: {refused[0]}")
        return [outcome.applicant_uid for outcome in outcomes if outcome.applicant_uid is not None]


def quick_photo(seed: int, number: int) -> bytes:
    """Return one of a dozen portraits, made different from every other photo by a comment in the file."""
    drawn = _portrait(seed, number % 12)
    comment = f"{seed} {number}".encode("ascii")
    return drawn[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + drawn[2:]


_portrait = cache(portrait)


def _values(record: Record, number: int) -> dict[str, str]:
    cells = {**record.cells, "reg_number": f"W{number:08d}", "photo": "", "application_number": ""}
    return {name: cell for name, cell in cells.items() if cell}


def _stored(photos: Mapping[int, bytes]) -> dict[int, NewFile]:
    names = current_store().put_many(list(photos.values()))
    return {
        number: NewFile(sha256=name, size_bytes=len(data), media_type="image/jpeg")
        for (number, data), name in zip(photos.items(), names, strict=True)
    }


def submitted(
    kind: str,
    params: Mapping[str, Any],
    files: Mapping[str, Path] | None = None,
    *,
    apply: bool = True,
    **options: Any,
) -> uuid.UUID:
    """Submit a job as the portal itself and return its id."""
    request = draft(kind, params, SYSTEM, files={name: upload(path) for name, path in (files or {}).items()})
    with transaction():
        return submit(request, apply=apply, **options).id


def upload(path: Path) -> Upload:
    """Put a file into the store, as an upload page does."""
    with path.open("rb") as stream:
        return store_upload(stream, path.name)


def started(job_id: uuid.UUID, **options: Any) -> uuid.UUID:
    """Start a planned job as the portal itself and return its id."""
    with transaction():
        start(job_id, SYSTEM, **options)
    return job_id
