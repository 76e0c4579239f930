"""The team API: answers that a team hands in together. Source: edx-submissions ``team_api``."""

from plugins.submissions.api.team_reading import (
    get_all_team_submissions,
    get_team_ids_by_team_submission_uuid,
    get_team_submission,
    get_team_submission_for_student,
    get_team_submission_for_team,
    get_team_submission_from_individual_submission,
    get_team_submission_student_ids,
    get_teammates_with_submissions_from_other_teams,
)
from plugins.submissions.api.team_writing import create_submission_for_team, reset_scores, set_score

__all__ = [
    "create_submission_for_team",
    "get_all_team_submissions",
    "get_team_ids_by_team_submission_uuid",
    "get_team_submission",
    "get_team_submission_for_student",
    "get_team_submission_for_team",
    "get_team_submission_from_individual_submission",
    "get_team_submission_student_ids",
    "get_teammates_with_submissions_from_other_teams",
    "reset_scores",
    "set_score",
]
