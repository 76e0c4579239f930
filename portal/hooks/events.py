"""What hooks are told: plain, frozen data, so that a plugin needs nobody's models to react."""

import uuid
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class JobFinished:
    """A job reached its end: ``state`` is finished, cancelled or failed; counts by row state."""

    job_id: uuid.UUID
    kind: str
    state: str
    counts: dict[str, int]
    actor_user_id: int | None


@dataclass(frozen=True, kw_only=True)
class MaintenanceChanged:
    """The portal was closed or opened; ``until`` is the lease of an open window."""

    is_open: bool
    reason: str
    actor_name: str
    at: datetime
    until: datetime | None = None
