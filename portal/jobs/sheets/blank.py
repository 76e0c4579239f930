"""The empty sheet that people fill in: ids as text, menus where there are choices, a page that explains."""

import csv
import io
from collections.abc import Sequence
from typing import Any, BinaryIO, cast

from portal.jobs.sheets.columns import Column

SHEET_NAME, HELP_NAME, CHOICES_NAME = "Sheet", "Help", "Choices"
#: Rows that are formatted as text and have menus; spreadsheets copy the format down from there.
_PREPARED_ROWS = 10_000
_WIDEST = 40


def offered(columns: Sequence[Column]) -> list[Column]:
    """Return the columns that a template has."""
    return [column for column in columns if column.in_template]


def blank_csv(columns: Sequence[Column]) -> bytes:
    """Return an empty CSV sheet, with the mark that makes spreadsheet programs read it as UTF-8."""
    buffer = io.StringIO()
    csv.writer(buffer).writerow([column.name for column in offered(columns)])
    return b"\xef\xbb\xbf" + buffer.getvalue().encode()


def write_blank_xlsx(columns: Sequence[Column], target: BinaryIO) -> None:
    """Write an empty workbook: the sheet to fill in, one page of help, and hidden lists for the menus."""
    # A large library that most processes never need.
    import xlsxwriter

    used = offered(columns)
    with xlsxwriter.Workbook(target, {"in_memory": True}) as book:
        text = book.add_format({"num_format": "@"})
        head = book.add_format({"bold": True, "num_format": "@", "bottom": 1, "bg_color": "#E8EFFA"})
        needed = book.add_format({"bold": True, "num_format": "@", "bottom": 1, "bg_color": "#FDF2D9"})
        sheet, guide = book.add_worksheet(SHEET_NAME), book.add_worksheet(HELP_NAME)
        lists = book.add_worksheet(CHOICES_NAME)
        lists.hide()
        sheet.freeze_panes(1, 0)
        for place, column in enumerate(used):
            sheet.set_column(place, place, min(max(len(column.name), 12) + 2, _WIDEST), text)
            sheet.write_string(0, place, column.name, needed if column.required else head)
            if column.choices:
                _add_menu(sheet, lists, place, column)
        _write_help(guide, used, head)


def _add_menu(sheet: Any, lists: Any, place: int, column: Column) -> None:
    lists.write_column(0, place, list(column.choices))
    from xlsxwriter.utility import xl_col_to_name

    letter = xl_col_to_name(place, col_abs=True)
    sheet.data_validation(
        1,
        place,
        _PREPARED_ROWS,
        place,
        {
            "validate": "list",
            "source": f"={CHOICES_NAME}!{letter}$1:{letter}${len(column.choices)}",
            "error_title": column.title[:30],
            "error_message": "Choose one of the list.",
        },
    )


def _write_help(guide: Any, columns: Sequence[Column], head: Any) -> None:
    guide.write_row(0, 0, ("Column", "Title", "Needed", "What belongs there", "Examples"), head)
    guide.set_column(0, 2, 20)
    guide.set_column(3, 4, 60)
    for number, column in enumerate(columns, 1):
        words = [column.description]
        if column.is_date:
            words.append("A date, best written YYYY-MM-DD.")
        if column.choices:
            words.append(
                f"One of: {', '.join(column.choices[:20])}{' …' if len(column.choices) > 20 else ''}."
            )
        cells = (
            column.name,
            column.title,
            "yes" if column.required else "",
            " ".join(filter(None, words)),
            ", ".join(column.examples),
        )
        for place, cell in enumerate(cells):
            guide.write_string(number, place, cell)


def blank_xlsx(columns: Sequence[Column]) -> bytes:
    """Return the empty workbook; a few kilobytes."""
    buffer = io.BytesIO()
    write_blank_xlsx(columns, cast("BinaryIO", buffer))
    return buffer.getvalue()
