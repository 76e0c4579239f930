"""Reproducible choices."""

import random


def chance_of(*words: object) -> random.Random:
    """Return a source of choices that depends on the words alone, on any machine and Python."""
    return random.Random(" ".join(str(word) for word in words))  # noqa: S311 - must be predictable, guards nothing
