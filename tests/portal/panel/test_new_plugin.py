"""The project that ``portal plugins new`` writes: names, files, refusals. That it works is in tests/walks."""

import ast
import re
from pathlib import Path

import pytest
from flask import Flask

from portal.kernel.errors import PortalError
from portal.panel.new_plugin import NewPlugin, plural, write_project
from portal.panel.plugin_commands import plugins

LEFT_OVER = re.compile(r"@[a-zA-Z_]+@")


def test_every_placeholder_is_filled_and_every_module_can_be_read(app: Flask, tmp_path: Path) -> None:
    files = write_project(NewPlugin(name="library", record="copy"), tmp_path / "library")

    assert {path.relative_to(tmp_path / "library").as_posix() for path in files} >= {
        "pyproject.toml",
        ".gitignore",
        "portal_library/plugin.py",
        "portal_library/py.typed",
        "portal_library/migrations/versions/0001_library.py",
        "portal_library/templates/admissions/documents/application_slip.html",
        "tests/test_library.py",
    }
    for path in files:
        text = path.read_text(encoding="utf-8")
        assert LEFT_OVER.findall(text) == [], path
        if path.suffix == ".py":
            ast.parse(text, str(path))
    assert '__tablename__ = "library_copy"' in (tmp_path / "library/portal_library/models.py").read_text()
    assert "def list_copies(" in (tmp_path / "library/portal_library/rest.py").read_text()


def test_the_template_of_the_slip_is_a_copy_with_a_mark(app: Flask, tmp_path: Path) -> None:
    write_project(NewPlugin(name="library", record="copy"), tmp_path)

    place = "admissions/documents/application_slip.html"
    made = (tmp_path / "portal_library/templates" / place).read_text()
    original = Path("plugins/admissions/templates", place).read_text()
    assert '<meta name="template-of" content="portal_library">\n' in made
    assert set(original.splitlines()) <= set(made.splitlines())


@pytest.mark.parametrize(
    ("name", "record", "code"),
    [
        ("My-Plugin", "copy", "plugin-name"),
        ("ab", "copy", "plugin-name"),
        ("import", "copy", "plugin-name"),
        ("../oops", "copy", "plugin-name"),
        ("library", "two words", "record-name"),
        ("library", "class", "record-name"),
        ("admissions", "copy", "plugin-taken"),
        ("users", "copy", "plugin-taken"),
        ("roles", "copy", "plugin-taken"),
    ],
)
def test_a_name_that_cannot_be_is_refused_and_nothing_is_written(
    app: Flask, tmp_path: Path, name: str, record: str, code: str
) -> None:
    with pytest.raises(PortalError) as refused:
        write_project(NewPlugin(name=name, record=record), tmp_path / "new")

    assert refused.value.code == code
    assert not (tmp_path / "new").exists()


def test_a_folder_with_something_in_it_is_left_alone(app: Flask, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")

    result = app.test_cli_runner().invoke(plugins, ["new", "library", "--to", str(tmp_path)])

    assert isinstance(result.exception, PortalError)
    assert "Name another folder with --to" in result.exception.message
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_plurals_follow_the_usual_rules() -> None:
    assert [plural(word) for word in ("entry", "award", "box", "bus", "day")] == [
        "entries",
        "awards",
        "boxes",
        "buses",
        "days",
    ]
