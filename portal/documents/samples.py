"""Pictures for samples of documents."""

import io
from functools import cache

from PIL import Image, ImageDraw


@cache
def sample_photo(width: int = 240, height: int = 300) -> bytes:
    """Return a JPEG that stands in for a passport photo: a grey head and shoulders."""
    image = Image.new("RGB", (width, height), "#dfe5ec")
    draw = ImageDraw.Draw(image)
    draw.ellipse((width * 0.31, height * 0.18, width * 0.69, height * 0.58), fill="#8a97a8")
    draw.ellipse((width * 0.12, height * 0.64, width * 0.88, height * 1.4), fill="#8a97a8")
    out = io.BytesIO()
    image.save(out, "JPEG", quality=88)
    return out.getvalue()
