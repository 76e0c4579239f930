"""Every error that is raised on purpose. A bad row is a value; a bad request is one of these; anything else is a bug."""

from collections.abc import Mapping
from typing import Any, ClassVar


class PortalError(Exception):
    """An error raised on purpose, safe to show to the person who caused it.

    Args:
        code: Stable, documented, lower-case with hyphens (``registration-number-taken``).
        message: One or two sentences: what is wrong and what to do about it.
        facts: Plain values for machines, such as the row number or the allowed range.
    """

    status: ClassVar[int] = 500

    def __init__(self, code: str, message: str, facts: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.facts: dict[str, Any] = dict(facts or {})

    def __reduce__(self) -> tuple[Any, ...]:
        # Subclasses take other arguments than the message; a copy from another process needs none of them.
        return _copied, (type(self), self.args, self.__dict__)


def _copied(kind: type[PortalError], args: tuple[Any, ...], state: dict[str, Any]) -> PortalError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class InvalidInput(PortalError):
    """What was sent cannot be accepted; nothing was written."""

    status = 422


class Forbidden(PortalError):
    """The actor lacks the permission."""

    status = 403


class NotFound(PortalError):
    """There is no such thing, or not for this actor."""

    status = 404


class Conflict(PortalError):
    """The thing is in a state, or was changed by somebody, so that the request does not fit any more."""

    status = 409


class TooMany(PortalError):
    """The caller asks too often."""

    status = 429

    def __init__(self, code: str, message: str, retry_after_seconds: int) -> None:
        super().__init__(code, message, {"retry_after_seconds": retry_after_seconds})
        self.retry_after_seconds = retry_after_seconds


class UnderMaintenance(PortalError):
    """The portal is closed for a while."""

    status = 503

    def __init__(self, message: str, retry_after_seconds: int) -> None:
        super().__init__("under-maintenance", message, {"retry_after_seconds": retry_after_seconds})
        self.retry_after_seconds = retry_after_seconds


class TemporaryFailure(PortalError):
    """Something outside failed for now; the only error that a worker retries by itself."""

    status = 503


class StorageFull(TemporaryFailure):
    """The disk (or the database's disk) has no room left; a person must make some."""

    def __init__(self, message: str = "There is no room left on the disk. Free some and resume.") -> None:
        super().__init__("storage-full", message)


class NestedTransaction(PortalError):
    """``transaction()`` was opened inside another one: a programming error."""

    def __init__(self) -> None:
        super().__init__(
            "nested-transaction", "Only entry points open transactions; an API function must not."
        )


class PluginError(PortalError):
    """A plugin broke a rule of the host."""


class PluginLoadError(PluginError):
    """A plugin could not be imported or its declarations are wrong."""


class PluginClash(PluginError):
    """Two plugins declare the same name; both are named."""


class PluginReactionFailed(PluginError):
    """A plugin's reaction raised, so the emitting transaction is rolled back."""

    def __init__(self, plugin: str, hook: str, cause: str) -> None:
        message = f"The plugin {plugin} could not handle {hook}: {cause}"
        super().__init__("plugin-reaction-failed", message, {"plugin": plugin, "hook": hook})
        self.plugin = plugin
        self.hook = hook
