"""Old public names: they work for one release, warn, and name what to use instead."""

import sys
from collections.abc import Iterator
from types import ModuleType

import pluggy
import pytest

from portal.sdk import Deprecated, deprecated, deprecated_names, hookimpl, hookspec, new_id
from portal.testing.surface import surface_lines

OLD = {"make_id": Deprecated(instead="portal.sdk.new_id", since="1.1", gone="1.2")}


@pytest.fixture
def library() -> Iterator[ModuleType]:
    """A module with an old name."""
    module = ModuleType("old_library")
    module.__all__ = []  # type: ignore[attr-defined]
    module.__deprecated__ = OLD  # type: ignore[attr-defined]
    module.__getattr__ = deprecated_names("old_library", OLD)  # type: ignore[method-assign]
    sys.modules["old_library"] = module
    yield module
    del sys.modules["old_library"]


def test_importing_an_old_name_warns_where_it_is_imported_and_gives_the_new_thing(
    library: ModuleType,
) -> None:
    with pytest.warns(
        DeprecationWarning,
        match=r"old_library\.make_id is deprecated since 1\.1, gone in 1\.2: use portal\.sdk\.new_id",
    ) as warned:
        from old_library import make_id  # type: ignore[import-not-found]

    assert make_id is new_id
    assert warned[0].filename == __file__


def test_a_name_that_never_was_is_still_an_error(library: ModuleType) -> None:
    with pytest.raises(ImportError, match="nothing_like_it"):
        from old_library import nothing_like_it  # noqa: F401


def test_calling_an_old_function_warns_and_does_what_it_did() -> None:
    @deprecated("portal.sdk.new_id", since="1.1", gone="1.2")
    def doubled(number: int) -> int:
        """Return twice the number."""
        return 2 * number

    with pytest.warns(DeprecationWarning, match="doubled is deprecated since 1.1") as warned:
        assert doubled(number=4) == 8

    assert warned[0].filename == __file__
    assert doubled.__doc__ == "Return twice the number."


def test_a_hook_that_goes_warns_whoever_implements_it() -> None:
    class Specs:
        @hookspec(warn_on_impl=DeprecationWarning("toy_made goes: use toy_done; gone in 1.2"))
        def toy_made(self) -> None: ...

    class Plugin:
        @hookimpl
        def toy_made(self) -> None: ...

    manager = pluggy.PluginManager("portal")
    manager.add_hookspecs(Specs)

    with pytest.warns(DeprecationWarning, match="use toy_done; gone in 1.2"):
        manager.register(Plugin())


def test_the_surface_shows_old_names(library: ModuleType) -> None:
    assert surface_lines("old_library") == [
        "make_id: name deprecated since 1.1, gone in 1.2: use portal.sdk.new_id"
    ]


@pytest.mark.parametrize(
    ("release", "is_overdue"), [("1.1", False), ("1.2.dev1", False), ("1.2", True), ("1.10", True)]
)
def test_an_old_name_is_overdue_from_its_last_release_on(release: str, is_overdue: bool) -> None:
    assert OLD["make_id"].is_overdue(release) is is_overdue
