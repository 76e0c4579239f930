"""What people and programs may be allowed to do with submissions, and suggested roles that bundle it."""

from portal.sdk import Permission, Role

GROUP = "Submissions"

ITEMS_VIEW = "submissions.items.view"
ANSWERS_VIEW = "submissions.answers.view"
ANSWERS_CREATE = "submissions.answers.create"
SCORES_VIEW = "submissions.scores.view"
SCORES_SET = "submissions.scores.set"
SCORES_UPLOAD = "submissions.scores.upload"
SCORES_RESET = "submissions.scores.reset"
STATE_CLEAR = "submissions.state.clear"
GRADERS_VIEW = "submissions.graders.view"
GRADERS_MANAGE = "submissions.graders.manage"
GRADERS_SERVE = "submissions.graders.serve"
EXPORT = "submissions.courses.export"
LEDGER_CHECK = "submissions.ledger.check"

_TITLES = {
    ITEMS_VIEW: "See which students handed in what, when",
    ANSWERS_VIEW: "Read the answers",
    ANSWERS_CREATE: "Hand in answers by the REST interface",
    SCORES_VIEW: "See scores with their history and reasons",
    SCORES_SET: "Override a score",
    SCORES_UPLOAD: "Upload scores from a sheet",
    SCORES_RESET: "Reset scores",
    STATE_CLEAR: "Clear what a student handed in, and bring it back",
    GRADERS_VIEW: "See the queue of external graders",
    GRADERS_MANAGE: "Put failed entries of the queue back",
    GRADERS_SERVE: "Serve as an external grader: take entries, bring results",
    EXPORT: "Export the submissions and scores of a course",
    LEDGER_CHECK: "Check the ledger of scores and mend its summaries",
}

PERMISSIONS = tuple(Permission(name=name, title=title, group=GROUP) for name, title in _TITLES.items())

#: Whoever starts jobs sees them: the plan, the progress, the report.
_OWN_JOBS = "portal.jobs.view"

_INSTRUCTOR = frozenset({ITEMS_VIEW, ANSWERS_VIEW, SCORES_VIEW, SCORES_SET, SCORES_UPLOAD, EXPORT, _OWN_JOBS})

ROLES = (
    Role(name="instructor", title="Instructor", permissions=_INSTRUCTOR),
    Role(name="xqueue", title="External grader (a program)", permissions=frozenset({GRADERS_SERVE})),
    Role(
        name="submissions_administrator",
        title="Submissions administrator",
        permissions=frozenset(_TITLES) - {GRADERS_SERVE} | {_OWN_JOBS},
    ),
)
