"""Looks at a workbook as the ZIP file that it is, before anything in it is opened."""

import re
import zipfile
import zlib
from typing import BinaryIO
from xml.etree.ElementTree import ParseError

from portal.jobs.sheets.limits import (
    FREE_BYTES,
    MAX_MEMBERS,
    MAX_PART_BYTES,
    MAX_RATIO,
    MAX_UNPACKED_BYTES,
    unreadable,
)

#: What a broken or hostile workbook can raise while it is taken apart.
BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError)
#: What the library raises when the parts of a workbook do not fit together.
MISUNDERSTOOD = (ParseError, LookupError, TypeError, AttributeError)
#: Parts that are streamed; every other is small in a real workbook, and read whole.
_STREAMED = re.compile(r"xl/(worksheets/[^/]+|sharedStrings)\.xml", re.IGNORECASE)
_NOT_READ = re.compile(
    r"xl/(media|drawings|charts|embeddings|printerSettings|pivotCache|externalLinks|theme)/"
)
_OPEN_DOCUMENT = b"application/vnd.oasis.opendocument"


def opened_archive(stream: BinaryIO) -> zipfile.ZipFile:
    """Open a workbook's ZIP after its directory was judged: members, unpacked sizes, ratio.

    Raises:
        InvalidInput: ``sheet-unreadable``, saying what it is and what to save it as.
    """
    try:
        archive = zipfile.ZipFile(stream)
    except BROKEN as error:
        raise unreadable(
            f"The file is no readable workbook ({error}). Save it again as XLSX or CSV."
        ) from None
    members = archive.infolist()
    names = {member.filename.lower() for member in members}
    if "[content_types].xml" not in names or not any(name.startswith("xl/") for name in names):
        raise unreadable(f"{_what_it_is(archive)} Save the sheet as XLSX or CSV.")
    _check_sizes(members)
    return archive


def _check_sizes(members: list[zipfile.ZipInfo]) -> None:
    unpacked = sum(member.file_size for member in members)
    packed = max(sum(member.compress_size for member in members), 1)
    if len(members) > MAX_MEMBERS:
        raise unreadable(f"The workbook has {len(members):,} parts, so it is no plain sheet. Save it as CSV.")
    if unpacked > MAX_UNPACKED_BYTES or (unpacked > FREE_BYTES and unpacked > MAX_RATIO * packed):
        message = (
            f"The workbook would unpack to {unpacked / 1e6:,.0f} MB, {unpacked / packed:,.0f} times its size. "
            "That is no plain sheet: save it as CSV."
        )
        raise unreadable(message)
    for member in members:
        if _STREAMED.fullmatch(member.filename) or _NOT_READ.match(member.filename):
            continue
        if member.file_size > MAX_PART_BYTES:
            message = f"The part {member.filename[:80]} of the workbook is too large. Save the sheet as CSV."
            raise unreadable(message)


def _what_it_is(archive: zipfile.ZipFile) -> str:
    try:
        with archive.open("mimetype") as part:
            if part.read(100).startswith(_OPEN_DOCUMENT):
                return "This is an OpenDocument sheet (.ods)."
    except BROKEN:
        pass
    return "This is a ZIP file, but no Excel workbook."
