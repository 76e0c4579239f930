"""Finds out in which encoding a CSV file was written, by looking at all of it, in pieces."""

import codecs
from typing import BinaryIO

from portal.jobs.sheets.limits import MAX_LINE_CHARACTERS, unreadable

SAMPLE_BYTES = 64 * 1024
_PIECE_BYTES = 1 << 20
#: How people call the encodings that are understood.
TITLES = {
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8 with BOM",
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16 without BOM",
    "utf-16-be": "UTF-16 without BOM",
    "cp1252": "Windows-1252",
}


def encoding_of(stream: BinaryIO) -> str:
    """Return the encoding of a text file: UTF-8, UTF-16, else Windows-1252; the stream is at its beginning again.

    Raises:
        InvalidInput: ``sheet-unreadable`` for NUL bytes, for a line that is too long for a sheet, for what is no text.
    """
    sample = stream.read(SAMPLE_BYTES)
    stream.seek(0)
    if sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if b"\0" in sample:
        return _utf16_without_mark(sample)
    encoding = _by_whole_file(stream)
    stream.seek(0)
    if encoding == "utf-8" and sample.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    return encoding


def _utf16_without_mark(sample: bytes) -> str:
    """Western text in UTF-16 has a zero in every other byte, always on the same side."""
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    half = len(sample) / 2
    for encoding, here, there in (("utf-16-le", odd, even), ("utf-16-be", even, odd)):
        if here > 0.6 * half and there < 0.02 * half and _decodes(sample, encoding):
            return encoding
    raise unreadable("The file holds NUL bytes, so it is no text. Save the sheet as CSV (UTF-8) or XLSX.")


def _decodes(sample: bytes, encoding: str) -> bool:
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(sample, final=len(sample) < SAMPLE_BYTES)
    except UnicodeDecodeError:
        return False
    return "\0" not in text


def _by_whole_file(stream: BinaryIO) -> str:
    """Return utf-8 or cp1252; letters beyond the first pages decide as well as those at the beginning."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    is_utf8, since_line_end = True, 0
    while piece := stream.read(_PIECE_BYTES):
        since_line_end = _check_piece(piece, since_line_end)
        if is_utf8:
            try:
                decoder.decode(piece)
            except UnicodeDecodeError:
                is_utf8 = False
    if is_utf8:
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            is_utf8 = False
    return "utf-8" if is_utf8 else "cp1252"


def _check_piece(piece: bytes, since_line_end: int) -> int:
    """Refuse what is no sheet as early as it shows; return how long the line at the end of the piece is by now."""
    if b"\0" in piece:
        raise unreadable("The file holds NUL bytes, so it is no text. Save the sheet as CSV (UTF-8) or XLSX.")
    ends = piece.replace(b"\r", b"\n") if b"\r" in piece else piece
    first, last = ends.find(b"\n"), ends.rfind(b"\n")
    longest = since_line_end + (first if first >= 0 else len(piece))
    # Bytes, not characters: four to one at most.
    if longest > 4 * MAX_LINE_CHARACTERS:
        raise unreadable(f"A line is longer than {MAX_LINE_CHARACTERS:,} characters, so this is no sheet.")
    return len(piece) - last - 1 if last >= 0 else longest
