"""What people do to one student item by hand: reset, clear, restore, override. Each leaves an audit entry with the reason."""

from sqlalchemy import insert, select

from plugins.submissions.api.inputs import checked_fields, name_text, points, word
from plugins.submissions.api.scoring import reset_score, set_score
from plugins.submissions.api.sessions import execute
from plugins.submissions.api.shapes import STUDENT_ITEM
from plugins.submissions.api.standing import Standing, standings
from plugins.submissions.api.writing import restore_submissions
from plugins.submissions.errors import SubmissionNotFoundError, SubmissionRequestError
from plugins.submissions.models import ScoreAnnotation, ScoreSummary, StudentItem
from portal.sdk import current_actor, record

OVERRIDE = "staff_defined"
LONGEST_REASON = 2_000
_TABLE = str(StudentItem.__tablename__)


def find_item(student_id: str, course_id: str, item_id: str) -> Standing:
    """Return how a student item stands; one statement.

    Raises:
        SubmissionNotFoundError: when there is none.
    """
    names = word(course_id) or "", word(item_id) or "", word(student_id) or ""
    found = standings([names]).get(names)
    if found is None:
        raise SubmissionNotFoundError(
            f"There is no student item {student_id}, {item_id} of {course_id}. "
            "Compare the three with the lists of the panel."
        )
    return found


def reset_item(item: int, *, clear: bool, reason: str) -> None:
    """Reset the score of a student item and, where wished, clear what was handed in.

    Needs an open transaction; does not commit. Emits ``submissions_score_reset``.

    Raises:
        SubmissionNotFoundError: when there is none.
        SubmissionRequestError: without a reason.
    """
    student, course, name = _words(item)
    told = _reason(reason)
    reset_score(student, course, name, clear_state=clear)
    _annotate_latest(item, "state_cleared" if clear else "reset", told)
    record("clear" if clear else "reset", _TABLE, str(item), {"reason": told})


def restore_item(item: int) -> int:
    """Bring back what was cleared of a student item; return how many submissions.

    Needs an open transaction; does not commit.

    Raises:
        SubmissionNotFoundError: when there is no such item.
        SubmissionRequestError: when nothing of it is cleared.
    """
    number = restore_submissions(*_words(item))
    if not number:
        raise SubmissionRequestError("Nothing of this item is cleared, so there is nothing to restore.")
    record("restore", _TABLE, str(item), {"submissions": number})
    return number


def override_score(item: int, earned: object, possible: object, reason: str) -> None:
    """Set the score of a student item's newest submission by hand.

    Needs an open transaction; does not commit. Emits ``submissions_scores_set``.

    Args:
        earned, possible: Whole numbers, as text too.

    Raises:
        InvalidPointsError, SubmissionRequestError: with ``field_errors``; also without a reason.
        SubmissionNotFoundError: when there is no such item or nothing is handed in.
    """
    student, course, name = _words(item)
    told = _reason(reason)
    checked = points(earned, possible)
    newest = find_item(student, course, name).submission
    if newest is None:
        raise SubmissionNotFoundError("Nothing is handed in for this item, so there is nothing to score.")
    set_score(newest, *checked, current_actor().name[:255], OVERRIDE, told)
    record("override", _TABLE, str(item), {"score": f"{checked[0]}/{checked[1]}", "reason": told})


def _annotate_latest(item: int, kind: str, reason: str) -> None:
    """Say who set the item's latest score and why, for its history."""
    latest = select(ScoreSummary.latest_id).where(ScoreSummary.student_item_id == item).scalar_subquery()
    told = {"creator": current_actor().name[:255], "annotation_type": kind, "reason": reason}
    execute(insert(ScoreAnnotation).values(score_id=latest, **told))


def _words(item: int) -> tuple[str, str, str]:
    row = execute(select(*STUDENT_ITEM).where(StudentItem.id == item)).one_or_none()
    if row is None:
        raise SubmissionNotFoundError("There is no such student item.")
    return row.student_id, row.course_id, row.item_id


def _reason(given: str) -> str:
    checks = {"reason": lambda: name_text(given, LONGEST_REASON)}
    told: str = checked_fields(checks, SubmissionRequestError)["reason"]
    return told
