"""Adds applicants and their pictures, one at a time, as officers do; sheets come in through ``importing``."""

import secrets
import uuid
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import delete, func, insert, select, update

from plugins.admissions.api.history import HistoryLine, write_applicant_history
from plugins.admissions.api.transitions import TRANSITIONS
from plugins.admissions.errors import ALREADY_CREATED, ApplicantNotFound
from plugins.admissions.models import Applicant, ApplicantFile, ApplicantState, Container, FileKind
from plugins.admissions.models.vocabulary import PASSPORT_NAME
from portal.sdk import (
    AuditRow,
    Conflict,
    InvalidInput,
    NewFile,
    current_store,
    db,
    new_id,
    record_many,
    register_files,
    safe_image,
    utc_now,
)

FIRST_NUMBER, LAST_NUMBER = 100_000, 999_999


def applicant_uid_of(applicant_id: str) -> uuid.UUID:
    """Return the key of the applicant that people know as ``applicant_id``.

    Raises:
        ApplicantNotFound: when there is none.
    """
    uid = db.session.scalar(select(Applicant.id).where(Applicant.applicant_id == applicant_id.strip()))
    if uid is None:
        raise ApplicantNotFound(applicant_id)
    return uid


def get_applicant(applicant_uid: uuid.UUID) -> Applicant:
    """Return the applicant.

    Raises:
        ApplicantNotFound: when there is none.
    """
    applicant = db.session.get(Applicant, applicant_uid)
    if applicant is None:
        raise ApplicantNotFound(applicant_uid)
    return applicant


def draw_application_numbers(container_id: uuid.UUID, count: int, avoid: Collection[str] = ()) -> list[str]:
    """Return random six-digit numbers that nobody in the container has. One statement, nearly always.

    Raises:
        Conflict: ``container-full`` when nine tenths of the 900,000 numbers are used.
    """
    numbers: set[str] = set()
    blocked = set(avoid)
    for _ in range(10):
        wanted = count - len(numbers)
        if wanted <= 0:
            return list(numbers)
        drawn = {
            str(FIRST_NUMBER + secrets.randbelow(LAST_NUMBER - FIRST_NUMBER + 1)) for _ in range(wanted + 5)
        }
        drawn -= blocked | numbers
        held = db.session.scalars(
            select(Applicant.application_number).where(
                Applicant.container_id == container_id, Applicant.application_number.in_(drawn)
            )
        )
        numbers |= set(sorted(drawn - set(held))[:wanted])
    raise Conflict(
        "container-full", "Nearly all application numbers of this container are used. Open another one."
    )


def add_applicant(container: Container, values: Mapping[str, Any]) -> Applicant:
    """Add an application in state ``initialized`` and return it. Needs an open transaction; does not commit.

    Args:
        values: Fields of :class:`Applicant` as Python values; at least firstname, lastname and sex.

    Raises:
        InvalidInput: ``field-missing``, naming the field.
    """
    for name in ("firstname", "lastname", "sex"):
        if not values.get(name):
            raise InvalidInput("field-missing", f"An applicant needs a {name}.", {"field": name})
    (number,) = draw_application_numbers(container.id, 1)
    applicant = Applicant(
        id=new_id(),
        container_id=container.id,
        application_number=number,
        applicant_id=f"{container.code}_{number}",
        state=ApplicantState.INITIALIZED,
        **dict(values),
    )
    db.session.add(applicant)
    db.session.flush()
    text = TRANSITIONS["init"].text
    write_applicant_history([HistoryLine(owner_uid=applicant.id, at=utc_now(), text=text, transition="init")])
    return applicant


def prepare_passport(data: bytes) -> NewFile:
    """Make an uploaded picture safe and durable and return what a record can refer to. Slow: no transaction open.

    Raises:
        InvalidInput: ``photo-unreadable`` or ``photo-too-large``.
    """
    image = safe_image(data)
    (sha256,) = current_store().put_many([image.data])
    return NewFile(sha256=sha256, size_bytes=len(image.data), media_type="image/jpeg")


def attach_passport(applicant_uid: uuid.UUID, file: NewFile) -> None:
    """Make the prepared picture the applicant's passport. Needs an open transaction; does not commit.

    Raises:
        ApplicantNotFound: when there is no such applicant.
        Conflict: ``already-created``: the student keeps the picture that the slip shows.
    """
    state = db.session.scalar(select(Applicant.state).where(Applicant.id == applicant_uid).with_for_update())
    if state is None:
        raise ApplicantNotFound(applicant_uid)
    if state == ApplicantState.CREATED:
        raise Conflict(ALREADY_CREATED, "The student record is made already; change the picture there.")
    attach_passports({applicant_uid: file})
    db.session.execute(
        update(Applicant)
        .where(Applicant.id == applicant_uid)
        .values(version=Applicant.version + 1)
        .execution_options(synchronize_session=False)
    )
    record_many(
        [
            AuditRow(
                action="update",
                target=Applicant.__tablename__,
                record_id=str(applicant_uid),
                changes={"passport": file.sha256},
            )
        ]
    )
    db.session.expire_all()


def attach_passports(files: Mapping[uuid.UUID, NewFile]) -> None:
    """Write the file rows of many passports, instead of earlier ones. The caller raises versions and audits.

    Needs an open transaction; does not commit. Three statements.
    """
    if not files:
        return
    register_files(list(files.values()))
    db.session.execute(
        delete(ApplicantFile)
        .where(ApplicantFile.applicant_uid.in_(files), ApplicantFile.name == PASSPORT_NAME)
        .execution_options(synchronize_session=False)
    )
    now = utc_now()
    db.session.execute(
        insert(ApplicantFile),
        [
            {
                "id": new_id(),
                "applicant_uid": uid,
                "kind": FileKind.PASSPORT,
                "name": PASSPORT_NAME,
                "sha256": file.sha256,
                "added_at": now,
            }
            for uid, file in files.items()
        ],
    )


def counts_by_state(container_id: uuid.UUID | None = None) -> dict[ApplicantState, int]:
    """Return how many applicants are in each of the eight states, of a container or of all. One statement."""
    statement = select(Applicant.state, func.count()).group_by(Applicant.state)
    if container_id is not None:
        statement = statement.where(Applicant.container_id == container_id)
    counts = dict.fromkeys(ApplicantState, 0)
    for state, count in db.session.execute(statement):
        counts[ApplicantState(state)] = count
    return counts
