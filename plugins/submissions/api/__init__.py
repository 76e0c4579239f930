"""The Python API of submissions: answers, attempts, scores. Dicts in, plain dicts out; the names of edx-submissions.

Writing calls need an open transaction and never commit; open one per call with ``run_in_transaction``, which tries
again when the database asks for it. Teams are in :mod:`plugins.submissions.api.teams`.
"""

from plugins.submissions.api.grading import create_external_grader_detail
from plugins.submissions.api.ledger import Difference, check_ledger, repair_ledger
from plugins.submissions.api.lists import (
    MAX_TOP_SUBMISSIONS,
    TOP_SUBMISSIONS_CACHE_TIMEOUT,
    get_all_course_submission_information,
    get_all_submissions,
    get_top_submissions,
)
from plugins.submissions.api.reading import (
    get_highest_score,
    get_latest_score_for_submission,
    get_score,
    get_scores,
    get_student_ids_by_submission_uuid,
    get_submission,
    get_submission_and_student,
    get_submissions,
)
from plugins.submissions.api.scoring import reset_score, set_score, set_scores
from plugins.submissions.api.writing import create_submission, create_submissions, restore_submissions
from plugins.submissions.errors import (
    DuplicateTeamSubmissionsError,
    ExternalGraderQueueEmptyError,
    InvalidPointsError,
    SubmissionError,
    SubmissionInternalError,
    SubmissionNotFoundError,
    SubmissionRequestError,
    TeamSubmissionInternalError,
    TeamSubmissionNotFoundError,
    TeamSubmissionRequestError,
)

__all__ = [
    "MAX_TOP_SUBMISSIONS",
    "TOP_SUBMISSIONS_CACHE_TIMEOUT",
    "Difference",
    "DuplicateTeamSubmissionsError",
    "ExternalGraderQueueEmptyError",
    "InvalidPointsError",
    "SubmissionError",
    "SubmissionInternalError",
    "SubmissionNotFoundError",
    "SubmissionRequestError",
    "TeamSubmissionInternalError",
    "TeamSubmissionNotFoundError",
    "TeamSubmissionRequestError",
    "check_ledger",
    "create_external_grader_detail",
    "create_submission",
    "create_submissions",
    "get_all_course_submission_information",
    "get_all_submissions",
    "get_highest_score",
    "get_latest_score_for_submission",
    "get_score",
    "get_scores",
    "get_student_ids_by_submission_uuid",
    "get_submission",
    "get_submission_and_student",
    "get_submissions",
    "get_top_submissions",
    "repair_ledger",
    "reset_score",
    "restore_submissions",
    "set_score",
    "set_scores",
]
