"""Uploaded pictures: what is refused, and what comes out of the others."""

import io
import random
from contextlib import suppress
from typing import Any

import pytest
from PIL import Image

from portal.files.images import ImageLimits, safe_image
from portal.kernel.errors import InvalidInput

_ORIENTATION = 0x0112


def _picture(width: int, height: int, form: str = "JPEG", mode: str = "RGB", **options: Any) -> bytes:
    image = (
        Image.effect_noise((max(width // 10, 1), max(height // 10, 1)), 60)
        .resize((width, height))
        .convert(mode)
    )
    target = io.BytesIO()
    image.save(target, form, **options)
    return target.getvalue()


def _opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def test_a_portrait_comes_out_as_plain_rgb_jpeg() -> None:
    safe = safe_image(_picture(300, 375))
    image = _opened(safe.data)
    assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (300, 375))
    assert (safe.width, safe.height) == (300, 375)


@pytest.mark.parametrize(
    ("form", "mode"),
    [
        ("PNG", "RGB"),
        ("PNG", "RGBA"),
        ("PNG", "P"),
        ("PNG", "LA"),
        ("PNG", "1"),
        ("JPEG", "CMYK"),
        ("JPEG", "L"),
    ],
)
def test_every_colour_mode_becomes_rgb(form: str, mode: str) -> None:
    image = _opened(safe_image(_picture(60, 80, form, mode)).data)
    assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (60, 80))


def test_sixteen_bit_grey_keeps_its_brightness() -> None:
    target = io.BytesIO()
    Image.new("I;16", (20, 20), 32768).save(target, "PNG")
    assert abs(_opened(safe_image(target.getvalue()).data).getpixel((10, 10))[0] - 128) <= 2  # type: ignore[index]


def test_transparent_parts_become_white() -> None:
    target = io.BytesIO()
    Image.new("RGBA", (20, 20), (200, 0, 0, 0)).save(target, "PNG")
    assert _opened(safe_image(target.getvalue()).data).getpixel((10, 10)) == (255, 255, 255)


def test_a_picture_taken_sideways_is_turned_upright() -> None:
    image = Image.new("RGB", (80, 40), "black")
    image.paste((255, 255, 255), (0, 0, 40, 40))
    exif = Image.Exif()
    exif[_ORIENTATION] = 6
    target = io.BytesIO()
    image.save(target, "JPEG", exif=exif.tobytes())
    safe = safe_image(target.getvalue())
    upright = _opened(safe.data).convert("L")
    assert upright.size == (40, 80)
    assert (upright.getpixel((20, 10)) > 200, upright.getpixel((20, 70)) < 50) == (True, True)  # type: ignore[operator]


def test_no_metadata_come_through() -> None:
    exif = Image.Exif()
    exif[0x010E] = "taken at home"
    data = _picture(
        100, 100, exif=exif.tobytes(), comment=b"a secret", dpi=(300, 300), icc_profile=b"p" * 200
    )
    safe = safe_image(data).data
    assert (b"taken at home" in safe, b"a secret" in safe, b"Exif" in safe, b"ICC_PROFILE" in safe) == (
        False,
    ) * 4
    assert not _opened(safe).getexif()


def test_same_bytes_in_give_same_bytes_out() -> None:
    data = _picture(900, 1200, quality=90)
    assert safe_image(data).data == safe_image(data).data


@pytest.mark.parametrize("size", [(3000, 4000), (4000, 3000), (601, 700), (500, 800)])
def test_a_large_picture_is_fitted_into_the_frame(size: tuple[int, int]) -> None:
    safe = safe_image(_picture(*size))
    assert safe.width <= 600
    assert safe.height <= 750
    assert abs(safe.width / safe.height - size[0] / size[1]) < 0.01


def test_a_small_picture_is_not_blown_up() -> None:
    assert (safe_image(_picture(50, 60)).width, safe_image(_picture(50, 60)).height) == (50, 60)


@pytest.mark.parametrize(
    "data", [b"", b"GIF89a......", b"%PDF-1.7", b"<svg/>", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"]
)
def test_what_is_no_picture_is_unreadable(data: bytes) -> None:
    with pytest.raises(InvalidInput) as caught:
        safe_image(data)
    assert caught.value.code == "photo-unreadable"


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_a_picture_cut_off_is_unreadable(form: str) -> None:
    data = _picture(300, 375, form)
    with pytest.raises(InvalidInput) as caught:
        safe_image(data[: len(data) // 2])
    assert caught.value.code == "photo-unreadable"


def test_too_many_bytes_are_too_large() -> None:
    with pytest.raises(InvalidInput) as caught:
        safe_image(_picture(100, 100), ImageLimits(max_bytes=100))
    assert caught.value.code == "photo-too-large"


@pytest.mark.parametrize("size", [(20_000, 10), (10, 20_000), (7000, 7000)])
def test_too_many_pixels_are_too_large_before_they_are_decoded(size: tuple[int, int]) -> None:
    target = io.BytesIO()
    Image.new("1", size).save(target, "PNG")
    with pytest.raises(InvalidInput) as caught:
        safe_image(target.getvalue())
    assert caught.value.code == "photo-too-large"


def test_a_decompression_bomb_is_too_large() -> None:
    target = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(target, "PNG")
    with pytest.raises(InvalidInput) as caught:
        safe_image(target.getvalue())
    assert caught.value.code == "photo-too-large"


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_damaged_bytes_give_a_picture_or_a_clear_refusal(form: str) -> None:
    dice = random.Random(7)
    exif = Image.Exif()
    exif[_ORIENTATION] = 8
    base = _picture(60, 80, form, exif=exif.tobytes())
    for _ in range(400):
        data = bytearray(base)
        for _ in range(dice.randint(1, 5)):
            data[dice.randrange(len(data))] = dice.randrange(256)
        with suppress(InvalidInput):
            safe_image(bytes(data))
