"""Opens an uploaded sheet, whatever it is, or says what to save it as."""

import io
from typing import BinaryIO

from portal.jobs.sheets.cells import Sheet
from portal.jobs.sheets.delimited import read_csv
from portal.jobs.sheets.limits import check_sheet_size, unreadable
from portal.jobs.sheets.reading import Reading

_ZIP = b"PK\x03\x04"
_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def open_sheet(stream: BinaryIO, *, as_read: Reading | None = None) -> Sheet:
    """Open a sheet: XLSX by its first bytes, CSV otherwise.

    Args:
        stream: Can seek; is at its beginning.
        as_read: How it was understood before, so that nothing is guessed twice.

    Raises:
        InvalidInput: ``sheet-empty``, ``sheet-header``, ``sheet-too-large``, ``sheet-too-wide``,
            ``sheet-unreadable``; also while rows are read.
    """
    check_sheet_size(stream.seek(0, io.SEEK_END))
    stream.seek(0)
    beginning = stream.read(len(_OLD_OFFICE))
    stream.seek(0)
    if beginning == _OLD_OFFICE:
        raise unreadable(
            "This is an old Excel file (.xls), or one with a password. Save it as XLSX without a password, or as CSV."
        )
    if beginning.startswith(_ZIP):
        # Its library is large, and most processes never open one.
        from portal.jobs.sheets.workbooks import read_xlsx

        return read_xlsx(stream, sheet_name=as_read.sheet_name if as_read is not None else "")
    if as_read is None:
        return read_csv(stream)
    return read_csv(stream, encoding=as_read.encoding, delimiter=as_read.delimiter)
