"""Who is acting: a value that web requests, jobs and commands carry down to every write."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Actor:
    """A person, a service account or the portal itself, with the permissions it holds."""

    user_id: int | None = None
    name: str = "anonymous"
    grants: frozenset[str] = frozenset()
    is_administrator: bool = False


ANONYMOUS = Actor()
SYSTEM = Actor(name="system", is_administrator=True)

_current: ContextVar[Actor] = ContextVar("portal_actor", default=ANONYMOUS)


def current_actor() -> Actor:
    """Return who is acting now; ANONYMOUS when nobody was named."""
    return _current.get()


@contextmanager
def acting_as(actor: Actor) -> Iterator[Actor]:
    """Let everything inside the block be done, and audited, as ``actor``."""
    token = _current.set(actor)
    try:
        yield actor
    finally:
        _current.reset(token)
