"""Sheets and rows become jobs: understood, mapped, guarded, read the same way by every worker."""

import io
import uuid
from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy import text as sql

from portal.auth.accounts import create_user
from portal.jobs import api, engine, planning, queries
from portal.jobs.intake import draft_rows, draft_sheet, understand
from portal.jobs.mapping_memory import ColumnMapping, remember_columns, remembered_columns
from portal.jobs.models import Job
from portal.jobs.results import result_lines
from portal.jobs.sheets.dates import DateOrder
from portal.jobs.sheets.reading import Decisions
from portal.jobs.states import JobState, RowState
from portal.jobs.uploads import Upload, store_upload
from portal.kernel.actor import SYSTEM, Actor
from portal.kernel.db import db
from portal.kernel.errors import Forbidden, InvalidInput, NotFound
from portal.kernel.transaction import transaction
from tests.portal.jobs.conftest import Counting
from tests.portal.jobs.toy_table import Thing

pytestmark = [pytest.mark.usefixtures("toy")]
KIND = "toy.list_things"


def uploaded(text: str | bytes) -> Upload:
    data = text.encode() if isinstance(text, str) else text
    return store_upload(io.BytesIO(data), "things.csv")


def submitted(text: str | bytes, *, apply: bool = True, **options: Any) -> Job:
    request = draft_sheet(KIND, {}, SYSTEM, uploaded(text), **options)
    with transaction():
        job_id = api.submit(request, apply=apply).id
    engine.run_inline(job_id)
    return queries.get_job(job_id)


def rows_of(job: Job) -> list[tuple[int, str, str]]:
    return [(row.position, str(row.state), row.code) for row in queries.list_rows(job.id)]


def data_of(job: Job) -> list[Mapping[str, Any]]:
    return [row.data or {} for row in queries.list_rows(job.id)]


@pytest.mark.both_engines
def test_a_sheet_is_understood_mapped_and_done() -> None:
    text = "Bezeichnung;CODE number;Made on;Shoe\nZoë;00471;31.12.2004;1\n;;;\nAda;00472;01.02.2004;2\nbad;3;;3\n"
    job = submitted(text, mapping={"Shoe": "ignore"})
    assert job.state == JobState.FINISHED
    assert rows_of(job) == [(2, "done", ""), (4, "done", ""), (5, "refused", "bad-name")]
    assert data_of(job)[0] == {"name": "Zoë", "code": "00471", "born": "2004-12-31", "colour": ""}
    assert data_of(job)[1]["born"] == "2004-02-01"
    assert set(db.session.scalars(select(Thing.name))) == {"Zoë", "Ada"}
    assert job.header == ["Bezeichnung", "CODE number", "Made on", "Shoe"]


def test_what_was_understood_is_told_with_samples_and_suggestions() -> None:
    upload = uploaded(
        "Labl;code;Made on;Shoe\n" + "".join(f"n{i};00{i};2004-01-01;x\n" for i in range(10, 40))
    )
    found = understand(KIND, {}, upload)
    assert (found.sheet_kind, found.encoding, found.delimiter) == ("csv", "utf-8", ";")
    assert found.mapping == {"Labl": "name", "code": "code", "Made on": "born", "Shoe": "ignore"}
    assert (len(found.sample), found.rows_seen, found.is_complete) == (10, 30, True)
    assert found.warnings == ()


def test_a_large_sheet_is_looked_at_in_its_first_rows_and_planned_by_a_worker(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("portal.jobs.understanding.CSV_ROWS", 50)
    upload = uploaded("name\n" + "".join(f"n{number}\n" for number in range(1200)))
    found = understand(KIND, {}, upload)
    assert (found.rows_seen, found.is_complete) == (50, False)
    request = draft_sheet(KIND, {}, SYSTEM, upload)
    assert request.rows is None
    with transaction():
        job_id = api.submit(request).id
    assert queries.get_job(job_id).state == JobState.PLANNING
    engine.run_inline(job_id)
    job = queries.get_job(job_id)
    assert (job.state, job.rows_count, job.pending_count) == (JobState.PLANNED, 1200, 1200)


@pytest.mark.parametrize(
    ("text", "mapping", "code"),
    [
        ("code\n1\n", None, "column-missing"),
        ("name,label\nx,y\n", None, "column-twice"),
        ("name,x\nx,y\n", None, "column-unknown"),
        ("name,x\nx,y\n", {"x": "name"}, "column-twice"),
        ("name,code\nx,1E+11\n", None, "ids-mangled"),
        ("name,born\nx,01/02/2004\n", None, "dates-unclear"),
        ("name\n", None, "sheet-empty"),
        ("", None, "sheet-empty"),
        ("name,name\nx,y\n", None, "sheet-header"),
    ],
)
def test_a_sheet_that_cannot_be_used_is_refused_before_there_is_a_job(
    text: str, mapping: Mapping[str, str] | None, code: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        draft_sheet(KIND, {}, SYSTEM, uploaded(text), mapping=mapping)
    assert refused.value.code == code


def test_mangled_ids_stop_until_somebody_confirms_them() -> None:
    text = "name,code\nx,4711.0\n"
    with pytest.raises(InvalidInput, match=r"row 2: 4711\.0"):
        draft_sheet(KIND, {}, SYSTEM, uploaded(text))
    job = submitted(text, decisions=Decisions(confirmed=["code"]))
    assert data_of(job)[0]["code"] == "4711.0"


def test_a_column_that_is_not_read_is_not_guarded() -> None:
    assert submitted("name,code\nx,4711.0\n", mapping={"code": "ignore"}).done_count == 1


def test_unclear_dates_are_read_as_somebody_chose() -> None:
    text = "name,born\nx,01/02/2004\n"
    job = submitted(text, decisions=Decisions(dates={"born": DateOrder.MONTH_FIRST}))
    assert data_of(job)[0]["born"] == "2004-01-02"


def test_what_shows_beyond_the_first_rows_refuses_its_row_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.jobs.understanding.CSV_ROWS", 1)
    job = submitted("name,code,born\na,1,\nb,1E+11,\nc,2,01/02/2004\nname,code,born\nd,2,,extra\n")
    assert rows_of(job) == [
        (2, "done", ""),
        (3, "refused", "id-mangled"),
        (4, "refused", "date-unclear"),
        (5, "refused", "header-again"),
        (6, "refused", "row-too-long"),
    ]
    messages = [row.message for row in queries.list_rows(job.id)]
    assert "Row 3, column code, value '1E+11'" in messages[1]


def test_a_result_file_uploaded_again_does_only_what_is_left() -> None:
    first = submitted("name,colour,code\na,red,\nbad =x,'tis,1\n=cmd,,2\n")
    again = b"".join(result_lines(first)).replace(b"bad =x", b"good =x")
    with transaction():
        db.session.query(Thing).delete()
    job = submitted(again)
    assert rows_of(job) == [(3, "done", "")]
    assert data_of(job)[0] == {"name": "good =x", "code": "1", "born": "", "colour": "'tis"}
    assert job.header is not None
    assert job.header[:3] == ["name", "colour", "code"]


def test_escaped_cells_of_a_result_file_are_the_old_cells_again() -> None:
    first = submitted("name,colour\n=bad,\nbad,=1+1\n")
    lines = b"".join(result_lines(first))
    assert b"'=bad" in lines
    job = submitted(lines)
    assert data_of(job)[0]["colour"] == "=1+1"


@pytest.mark.both_engines
def test_rows_given_as_data_are_kept_as_a_sheet() -> None:
    rows = [
        {"name": "Zoë", "code": 471, "colour": None},
        {"name": 'say "x"\n', "born": "2004-01-02"},
        {"name": "bad"},
    ]
    request = draft_rows(KIND, {"limit": 5}, SYSTEM, rows, idempotency_key="k")
    with transaction():
        job_id = api.submit(request, apply=True).id
    engine.run_inline(job_id)
    job = queries.get_job(job_id)
    assert rows_of(job) == [(1, "done", ""), (2, "done", ""), (3, "refused", "bad-name")]
    assert data_of(job)[0] == {"name": "Zoë", "code": "471", "born": "", "colour": ""}
    assert data_of(job)[1] == {"name": 'say "x"', "code": "", "born": "2004-01-02", "colour": ""}
    assert job.header == ["name", "code", "born", "colour"]


@pytest.mark.parametrize(
    ("rows", "code", "words"),
    [
        ([], "rows-empty", "no rows"),
        ([{"name": "a"}, {}], "rows-empty", "Row 2 has no values"),
        ([{"name": "a", "shoe": 1}], "column-unknown", "Row 1 has the field 'shoe'"),
        ([{"name": "a"}, {"name": ["b"]}], "value-not-text", "Row 2, field name"),
        ([{"name": "a\0"}], "value-not-text", "Row 1, field name"),
        ([{"code": "1"}], "column-missing", "name"),
    ],
)
def test_rows_that_cannot_be_used_are_named(rows: list[dict[str, Any]], code: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words) as refused:
        draft_rows(KIND, {}, SYSTEM, rows)
    assert refused.value.code == code


def test_many_rows_given_as_data_are_planned_by_a_worker_and_resumed() -> None:
    request = draft_rows(KIND, {}, SYSTEM, ({"name": f"n{number}"} for number in range(700)))
    assert request.rows is None
    with transaction():
        job_id = api.submit(request, apply=True).id
    engine.run_inline(job_id)
    assert queries.get_job(job_id).done_count == 700


def test_permission_kind_and_files_are_checked() -> None:
    nobody = Actor(user_id=7, name="Nobody", grants=frozenset(), is_administrator=False)
    with pytest.raises(Forbidden):
        draft_sheet(KIND, {}, nobody, uploaded("name\nx\n"))
    with pytest.raises(InvalidInput, match="takes no sheet"):
        draft_sheet("toy.make_things", {}, SYSTEM, uploaded("name\nx\n"))
    with pytest.raises(NotFound):
        draft_sheet("toy.nothing", {}, SYSTEM, uploaded("name\nx\n"))
    with pytest.raises(InvalidInput, match="no file 'photos'"):
        draft_sheet(KIND, {}, SYSTEM, uploaded("name\nx\n"), files={"photos": uploaded("x")})
    with pytest.raises(InvalidInput, match="limit"):
        draft_sheet(KIND, {"limit": 0}, SYSTEM, uploaded("name\nx\n"))
    with pytest.raises(InvalidInput, match="needs a sheet"):
        api.draft(KIND, {}, SYSTEM)


@pytest.mark.both_engines
def test_planning_takes_the_same_statements_for_any_chunk(count_statements: Counting) -> None:
    counts = []
    for size in (20, 400):
        upload = uploaded("name,code\n" + "".join(f"{size}-{n},{n:05}\n" for n in range(size)))
        with count_statements() as counted:
            request = draft_sheet(KIND, {}, SYSTEM, upload)
            with transaction():
                api.submit(request)
        counts.append(len(counted))
    assert counts[0] == counts[1] < 15


@pytest.mark.both_engines
def test_what_people_chose_is_remembered_per_kind_and_person() -> None:
    with transaction():
        ada = Actor(user_id=create_user("ada", "Ada").id, name="Ada")
        eze = Actor(user_id=create_user("eze", "Eze").id, name="Eze")
    for field in ("name", "code"):
        with transaction():
            remember_columns(KIND, ada, {"Candidate Nr.": field, "Shoe": "ignore"})
    assert remembered_columns(KIND, ada) == {"candidatenr": "code", "shoe": "ignore"}
    assert remembered_columns(KIND, eze) == {}
    assert remembered_columns("toy.other", ada) == {}
    with transaction():
        remember_columns(KIND, SYSTEM, {"a": "name"})
    assert db.session.scalar(select(func.count()).select_from(ColumnMapping)) == 2


def test_a_worker_reads_the_sheet_as_it_was_understood() -> None:
    job = submitted(
        "name;born\nx;01/02/2004\n", apply=False, decisions=Decisions(dates={"born": DateOrder.DAY_FIRST})
    )
    reading = planning.files_of(job.id).reading
    assert reading is not None
    assert (reading.delimiter, dict(reading.dates), dict(reading.fields)) == (
        ";",
        {"born": DateOrder.DAY_FIRST},
        {"name": "name", "born": "born"},
    )
    assert planning.files_of(uuid.uuid4()).reading is None
    assert [row.state for row in queries.list_rows(job.id)] == [RowState.PENDING]


def test_duplicates_are_looked_up_from_indexes_however_long_the_job() -> None:
    lookup = planning.earlier_rows(uuid.uuid4(), ["a", "b"], ["c"])
    text = lookup.compile(db.engine, compile_kwargs={"literal_binds": True})
    plan = [row[3] for row in db.session.execute(sql(f"EXPLAIN QUERY PLAN {text}"))]
    used = [step.partition("INDEX ")[2] for step in plan if "INDEX" in step]
    assert used == [
        "ix_portal_job_row_key (job_id=? AND key=?)",
        "ix_portal_job_row_subject (subject=? AND job_id=?)",
    ]
