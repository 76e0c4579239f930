"""Public names that go: for one release the old name works, warns, and says what to use instead."""

import importlib
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from packaging.version import Version

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Deprecated:
    """What becomes of an old public name.

    Args:
        instead: Full name of what to use, such as ``portal.sdk.jobs.submit``.
        since: Release from which on the old name warns.
        gone: Release that does not have it any more; at least the one after ``since``.
    """

    instead: str
    since: str
    gone: str

    def __str__(self) -> str:
        return f"deprecated since {self.since}, gone in {self.gone}: use {self.instead}"

    def is_overdue(self, release: str) -> bool:
        """Say whether the old name should not be in this release any more."""
        return Version(release) >= Version(self.gone)


def deprecated_names(module_name: str, names: Mapping[str, Deprecated]) -> Callable[[str], Any]:
    """Return a module's ``__getattr__`` that gives the new thing for each old name, with a warning.

    In the module, which keeps the old names out of ``__all__``::

        __deprecated__ = {"give": Deprecated(instead="portal.sdk.jobs.submit", since="1.1", gone="1.2")}
        if not TYPE_CHECKING:  # a module with __getattr__ would have every name for type checkers
            __getattr__ = deprecated_names(__name__, __deprecated__)
    """

    def get(name: str) -> Any:
        if name not in names:
            raise AttributeError(f"module {module_name!r} has no attribute {name!r}")
        old = names[name]
        warnings.warn(f"{module_name}.{name} is {old}", DeprecationWarning, stacklevel=2)
        holder, _, new = old.instead.rpartition(".")
        return getattr(importlib.import_module(holder), new)

    return get


def deprecated(instead: str, *, since: str, gone: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Let a function that goes warn at each call, and do what it did until then; see :class:`Deprecated`."""
    old = Deprecated(instead=instead, since=since, gone=gone)

    def mark(function: Callable[P, T]) -> Callable[P, T]:
        @wraps(function)
        def warning(*arguments: P.args, **keywords: P.kwargs) -> T:
            name = f"{function.__module__}.{function.__qualname__}"
            warnings.warn(f"{name} is {old}", DeprecationWarning, stacklevel=2)
            return function(*arguments, **keywords)

        warning.__deprecated__ = old  # type: ignore[attr-defined]
        return warning

    return mark
