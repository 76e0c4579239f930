"""A plugin that hides rows is never silently missing."""

from pathlib import Path

import pytest

from portal.hooks.narrowing import keep_narrowing
from portal.kernel.errors import PluginLoadError
from tests.portal.hooks.plugins import loaded, plugin


def hide(actor: object, permission: str, model: type) -> None:
    return None


def test_the_start_stops_when_a_plugin_that_hid_rows_is_missing(tmp_path: Path) -> None:
    keep_narrowing(tmp_path, loaded(plugin("secrecy", portal_narrow_rows=hide)), ())
    with pytest.raises(
        PluginLoadError, match=r"secrecy \(it is not installed any more\).*PORTAL_BLOCKED_PLUGINS"
    ):
        keep_narrowing(tmp_path, loaded(), ())


def test_the_message_says_why_it_was_left_out(tmp_path: Path) -> None:
    keep_narrowing(tmp_path, loaded(plugin("secrecy", portal_narrow_rows=hide)), ())
    broken = loaded(plugin("secrecy", requires=("vault",), portal_narrow_rows=hide))
    with pytest.raises(PluginLoadError, match="requires vault"):
        keep_narrowing(tmp_path, broken, ())


def test_a_blocked_one_may_be_missing_and_stays_on_record(tmp_path: Path) -> None:
    keep_narrowing(tmp_path, loaded(plugin("secrecy", portal_narrow_rows=hide)), ())
    keep_narrowing(tmp_path, loaded(), ("secrecy",))
    with pytest.raises(PluginLoadError, match="secrecy"):
        keep_narrowing(tmp_path, loaded(), ())


def test_one_that_hides_nothing_any_more_may_go(tmp_path: Path) -> None:
    keep_narrowing(tmp_path, loaded(plugin("secrecy", portal_narrow_rows=hide)), ())
    keep_narrowing(tmp_path, loaded(plugin("secrecy")), ())
    keep_narrowing(tmp_path, loaded(), ())


def test_other_plugins_may_be_missing(tmp_path: Path) -> None:
    keep_narrowing(tmp_path, loaded(plugin("library")), ())
    keep_narrowing(tmp_path, loaded(), ())
    assert list(tmp_path.iterdir()) == []
