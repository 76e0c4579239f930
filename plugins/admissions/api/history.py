"""Lines of history on applicants and students, written with the change that they tell of."""

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert

from plugins.admissions.api.fields import FieldProblem, instant
from plugins.admissions.models import ApplicantHistory, StudentHistory
from portal.sdk import current_actor, db, new_id

_applicant_lines: Any = ApplicantHistory.__table__
_student_lines: Any = StudentHistory.__table__

_LINE = re.compile(
    r"(?P<at>\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(?::\d{2})?)(?: (?:UTC|WAT|GMT|Z))? - (?P<text>.+?)(?: by (?P<by>[^-]+))?"
)


@dataclass(frozen=True, kw_only=True)
class HistoryLine:
    """One line: whose record, when, what, by whom (empty: whoever acts now)."""

    owner_uid: uuid.UUID
    at: datetime
    text: str
    transition: str = ""
    actor_name: str = ""


def write_applicant_history(lines: Sequence[HistoryLine]) -> None:
    """Add lines to applicants in one statement. Does not commit."""
    if lines:
        db.session.execute(insert(_applicant_lines), _values(lines, "applicant_uid"))


def write_student_history(lines: Sequence[HistoryLine]) -> None:
    """Add lines to students in one statement. Does not commit."""
    if lines:
        db.session.execute(insert(_student_lines), _values(lines, "student_uid"))


def _values(lines: Sequence[HistoryLine], owner: str) -> list[dict[str, Any]]:
    actor = current_actor().name
    # Sorted keys: lines with the same time are read in the order in which they were written.
    keys = sorted(new_id() for _ in lines)
    return [
        {
            "id": key,
            owner: line.owner_uid,
            "at": line.at,
            "text": line.text,
            "actor_name": line.actor_name or actor,
            "transition": line.transition,
        }
        for key, line in zip(keys, lines, strict=True)
    ]


def parsed_history(value: str, owner_uid: uuid.UUID) -> list[HistoryLine]:
    """Return the lines of an imported history: ``YYYY-MM-DD HH:MM:SS UTC - text by name``, one a line.

    Raises:
        FieldProblem: quoting the line that is written otherwise.
    """
    lines = []
    for line in filter(None, (part.strip() for part in value.splitlines())):
        match = _LINE.fullmatch(line)
        if match is None or len(match["text"]) > 300:
            raise FieldProblem(
                f"the line {line[:80]!r} is not written 'YYYY-MM-DD HH:MM:SS UTC - text by name'"
            )
        by = (match["by"] or "import").strip()[:200]
        lines.append(
            HistoryLine(owner_uid=owner_uid, at=instant(match["at"]), text=match["text"], actor_name=by)
        )
    return lines
