"""Whether a stored passport picture is a whole JPEG. Uploads were decoded and written anew; this finds the rest."""

from plugins.admissions.api.candidates import CandidateFile

_START, _END = b"\xff\xd8\xff", b"\xff\xd9"
_FRAMES = frozenset({*range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0)})
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD8)})


def photo_problem(file: CandidateFile, data: bytes | None) -> str | None:
    """Return what is wrong with a stored picture, or None. Reads markers only: microseconds, no decoding.

    Args:
        data: The blob's bytes; None when the store does not have it.
    """
    if data is None:
        return "the stored file is missing"
    if len(data) != file.size_bytes:
        return f"the stored file has {len(data)} bytes, {file.size_bytes} were stored"
    if not data.startswith(_START):
        return "it is no JPEG image"
    if jpeg_size(data) is None:
        return "it has no image data"
    if not data.endswith(_END):
        return "it is cut off"
    return None


def jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Return width and height in pixels from the frame header, or None when there is none."""
    position = 2
    while position + 9 <= len(data) and data[position] == 0xFF:
        marker = data[position + 1]
        if marker == 0xFF:
            position += 1
        elif marker in _WITHOUT_LENGTH:
            position += 2
        elif marker in _FRAMES:
            height, width = (int.from_bytes(data[position + at : position + at + 2], "big") for at in (5, 7))
            return (width, height) if width and height else None
        else:
            position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
    return None
