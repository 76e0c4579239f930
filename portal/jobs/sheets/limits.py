"""How large a sheet may be, and what is refused before anything is opened."""

from portal.kernel.errors import InvalidInput

#: A CSV file of a million rows with 15 columns has about 150 MB.
MAX_SHEET_BYTES = 500_000_000
MAX_ROWS = 2_000_000
MAX_COLUMNS = 500
#: Longest line that is read; a longer one is no sheet.
MAX_LINE_CHARACTERS = 1_000_000
#: XLSX: bytes of all members unpacked, bytes of one of the small parts (styles, list of sheets), members, and how
#: many times its packed size a workbook may become once it is larger than the free allowance.
MAX_UNPACKED_BYTES = 4_000_000_000
MAX_PART_BYTES = 16_000_000
MAX_MEMBERS = 5_000
MAX_RATIO = 100
FREE_BYTES = 20_000_000


def check_sheet_size(size_bytes: int) -> None:
    """Refuse a sheet by its size.

    Raises:
        InvalidInput: ``sheet-empty`` or ``sheet-too-large``.
    """
    if size_bytes == 0:
        raise InvalidInput("sheet-empty", "The sheet is empty: its first row must name the columns.")
    if size_bytes > MAX_SHEET_BYTES:
        message = f"The sheet has {size_bytes / 1e6:,.0f} MB; {MAX_SHEET_BYTES / 1e6:,.0f} MB are the most. Split it."
        raise InvalidInput("sheet-too-large", message)


def too_wide(columns: int) -> InvalidInput:
    """Return the refusal of a sheet with too many columns."""
    message = (
        f"The sheet has {columns:,} columns; {MAX_COLUMNS} are the most. Remove those that are not needed."
    )
    return InvalidInput("sheet-too-wide", message)


def too_many_rows() -> InvalidInput:
    """Return the refusal of a sheet with too many rows."""
    return InvalidInput("sheet-too-large", f"The sheet has more than {MAX_ROWS:,} rows. Split it.")


def unreadable(message: str) -> InvalidInput:
    """Return the refusal of a file that is no sheet, or a broken one."""
    return InvalidInput("sheet-unreadable", message)
