"""``portal jobs submit``: says what was understood and planned, does it, and fails when nothing could be done."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from sqlalchemy import func, select

from portal.jobs.models import Job
from portal.kernel.actor import SYSTEM, acting_as
from portal.kernel.db import db
from portal.kernel.errors import InvalidInput
from portal.panel.job_commands import submit_job
from tests.portal.jobs.toy_table import Thing

KIND = "toy.list_things"


def run(*arguments: str, answer: str = "") -> Result:
    with acting_as(SYSTEM):
        return CliRunner().invoke(submit_job, [*arguments, "--inline"], input=answer)


@pytest.fixture
def sheet(app: Flask, tmp_path: Path) -> str:
    path = tmp_path / "things.csv"
    path.write_bytes("Label;Nr;Made on;Shoe\nZoë;00471;31.12.2004;1\nbad;2;;2\n".encode("cp1252"))
    return str(path)


MAPPED = ("--map", "Nr=code", "--map", "Shoe=ignore")


@pytest.mark.both_engines
def test_a_sheet_is_understood_planned_and_done(sheet: str) -> None:
    result = run(KIND, sheet, *MAPPED, "--param", "limit=7", "--yes")

    assert result.exit_code == 0, result.output
    for words in (
        "Windows-1252, ';' between cells",
        "Label → name",
        "Made on → born (day first)",
        "Shoe is not read",
        "create            1",
        "bad-name: bad is a bad name",
        "done 1, unchanged 0, refused 1",
    ):
        assert words in result.output
    assert db.session.scalars(select(Thing.name)).all() == ["Zoë"]
    assert db.session.scalars(select(Job)).one().params == {"shelf": "upper", "limit": 7}


def test_a_dry_run_or_a_no_leaves_nothing_behind(sheet: str) -> None:
    for arguments in (("--dry-run",), ()):
        result = run(KIND, sheet, *MAPPED, *arguments, answer="n\n")
        assert result.exit_code == 0, result.output
        assert "Nothing was done" in result.output
    assert db.session.scalar(select(func.count()).select_from(Job)) == 0


def test_nothing_to_do_is_a_failure(app: Flask, tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("name\nbad 1\nbad 2\n")
    result = run(KIND, str(tmp_path / "bad.csv"), "--yes")
    assert result.exit_code == 1
    assert "Every row is refused" in result.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "needs a sheet"),
        (("SHEET", "--map", "nonsense"), "is not written NAME=VALUE"),
        (("SHEET", "--param", "shoe=1"), "has no parameter 'shoe'. Known: shelf, limit"),
        (("SHEET", "--dates", "born=xyz"), "the order is one of iso, dmy, mdy"),
        (("SHEET", "--file", "pictures=/nowhere/x.zip"), "There is no file"),
    ],
)
def test_wrong_use_is_said(sheet: str, arguments: tuple[str, ...], words: str) -> None:
    result = run(KIND, *(sheet if word == "SHEET" else word for word in arguments))
    assert result.exit_code == 2
    assert words in result.output


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ((), "column-unknown"),
        (("--map", "Nr=name", "--map", "Shoe=ignore"), "column-twice"),
        ((*MAPPED, "--param", "limit=0"), "job-params-invalid"),
    ],
)
def test_a_sheet_that_cannot_be_used_is_refused(sheet: str, arguments: tuple[str, ...], code: str) -> None:
    result = run(KIND, sheet, *arguments)
    assert isinstance(result.exception, InvalidInput)
    assert result.exception.code == code


def test_dates_and_ids_are_decided_by_options(app: Flask, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("name,code,born\nAda,1E+11,01/02/2004\n")
    result = run(KIND, str(tmp_path / "a.csv"), "--dates", "born=mdy", "--confirm-ids", "code", "--yes")
    assert result.exit_code == 0, result.output


def test_kinds_without_a_sheet_take_lists_of_parameters(app: Flask) -> None:
    result = run("toy.make_things", "--param", "names=a", "--param", "names=b", "--yes")
    assert result.exit_code == 0, result.output
    assert set(db.session.scalars(select(Thing.name))) == {"a", "b"}
    assert "counted: 4" in run("toy.count", "--param", "upto=4", "--yes").output
