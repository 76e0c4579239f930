"""`portal plugins`: listing, checking, leaving out, removing with an export, and installing again."""

import csv
from pathlib import Path
from types import ModuleType

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from sqlalchemy import inspect, text

from portal.app import create_app
from portal.cli import portal
from portal.config import current_config
from portal.hooks.blocking import blocked_plugins, disabled_plugins, set_disabled
from portal.hooks.discovery import RESERVED_NAMES
from portal.hooks.registry import current_registry
from portal.installation import migrate_all, tables_of
from portal.jobs.api import draft, submit
from portal.kernel.actor import SYSTEM
from portal.kernel.db import db
from portal.kernel.errors import PortalError
from portal.kernel.transaction import transaction
from portal.panel import plugin_commands
from portal.testing.fixtures import SandboxesWith


def run(command: object, *arguments: str, answer: str = "") -> Result:
    result = CliRunner().invoke(command, arguments, input=answer)  # type: ignore[arg-type]
    db.session.rollback()
    return result


def test_the_list_names_every_plugin_with_version_state_and_tables(app: Flask) -> None:
    lines = run(plugin_commands.list_plugins).output.splitlines()
    assert [line.split()[0] for line in lines] == ["admissions", "enrollments", "submissions", "toy"]
    assert all("API 1" in line and "loaded" in line for line in lines)
    assert not any(line.endswith(" 0 tables") for line in lines[:3])


@pytest.mark.both_engines
def test_plugins_that_are_well_have_no_problems(app: Flask) -> None:
    result = run(plugin_commands.check_plugins)
    assert (result.exit_code, result.output) == (0, "5 plugins looked at, 0 problems.\n")
    assert run(plugin_commands.check_plugins, "nonsense").exit_code == 1


def test_a_missing_column_is_a_problem_that_is_named(app: Flask) -> None:
    with db.engine.begin() as connection:
        connection.execute(text("ALTER TABLE submissions_grader_entry ADD COLUMN strange INTEGER"))
    result = run(plugin_commands.check_plugins, "submissions")
    assert result.exit_code == 1
    assert "strange" in result.output


def test_a_disabled_plugin_is_left_out_from_the_next_start_until_it_is_enabled(app: Flask) -> None:
    config = current_config()
    assert run(plugin_commands.disable, "submissions").exit_code == 0
    assert disabled_plugins(config.home) == {"submissions"}
    names = {plugin.name for plugin in create_app(config).extensions["PORTAL_REGISTRY"].plugins}
    assert names == {"portal", "admissions", "enrollments"}
    assert "left out already" in run(plugin_commands.disable, "submissions").output

    assert run(plugin_commands.enable, "submissions").exit_code == 0
    assert blocked_plugins(config.home, ()) == frozenset()
    assert isinstance(run(plugin_commands.disable, "nonsense").exception, PortalError)
    assert "The portal itself cannot be left out" in run(plugin_commands.disable, "portal").output
    assert not set_disabled(config.home, "nonsense", disabled=False)


@pytest.mark.both_engines
@pytest.mark.parametrize("name", ["submissions", "enrollments"])
def test_removing_exports_deletes_only_its_own_tables_and_a_new_install_works(
    app: Flask, tmp_path: Path, name: str
) -> None:
    others = {table for table in inspect(db.engine).get_table_names() if not table.startswith(f"{name}_")}
    folder = tmp_path / "export"

    result = run(plugin_commands.remove, name, "--export", str(folder), "--yes")

    assert result.exit_code == 0, result.output
    assert set(inspect(db.engine).get_table_names()) == others
    assert len(list(folder.glob(f"{name}_*.csv"))) > 3
    assert disabled_plugins(current_config().home) == {name}
    set_disabled(current_config().home, name, disabled=False)
    assert any(line.startswith(f"{name}: ") for line in migrate_all())
    assert tables_of(name)
    assert run(plugin_commands.check_plugins, name).exit_code == 0


@pytest.mark.both_engines
def test_an_export_holds_the_rows_and_never_overwrites(app: Flask, tmp_path: Path) -> None:
    with db.engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO submissions_student_item (id, student_id, course_id, item_id, item_type)"
                " VALUES (1, 'ännä', 'c, 1', 'i', 'essay')"
            )
        )
    folder = tmp_path / "export"
    first = run(plugin_commands.remove, "submissions", "--export", str(folder), answer="n\n")
    assert first.exit_code == 1
    with (folder / "submissions_student_item.csv").open(encoding="utf-8", newline="") as file:
        (row,) = list(csv.DictReader(file))
    assert (row["student_id"], row["course_id"]) == ("ännä", "c, 1")
    assert tables_of("submissions")
    again = run(plugin_commands.remove, "submissions", "--export", str(folder), "--yes")
    assert isinstance(again.exception, PortalError)
    assert again.exception.code == "export-exists"


def test_what_is_not_loaded_or_does_not_exist_is_not_removed(app: Flask) -> None:
    result = run(plugin_commands.remove, "nonsense", "--yes")
    assert isinstance(result.exception, PortalError)
    assert "Loaded: admissions, enrollments, submissions, toy" in result.exception.message


def test_what_another_plugin_requires_is_not_removed(sandboxes_with: SandboxesWith) -> None:
    needy = ModuleType("needy")
    vars(needy).update(PORTAL_API="1", REQUIRES=("submissions",))
    with sandboxes_with(needy=needy)("sqlite").in_use():
        result = run(plugin_commands.remove, "submissions", "--yes")
        assert isinstance(result.exception, PortalError)
        assert result.exception.message == "needy requires submissions. Remove that first."
        assert len(tables_of("submissions")) > 1
        assert "submissions" not in disabled_plugins(current_config().home)


def test_a_plugin_whose_job_has_not_ended_is_not_removed(app: Flask) -> None:
    request = draft("admissions.check_integrity", {}, SYSTEM)
    with transaction():
        submit(request)
    result = run(plugin_commands.remove, "admissions", "--yes")
    assert isinstance(result.exception, PortalError)
    assert result.exception.code == "plugin-in-work"
    assert len(tables_of("admissions")) > 1


def test_no_plugin_can_take_the_name_of_a_command(app: Flask) -> None:
    own = {declared.command.name for owner, declared in current_registry().commands if owner == "portal"}
    assert {*own, *portal.commands} <= RESERVED_NAMES
