"""Keeps rows that are given as data as a sheet in the store."""

import csv
import io
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import IO, Any, BinaryIO, cast

from portal.jobs.sheets.limits import MAX_ROWS, MAX_SHEET_BYTES, too_many_rows
from portal.jobs.uploads import Upload, store_upload
from portal.kernel.errors import InvalidInput

#: Rows up to this size never touch the disk on their way.
_SPOOL_BYTES = 4_000_000


def write_rows(rows: Iterable[Mapping[str, Any]], fields: Sequence[str]) -> tuple[Upload, tuple[str, ...]]:
    """Write the rows as a CSV sheet into the store, streamed; return it and the fields that occur, in their order.

    Raises:
        InvalidInput: ``rows-empty``; ``column-unknown`` or ``value-not-text``, naming row and field.
    """
    used: set[str] = set()
    with tempfile.SpooledTemporaryFile(_SPOOL_BYTES, "w+", encoding="utf-8", newline="") as spool:
        writer = csv.writer(spool)
        number = 0
        for number, row in enumerate(rows, 1):
            if number > MAX_ROWS:
                raise too_many_rows()
            used |= _checked_names(row, number, fields)
            cells = [_text(row.get(name), name, number) for name in fields]
            if not any(cell.strip() for cell in cells):
                raise InvalidInput(
                    "rows-empty", f"Row {number} has no values. Leave it out.", {"row": number}
                )
            writer.writerow(cells)
        if not number or not used:
            raise InvalidInput("rows-empty", "There are no rows, or they have no values.")
        spool.seek(0)
        names = tuple(name for name in fields if name in used)
        return _stored(csv.reader(spool), [fields.index(name) for name in names], names), names


def _checked_names(row: Mapping[str, Any], number: int, fields: Sequence[str]) -> set[str]:
    if unknown := next((name for name in row if name not in fields), None):
        message = (
            f"Row {number} has the field {str(unknown)[:80]!r}, which is unknown. Known: {', '.join(fields)}."
        )
        raise InvalidInput("column-unknown", message, {"row": number, "field": str(unknown)})
    return set(row)


def _text(value: Any, name: str, number: int) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, str | int | float | Decimal) and "\0" not in (text := str(value)):
        return text
    message = f"Row {number}, field {name}: the value must be text, a number, true or false, a date, or null."
    raise InvalidInput("value-not-text", message, {"row": number, "field": name})


def _stored(rows: Iterable[list[str]], places: Sequence[int], names: Sequence[str]) -> Upload:
    with tempfile.SpooledTemporaryFile(_SPOOL_BYTES, "w+b") as file:
        text = io.TextIOWrapper(cast("IO[bytes]", file), encoding="utf-8-sig", newline="", write_through=True)
        writer = csv.writer(text)
        writer.writerow(names)
        writer.writerows([row[place] for place in places] for row in rows)
        text.flush()
        if file.tell() > MAX_SHEET_BYTES:
            raise too_many_rows()
        file.seek(0)
        upload = store_upload(cast("BinaryIO", file), "rows.csv", "text/csv")
        text.detach()
    return upload
