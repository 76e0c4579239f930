"""What hooks are told: plain, frozen data, so that a plugin needs nobody's models to react."""

import uuid
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class JobFinished:
    """A job reached its end: ``state`` is finished, cancelled or failed; counts by row state.

    ``undoes_id`` names the job that this one took back; ``kind`` is then the kind of both.
    """

    job_id: uuid.UUID
    kind: str
    state: str
    counts: dict[str, int]
    actor_user_id: int | None
    undoes_id: uuid.UUID | None = None


@dataclass(frozen=True, kw_only=True)
class LinkedIdentity:
    """A user is known to ``provider`` (another system, or a kind of number) as ``external_id``."""

    user_id: int
    provider: str
    external_id: str


@dataclass(frozen=True, kw_only=True)
class IdentitiesLinked:
    """1 to 500 external ids that belong to users now; no (provider, external id) is in it twice."""

    identities: tuple[LinkedIdentity, ...]


@dataclass(frozen=True, kw_only=True)
class RetiredUser:
    """One user who is being erased.

    Args:
        user_id: Key of the user; the row stays, without the person.
        token: What stands for the person from now on: the same each time, and nobody can compute it from outside.
        name: What the user was called until now, for lines that keep a name only.
        sign_in_name: What the user signed in with until now.
        email: The address until now, or None.
        name_is_shared: Another user has the very same name, so a line with that name may be the other's.
        has_acted: The user changed records of others, so that histories may hold the name.
        token_names: What programs were called that acted by the user's API tokens.
    """

    user_id: int
    token: str
    name: str
    sign_in_name: str
    email: str | None = None
    name_is_shared: bool = False
    has_acted: bool = False
    token_names: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Every name by which lines may know the user: the own one, and those with the user's tokens."""
        return (self.name, *self.token_names)


@dataclass(frozen=True, kw_only=True)
class UsersRetired:
    """1 to 500 users who are being erased, unique."""

    users: tuple[RetiredUser, ...]
    at: datetime


@dataclass(frozen=True, kw_only=True)
class MaintenanceChanged:
    """The portal was closed or opened; ``until`` is the lease of an open window."""

    is_open: bool
    reason: str
    actor_name: str
    at: datetime
    until: datetime | None = None
