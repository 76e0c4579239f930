"""Makes an uploaded picture safe to keep and to print: sniffed, bounded, fully decoded, re-encoded without metadata."""

import struct
import zlib
from dataclasses import dataclass
from io import BytesIO

from PIL import Image

from portal.kernel.errors import InvalidInput

JPEG_QUALITY = 88
_SIGNATURES = {b"\xff\xd8\xff": "JPEG", b"\x89PNG\r\n\x1a\n": "PNG"}
_ORIENTATION_TAG = 0x0112
_SIDEWAYS = 5
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# What the decoders raise on damaged or hostile input.
_BROKEN = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    EOFError,
    OverflowError,
    ZeroDivisionError,
    struct.error,
    zlib.error,
    # Damaged metadata, where warnings are made errors.
    UserWarning,
)


@dataclass(frozen=True, kw_only=True)
class ImageLimits:
    """What is accepted (bytes, pixels, side in pixels) and the size in pixels that the result fits into."""

    max_bytes: int = 10_000_000
    max_pixels: int = 40_000_000
    max_side: int = 10_000
    target_width: int = 600
    target_height: int = 750


@dataclass(frozen=True, kw_only=True)
class SafeImage:
    """An RGB JPEG without metadata, and its size in pixels."""

    data: bytes
    width: int
    height: int


def safe_image(data: bytes, limits: ImageLimits = ImageLimits()) -> SafeImage:
    """Return the picture as a JPEG that is upright, bounded and free of metadata; same bytes in, same bytes out.

    JPEG and PNG are accepted by their first bytes, whatever the name says. Transparent parts become white.

    Raises:
        InvalidInput: ``photo-too-large`` beyond a limit, ``photo-unreadable`` when it is no whole picture.
    """
    if len(data) > limits.max_bytes:
        raise _too_large(f"{len(data) / 1e6:.1f} MB", f"{limits.max_bytes / 1e6:.0f} MB")
    kind = next((name for signature, name in _SIGNATURES.items() if data.startswith(signature)), None)
    if kind is None:
        raise _unreadable("It is neither JPEG nor PNG.")
    try:
        with Image.open(BytesIO(data), formats=[kind]) as image:
            return _made_safe(image, limits)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_large("more", f"{limits.max_pixels / 1e6:.0f} million pixels") from None
    except _BROKEN as error:
        raise _unreadable(f"It is damaged or cut off ({type(error).__name__}).") from error


def _made_safe(image: Image.Image, limits: ImageLimits) -> SafeImage:
    width, height = image.size
    if max(width, height) > limits.max_side:
        raise _too_large(f"{width} x {height} pixels", f"{limits.max_side} pixels a side")
    if width * height > limits.max_pixels:
        raise _too_large(f"{width} x {height} pixels", f"{limits.max_pixels / 1e6:.0f} million pixels")
    orientation = _orientation(image)
    box = (limits.target_width, limits.target_height)
    if orientation >= _SIDEWAYS:
        box = (box[1], box[0])
    # For a big JPEG this lets the decoder deliver fewer pixels at once, which is where the time would go.
    if width > box[0] or height > box[1]:
        image.draft(image.mode, (box[0] * 2, box[1] * 2))
    image.load()
    plain = _rgb(image)
    plain.thumbnail(box, Image.Resampling.LANCZOS, reducing_gap=None)
    if orientation in _TURNS:
        plain = plain.transpose(_TURNS[orientation])
    plain.info.clear()
    target = BytesIO()
    plain.save(target, "JPEG", quality=JPEG_QUALITY)
    return SafeImage(data=target.getvalue(), width=plain.width, height=plain.height)


def _orientation(image: Image.Image) -> int:
    try:
        value = image.getexif().get(_ORIENTATION_TAG, 1)
    except _BROKEN:
        # Damaged metadata are no reason to refuse a whole picture.
        return 1
    return value if isinstance(value, int) else 1


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        # 16-bit grey: keep the upper eight bits.
        return image.convert("I").point(lambda value: value / 256).convert("L").convert("RGB")
    if "transparency" in image.info or image.mode in ("LA", "RGBA", "PA"):
        clear = image.convert("RGBA")
        ground = Image.new("RGB", clear.size, "white")
        ground.paste(clear, mask=clear.getchannel("A"))
        return ground
    return image if image.mode == "RGB" else image.convert("RGB")


def _too_large(found: str, limit: str) -> InvalidInput:
    return InvalidInput("photo-too-large", f"The photo is too large: {found}; at most {limit} are accepted.")


def _unreadable(reason: str) -> InvalidInput:
    return InvalidInput("photo-unreadable", f"The photo cannot be read. {reason}")
