"""The life of a plugin that is a distribution of its own: installed, upgraded, crashed, repaired, removed, broken."""

from pathlib import Path

import pytest

from tests.external_plugin.environment import Portal
from tests.external_plugin.life import CORE_ANSWERS, FESTIVAL, live

pytestmark = pytest.mark.xdist_group("installed plugins")

FAULTS = {
    "api": "written for portal API '>=7,<9'; this portal offers '1'",
    "requires": "It requires fireworks, which is not loaded.",
    "import": "ModuleNotFoundError: No module named 'portal_fireworks'",
    "exit": "SystemExit: The festival is cancelled.",
    "table": "Table admissions_stage of festival must start with 'festival_'",
    "model": "NoSuchAct",
    "raise": "RuntimeError: the band is late",
    "migrations": "which is no folder",
    "prefix": "'admissions.stages.view' of festival must start with 'festival.'",
    "declaration": "each item must be a Role",
    "hook": "Did it mean portal_permissions?",
}


def test_a_plugin_lives_through_upgrade_crash_repair_removal_and_reinstall(
    installed: Portal, tmp_path: Path
) -> None:
    """On SQLite; ``make soak`` does the same on PostgreSQL."""
    live(installed, tmp_path / "life")


def test_broken_in_eleven_ways_it_is_left_out_with_a_clear_message_and_the_core_answers(
    installed: Portal, tmp_path: Path
) -> None:
    installed.move_to(tmp_path / "home")
    installed.install(FESTIVAL)

    for fault, message in FAULTS.items():
        answers, problems = installed.core_pages(FESTIVAL_FAULT=fault)
        assert answers == CORE_ANSWERS, fault
        assert message in problems["festival"].replace("\n", " ")
        assert "portal plugins disable festival" in problems["festival"]
    installed.uninstall("portal-festival")


def test_foreign_folders_called_plugins_hide_none_of_the_bundled_ones(installed: Portal) -> None:
    listed = installed.environment.run("portal plugins list 2>/dev/null")
    names = [line.split()[0] for line in listed.splitlines() if "loaded  " in line]
    assert names == ["admissions", "enrollments", "submissions"]
