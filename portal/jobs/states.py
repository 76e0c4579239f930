"""The words of the job engine: states of jobs and rows, actions of a plan."""

import enum


class JobState(enum.StrEnum):
    """Where a job is on its way."""

    PLANNING = "planning"
    PLANNED = "planned"
    AWAITING_APPROVAL = "awaiting_approval"
    RUNNING = "running"
    FINISHED = "finished"
    CANCELLED = "cancelled"
    FAILED = "failed"


class RowState(enum.StrEnum):
    """What became of a row."""

    PENDING = "pending"
    DONE = "done"
    UNCHANGED = "unchanged"
    REFUSED = "refused"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Action(enum.StrEnum):
    """What applying a row will do."""

    CREATE = "create"
    UPDATE = "update"
    REMOVE = "remove"
    UNCHANGED = "unchanged"
    REFUSE = "refuse"


class Closing(enum.StrEnum):
    """Whether a job closes the portal while it runs."""

    NEVER = "never"
    ON_REQUEST = "on_request"
    DEFAULT = "default"


#: States in which a worker has something to do.
ACTIVE = (JobState.PLANNING, JobState.RUNNING)
#: States from which a job does not go on by itself.
ENDED = (JobState.FINISHED, JobState.CANCELLED, JobState.FAILED)
