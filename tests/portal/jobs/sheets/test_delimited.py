"""What the CSV reader understands, and how it refuses what it does not."""

import io

import pytest

from portal.jobs.sheets import read_csv
from portal.kernel.errors import InvalidInput


def read(data: bytes) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    sheet = read_csv(io.BytesIO(data))
    return sheet.header, [row.cells for row in sheet.rows]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_encodings_and_delimiters_are_understood(encoding: str, delimiter: str) -> None:
    text = delimiter.join(["id", "name"]) + "\r\n" + delimiter.join(["007", "Zoë Müller"]) + "\r\n"
    assert read(text.encode(encoding)) == (("id", "name"), [("007", "Zoë Müller")])


def test_quoted_line_breaks_short_rows_and_blank_rows_are_understood() -> None:
    header, rows = read(b'a,b,c\n"x\ny",2\n,,\n1,2,3\n')
    assert header == ("a", "b", "c")
    assert rows == [("x\ny", "2", ""), ("1", "2", "3")]


@pytest.mark.parametrize(
    ("data", "code", "words"),
    [
        (b"", "sheet-empty", "first row must name the columns"),
        (b"a,,c\n1,2,3\n", "sheet-header", "Column 2 has no name"),
        (b"a,b,A\n", "sheet-header", "'A' is there twice"),
        (b"a\0b\n", "sheet-unreadable", "NUL"),
        (",".join(f"c{i}" for i in range(501)).encode(), "sheet-too-wide", "501 columns"),
        (b"a,b\n" + b"x" * 1_000_002, "sheet-unreadable", "longer than"),
        (b"x" * 1_000_002, "sheet-unreadable", "longer than"),
    ],
)
def test_what_is_no_sheet_is_refused_with_the_reason(data: bytes, code: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words) as caught:
        read(data)
    assert caught.value.code == code


def test_rows_are_numbered_as_a_spreadsheet_shows_them() -> None:
    sheet = read_csv(io.BytesIO(b"a\n1\n\n2\n"))
    assert [(row.number, row.cells) for row in sheet.rows] == [(2, ("1",)), (4, ("2",))]
