"""The columns that say who changed a row, and one audit entry for a whole bulk change."""

from collections.abc import Mapping
from typing import Any

from plugins.enrollments.models.stamps import current_channel
from portal.sdk import current_actor, record, utc_now


def stamp() -> dict[str, Any]:
    """Return the values of ``modified_at``, ``changed_by`` and ``changed_through`` for a bulk statement."""
    return {
        "modified_at": utc_now(),
        "changed_by": current_actor().name,
        "changed_through": current_channel(),
    }


def note(action: str, table: str, subject: object, facts: Mapping[str, Any]) -> None:
    """Write one audit entry about many rows; their histories hold the details. One statement."""
    record(action, table, str(subject), {"through": current_channel(), **facts})
