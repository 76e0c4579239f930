"""The pages of submissions in the panel."""

from plugins.submissions import permissions
from plugins.submissions.admin.items import StudentItemView
from plugins.submissions.admin.queue import GraderEntryView
from plugins.submissions.admin.scores import ScoreView
from plugins.submissions.admin.section import SectionView
from plugins.submissions.admin.submissions import SubmissionView
from plugins.submissions.admin.teams import TeamSubmissionView
from plugins.submissions.admin.uploading import UploadView
from plugins.submissions.models import GraderEntry, Score, StudentItem, Submission, TeamSubmission
from portal.sdk import AdminView

__all__ = ["VIEWS"]

CATEGORY = "Submissions"


def _page(
    view: type,
    permission: str,
    order: int,
    name: str,
    icon: str,
    model: type | None = None,
    endpoint: str = "",
) -> AdminView:
    return AdminView(
        view=view,
        category=CATEGORY,
        permission=permission,
        order=order,
        name=name,
        icon=icon,
        model=model,
        endpoint=endpoint,
    )


VIEWS = (
    _page(
        SectionView,
        permissions.ITEMS_VIEW,
        350,
        "Overview",
        "fa-tachometer",
        endpoint="submissions_section",
    ),
    _page(StudentItemView, permissions.ITEMS_VIEW, 360, "Student items", "fa-list-ul", StudentItem),
    _page(SubmissionView, permissions.ITEMS_VIEW, 370, "Submissions", "fa-inbox", Submission),
    _page(ScoreView, permissions.SCORES_VIEW, 380, "Scores", "fa-star-o", Score),
    _page(
        UploadView,
        permissions.SCORES_UPLOAD,
        390,
        "Upload scores",
        "fa-upload",
        endpoint="submissions_upload",
    ),
    _page(TeamSubmissionView, permissions.ITEMS_VIEW, 400, "Teams", "fa-users", TeamSubmission),
    _page(GraderEntryView, permissions.GRADERS_VIEW, 410, "External graders", "fa-cogs", GraderEntry),
)
