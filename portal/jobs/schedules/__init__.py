"""Jobs that start by the clock: declared by plugins, one run per name and slot however many schedulers there are."""

from portal.jobs.schedules.declared import checked_schedules, init_schedules
from portal.jobs.schedules.firing import Scheduler, fire, run_now
from portal.jobs.schedules.models import ScheduleRun, ScheduleState
from portal.jobs.schedules.states import ScheduleLine, forget_old_runs, list_schedules, switch

__all__ = [
    "ScheduleLine",
    "ScheduleRun",
    "ScheduleState",
    "Scheduler",
    "checked_schedules",
    "fire",
    "forget_old_runs",
    "init_schedules",
    "list_schedules",
    "run_now",
    "switch",
]
