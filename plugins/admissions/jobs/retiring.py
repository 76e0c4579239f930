"""Takes people who are erased out of what the jobs of admissions remember of them."""

from plugins.admissions.api.retiring import erase_people
from plugins.admissions.jobs.letters import PrintActivationLetters
from plugins.admissions.models import Applicant, Student
from portal.sdk import UsersRetired
from portal.sdk.jobs import erase_results, erase_rows


def forget_people(event: UsersRetired) -> None:
    """Pseudonymise records, and erase rows, sheets and letters of jobs that worked with them. Does not commit.

    Raises:
        Conflict: code ``in-open-job``, naming a job that has not ended.
    """
    erased = erase_people(event)
    if not erased.student_uids:
        return
    for model, uids in ((Student, erased.student_uids), (Applicant, erased.applicant_uids)):
        if uids:
            erase_rows(model, [str(uid) for uid in uids], keys=erased.keys)
    # Letters hold many people in one file, and can be printed again.
    erase_results(PrintActivationLetters.name)
