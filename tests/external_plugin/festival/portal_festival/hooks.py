"""The hook that the festival offers to others."""

from collections.abc import Sequence

from portal.sdk import hookspec


@hookspec
def festival_stages_added(event: Sequence[str]) -> None:
    """Notice: stages with these titles exist. Called after the commit; errors are logged.

    First user: portal_festival. Since: 1.0.
    """
