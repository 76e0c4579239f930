"""The bulk operations of admissions."""

from plugins.admissions.jobs.checking import SCHEDULES, CheckIntegrity
from plugins.admissions.jobs.creating import CreateStudents
from plugins.admissions.jobs.importing import ImportApplicants
from plugins.admissions.jobs.letters import PrintActivationLetters

__all__ = ["SCHEDULES", "CheckIntegrity", "CreateStudents", "ImportApplicants", "PrintActivationLetters"]
