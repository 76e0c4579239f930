"""Compares a plugin's tables with its models, for the tests of plugins."""

from portal.kernel.migrations import drift


def schema_differences(plugin: str) -> list[str]:
    """Return what a plugin's migrations have made otherwise than its models say; empty when they agree.

    Call it with the fixture ``app``.
    """
    return drift(plugin)
