"""Whether enrollments may be deleted wholesale: where a setting says that the portal is for trials."""

from typing import ClassVar

from plugins.enrollments.api.inputs import current_settings
from portal.sdk import PortalError


class ResetForbidden(PortalError):
    """Resetting is not allowed in this portal."""

    status: ClassVar[int] = 501

    def __init__(self) -> None:
        super().__init__(
            "reset-forbidden",
            "Resetting is for trial portals. An administrator may allow it in the settings of enrollments.",
        )


def require_reset_allowed() -> None:
    """Refuse to go on in a portal that is not for trials.

    Raises:
        ResetForbidden: the setting ``allow_reset`` is off.
    """
    if not current_settings().allow_reset:
        raise ResetForbidden
