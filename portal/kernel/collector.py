"""Keeps the garbage collector out of the start of a process."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_off() -> Iterator[None]:
    """Collect no garbage inside, and never look again at what is there at the end. For processes of our own only.

    What is loaded at start stays; looking through it again and again costs a fifth of the start.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
