"""Takes people who are erased out of what the jobs of submissions remember of them."""

from plugins.submissions.api.retiring import erase_people
from plugins.submissions.jobs.checking import CheckLedger
from plugins.submissions.jobs.exporting import ExportCourse
from plugins.submissions.jobs.uploading import row_key
from plugins.submissions.models import StudentItem
from portal.sdk import UsersRetired
from portal.sdk.jobs import erase_results, erase_rows

CHUNK = 500


def forget_people(event: UsersRetired) -> None:
    """Pseudonymise what people handed in, and erase rows, sheets and exports of jobs that hold it. Does not commit.

    Raises:
        Conflict: code ``in-open-job``, naming a job that has not ended.
    """
    items = erase_people(event)
    for start in range(0, len(items), CHUNK):
        chunk = items[start : start + CHUNK]
        keys = [row_key(item.course_id, item.item_id, item.student_id) for item in chunk]
        erase_rows(StudentItem, [str(item.id) for item in chunk], keys=keys)
    if items:
        # An export or a report holds many people in one file, and can be made again.
        erase_results(ExportCourse.name)
        erase_results(CheckLedger.name)
