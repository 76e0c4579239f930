"""Who changes a row and through what, as the rows and their history note it."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

LONGEST_CHANNEL = 80
_channel: ContextVar[str] = ContextVar("enrollments_channel", default="api")


@contextmanager
def changing_through(channel: str) -> Iterator[None]:
    """Note ``channel`` (a job's id, ``panel``, ``sign-in``) with every change made inside the block."""
    token = _channel.set(channel[:LONGEST_CHANNEL])
    try:
        yield
    finally:
        _channel.reset(token)


def current_channel() -> str:
    """Return what the current change is made through."""
    return _channel.get()
