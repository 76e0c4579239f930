"""Cells that are written to a sheet and read again are the same cells."""

import csv
import io

import xlsxwriter
from hypothesis import example, given, settings
from hypothesis import strategies as st

from portal.jobs.sheets.opening import open_sheet

# What a sheet cannot hold at all: NUL, halves of signs, and (in XML) control characters.
TEXT = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), include_characters="\n\t"), max_size=30
) | st.sampled_from(["007", "1E+11", "=1+1", '"', "a,b;c", "01/02/2004", " x "])
WIDTH = 3
ROWS = st.lists(st.lists(TEXT, min_size=WIDTH, max_size=WIDTH), min_size=1, max_size=8)
HEADER = ["first", "second", "third"]


def filled(rows: list[list[str]]) -> list[tuple[str, ...]]:
    return [tuple(row) for row in rows if any(cell.strip() for cell in row)]


@settings(max_examples=150, deadline=None)
@given(
    rows=ROWS, delimiter=st.sampled_from(",;\t|"), encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"])
)
@example(rows=[["=1+1", "a\r\nb", 'say "x"']], delimiter=";", encoding="utf-8")
def test_csv(rows: list[list[str]], delimiter: str, encoding: str) -> None:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows([HEADER, *rows])
    sheet = open_sheet(io.BytesIO(out.getvalue().encode(encoding)))
    assert list(sheet.header) == HEADER
    assert [row.cells for row in sheet.rows] == filled(rows)


@settings(max_examples=60, deadline=None)
@given(rows=ROWS)
def test_xlsx(rows: list[list[str]]) -> None:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate([HEADER, *rows]):
            for place, cell in enumerate(row):
                sheet.write_string(number, place, cell)
    read = open_sheet(out)
    assert list(read.header) == HEADER
    assert [row.cells for row in read.rows] == filled(rows)
