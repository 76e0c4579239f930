"""What the XLSX reader understands, and how it refuses what is broken, hostile or something else."""

import io
import zipfile
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

import openpyxl
import pytest
import xlsxwriter

from portal.jobs.sheets import shared_strings
from portal.jobs.sheets.opening import open_sheet
from portal.kernel.errors import InvalidInput


def book(*rows: list[Any], title: str = "Data") -> bytes:
    made = openpyxl.Workbook()
    sheet = made.active
    assert sheet is not None
    sheet.title = title
    for row in rows:
        sheet.append(row)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def read(data: bytes) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    sheet = open_sheet(io.BytesIO(data))
    return sheet.header, [row.cells for row in sheet.rows]


def changed(data: bytes, parts: Mapping[str, bytes]) -> bytes:
    """Return the workbook with some parts replaced or added."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            if name not in parts:
                new.writestr(name, old.read(name))
        for name, content in parts.items():
            new.writestr(name, content)
    return out.getvalue()


def worksheet(rows: str) -> bytes:
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    return f'<worksheet xmlns="{space}"><sheetData>{rows}</sheetData></worksheet>'.encode()


SHEET = "xl/worksheets/sheet1.xml"
# Workbooks know no time zones.
AFTERNOON = datetime.fromisoformat("2004-03-31T14:05:00")


def test_texts_numbers_dates_and_truth_are_read_as_people_see_them() -> None:
    data = book(
        ["id", "name", "born", "at", "amount", "ok", "long"],
        ["007", "Zoë\nMüller", date(2004, 3, 31), AFTERNOON, 12.5, True, 260000000001],
        [471, None, None, None, 3.0, False, 0.1],
    )
    assert read(data)[1] == [
        ("007", "Zoë\nMüller", "2004-03-31", "2004-03-31 14:05:00", "12.5", "TRUE", "260000000001"),
        ("471", "", "", "", "3", "FALSE", "0.1"),
    ]


def test_the_first_visible_sheet_is_read_and_the_others_are_named() -> None:
    made = openpyxl.Workbook()
    hidden = made.active
    assert hidden is not None
    hidden.sheet_state = "hidden"
    made.create_sheet("Names").append(["a"])
    made.create_sheet("More").append(["b"])
    out = io.BytesIO()
    made.save(out)
    sheet = open_sheet(out)
    assert (sheet.kind, sheet.sheet_name, sheet.other_sheets, sheet.header) == (
        "xlsx",
        "Names",
        ("More",),
        ("a",),
    )


def test_stored_values_of_formulas_are_taken_and_missing_ones_named() -> None:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as made:
        sheet = made.add_worksheet()
        sheet.write_row(0, 0, ["a", "b", "c"])
        sheet.write_formula(1, 0, "=1+2", None, 3)
        sheet.write_formula(1, 1, '=""', None, "")
    assert read(out.getvalue())[1] == [("3", "", "")]

    sheet = open_sheet(io.BytesIO(book(["a", "b"], ["=1+2", "x"])))
    (row,) = sheet.rows
    assert (row.cells, list(row.faults)) == (("", "x"), [0])
    assert "no stored value" in row.faults[0]


def test_error_cells_and_impossible_dates_are_named() -> None:
    data = changed(
        book(["a", "b"], [1, 2]),
        {
            SHEET: worksheet(
                '<row><c t="inlineStr"><is><t>a</t></is></c></row><row><c t="e"><v>#REF!</v></c></row>'
            )
        },
    )
    (row,) = open_sheet(io.BytesIO(data)).rows
    assert "#REF!" in row.faults[0]


def test_rows_and_cells_that_are_left_out_keep_their_place() -> None:
    data = book(["a", "b"], [], [None, "x"])
    (row,) = open_sheet(io.BytesIO(data)).rows
    assert (row.number, row.cells) == (3, ("", "x"))


def test_rows_numbered_twice_still_get_rising_numbers() -> None:
    cell = '<c t="inlineStr"><is><t>a</t></is></c>'
    data = changed(
        book(["a"]), {SHEET: worksheet(f'<row r="1">{cell}</row>' + f'<row r="2">{cell}</row>' * 2)}
    )
    assert [row.number for row in open_sheet(io.BytesIO(data)).rows] == [2, 3]


def test_long_tables_of_texts_go_to_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_strings, "_MEMORY_TEXTS", 3)
    rows = [[f"text {number}", f"Zoë {number}"] for number in range(200)]
    assert read(book(["a", "b"], *rows, rows[0]))[1] == [tuple(row) for row in [*rows, rows[0]]]


BOMB_BYTES = 30_000_000


def zip_bomb() -> bytes:
    return changed(book(["a"], [1]), {SHEET: worksheet("<row/>" + " " * BOMB_BYTES)})


def huge_part() -> bytes:
    noise = b"".join(number.to_bytes(4, "big") for number in range(4_500_000))
    return changed(book(["a"], [1]), {"xl/styles.xml": noise})


def missing_string() -> bytes:
    return changed(book(["a"]), {SHEET: worksheet('<row><c t="s"><v>99</v></c></row>')})


def entities() -> bytes:
    text = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>' + worksheet(
        "<row><c><v>&b;</v></c></row>"
    )
    return changed(book(["a"]), {SHEET: text})


def open_document() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        packed.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
    return out.getvalue()


@pytest.mark.parametrize(
    ("made", "code", "words"),
    [
        (zip_bomb, "sheet-unreadable", "times its size"),
        (huge_part, "sheet-unreadable", "too large"),
        (missing_string, "sheet-unreadable", "a text that is not there"),
        (entities, "sheet-unreadable", "document type"),
        (open_document, "sheet-unreadable", "OpenDocument"),
        (lambda: book(["a"], [1])[:-400], "sheet-unreadable", "no readable workbook"),
        (lambda: changed(book(["a"], [1]), {SHEET: b"<worksheet><row>"}), "sheet-unreadable", "damaged"),
        (lambda: changed(book(["a"], [1]), {"xl/workbook.xml": b"<x/>"}), "sheet-unreadable", "."),
        (lambda: book([]), "sheet-empty", "first row"),
        (lambda: book(["a", "A"]), "sheet-header", "twice"),
        (lambda: book([f"c{number}" for number in range(10_000)]), "sheet-too-wide", "10,000 columns"),
        (
            lambda: changed(book(["a"]), {SHEET: worksheet('<row><c r="ZZZ1"><v>1</v></c></row>')}),
            "sheet-unreadable",
            "more cells",
        ),
    ],
)
def test_what_is_no_workbook_is_refused_with_the_reason(
    made: Callable[[], bytes], code: str, words: str
) -> None:
    with pytest.raises(InvalidInput, match=words) as caught:
        read(made())
    assert caught.value.code == code
