"""Drawn portraits in the size of a passport picture: no photo of a real person, every one different."""

import random
from functools import lru_cache
from io import BytesIO

from PIL import Image, ImageDraw, ImageFilter

from plugins.admissions.demo.chance import chance_of
from plugins.admissions.demo.people import person

WIDTH, HEIGHT = 413, 531
#: How many portraits are drawn; each person gets one of them in a light of its own.
BASES = 150
JPEG_QUALITY = 90

Colour = tuple[int, int, int]

_SKIN: tuple[Colour, ...] = (
    (255, 224, 196),
    (241, 194, 155),
    (224, 172, 125),
    (198, 134, 88),
    (150, 97, 63),
    (110, 70, 46),
    (84, 52, 35),
)
_HAIR: tuple[Colour, ...] = (
    (24, 20, 20),
    (58, 38, 28),
    (99, 66, 41),
    (160, 113, 62),
    (205, 170, 110),
    (128, 128, 130),
)
_CLOTHES: tuple[Colour, ...] = (
    (38, 50, 76),
    (90, 40, 52),
    (44, 86, 78),
    (210, 210, 205),
    (70, 70, 74),
    (124, 92, 150),
    (188, 120, 60),
)
#: Hair by sex: 0 cropped, 1 and 2 long, 3 shaved, 4 a scarf.
_STYLES = {"f": (1, 2, 2, 4, 0), "m": (0, 0, 3)}
_WALLS: tuple[Colour, ...] = ((214, 222, 230), (228, 226, 220), (200, 212, 222), (222, 214, 208))


def portrait(seed: int, number: int) -> bytes:
    """Return the JPEG of person ``number``: about 20 kB, in about 3 ms once its base is drawn."""
    chance = chance_of("light", seed, number)
    image = _base(seed, number % (BASES // 2), person(number, seed).sex)
    curves: list[int] = []
    exposure, lift = chance.uniform(0.9, 1.05), chance.uniform(-4, 8)
    for _ in range(3):
        gain = exposure * chance.uniform(0.975, 1.02)
        curves += [max(0, min(255, round(level * gain + lift))) for level in range(256)]
    image = image.point(curves)
    if chance.random() < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=JPEG_QUALITY)
    return buffer.getvalue()


@lru_cache(maxsize=BASES)
def _base(seed: int, number: int, sex: str) -> Image.Image:
    """Draw one portrait: wall, shoulders, neck, hair, head, face, and the grain of a camera."""
    chance = chance_of("portrait", seed, number, sex)
    skin, hair, clothes = chance.choice(_SKIN), chance.choice(_HAIR), chance.choice(_CLOTHES)
    image = Image.new("RGB", (WIDTH, HEIGHT))
    draw = ImageDraw.Draw(image)
    _light(draw, chance.choice(_WALLS))
    middle = WIDTH // 2 + chance.randint(-8, 8)
    half_width, half_height = chance.randint(84, 98), chance.randint(116, 130)
    top = chance.randint(104, 124)
    style = chance.choice(_STYLES[sex])
    if style in (1, 2, 4):
        _hair_behind(draw, middle, top, half_width, half_height, clothes if style == 4 else hair)
    _body(draw, chance, middle, top + 2 * half_height, skin, clothes)
    _head(draw, middle, top, half_width, half_height, skin)
    _hair_in_front(draw, style, middle, top, half_width, clothes if style == 4 else hair)
    _face(draw, chance, middle, top + half_height, half_width, skin, hair)
    image = image.filter(ImageFilter.GaussianBlur(0.9))
    return _with_grain(image, chance)


def _shade(colour: Colour, factor: float) -> Colour:
    red, green, blue = (max(0, min(255, round(part * factor))) for part in colour)
    return red, green, blue


def _light(draw: ImageDraw.ImageDraw, wall: Colour) -> None:
    for y in range(0, HEIGHT, 3):
        draw.rectangle((0, y, WIDTH, y + 2), fill=_shade(wall, 1.06 - 0.16 * y / HEIGHT))


def _body(
    draw: ImageDraw.ImageDraw, chance: random.Random, middle: int, chin: int, skin: Colour, clothes: Colour
) -> None:
    wide = chance.randint(158, 190)
    draw.ellipse((middle - wide, chin + 26, middle + wide, chin + 330), fill=clothes)
    draw.polygon(
        (
            (middle - 44, chin - 50),
            (middle + 44, chin - 50),
            (middle + 54, chin + 52),
            (middle, chin + 92),
            (middle - 54, chin + 52),
        ),
        fill=_shade(skin, 0.86),
    )
    collar = _shade(clothes, 1.25) if chance.random() < 0.5 else (236, 236, 234)
    for side in (-1, 1):
        draw.polygon(
            ((middle + side * 58, chin + 30), (middle, chin + 96), (middle + side * 46, chin + 118)),
            fill=collar,
        )


def _head(
    draw: ImageDraw.ImageDraw, middle: int, top: int, half_width: int, half_height: int, skin: Colour
) -> None:
    eyes = top + half_height
    for side in (-1, 1):
        ear = middle + side * (half_width - 2)
        draw.ellipse((ear - 15, eyes - 22, ear + 15, eyes + 32), fill=_shade(skin, 0.9))
    draw.ellipse((middle - half_width, top, middle + half_width, top + 2 * half_height), fill=skin)
    for step in range(6):
        inset = 14 + step * 11
        box = (
            middle - half_width + inset,
            top + inset,
            middle + half_width - inset,
            top + 2 * half_height - inset,
        )
        draw.ellipse(box, fill=_shade(skin, 1 + 0.008 * (step + 1)))


def _hair_behind(
    draw: ImageDraw.ImageDraw, middle: int, top: int, half_width: int, half_height: int, colour: Colour
) -> None:
    draw.ellipse(
        (middle - half_width - 26, top - 30, middle + half_width + 26, top + 2 * half_height - 10),
        fill=colour,
    )
    draw.rectangle(
        (middle - half_width - 22, top + half_height, middle + half_width + 22, top + 2 * half_height + 36),
        fill=_shade(colour, 0.92),
    )


def _hair_in_front(
    draw: ImageDraw.ImageDraw, style: int, middle: int, top: int, half_width: int, colour: Colour
) -> None:
    if style == 3:
        draw.chord(
            (middle - half_width + 4, top - 8, middle + half_width - 4, top + 84),
            180,
            360,
            fill=_shade(colour, 1.1),
        )
        return
    depth = {0: 128, 1: 112, 2: 150, 4: 136}[style]
    box = (middle - half_width - 10, top - 26, middle + half_width + 10, top + depth)
    draw.chord(box, 176, 364, fill=colour)
    if style == 2:
        draw.pieslice(
            (middle - half_width - 6, top - 22, middle + half_width, top + 116),
            150,
            300,
            fill=_shade(colour, 1.08),
        )


def _face(
    draw: ImageDraw.ImageDraw,
    chance: random.Random,
    middle: int,
    eyes: int,
    half_width: int,
    skin: Colour,
    hair: Colour,
) -> None:
    apart = half_width * 44 // 100
    iris = chance.choice(((60, 38, 26), (46, 70, 92), (70, 84, 52), (34, 26, 22)))
    glasses = chance.random() < 0.25
    for side in (-1, 1):
        x = middle + side * apart
        draw.ellipse((x - 19, eyes - 9, x + 19, eyes + 10), fill=(246, 244, 240))
        draw.ellipse((x - 8, eyes - 8, x + 8, eyes + 9), fill=iris)
        draw.ellipse((x - 3, eyes - 6, x + 2, eyes - 1), fill=(250, 250, 250))
        draw.arc((x - 21, eyes - 12, x + 21, eyes + 14), 190, 350, fill=_shade(skin, 0.5), width=3)
        draw.arc((x - 27, eyes - 34, x + 27, eyes + 6), 205, 335, fill=_shade(hair, 0.9), width=6)
        if glasses:
            draw.rounded_rectangle((x - 32, eyes - 22, x + 32, eyes + 24), 13, outline=(40, 40, 46), width=4)
    if glasses:
        draw.line((middle - apart + 32, eyes - 4, middle + apart - 32, eyes - 4), fill=(40, 40, 46), width=4)
    draw.line((middle + 3, eyes + 6, middle + 11, eyes + 44), fill=_shade(skin, 0.82), width=4)
    draw.arc((middle - 17, eyes + 34, middle + 17, eyes + 56), 20, 160, fill=_shade(skin, 0.7), width=4)
    mouth = chance.randint(26, 34)
    lips = _shade((skin[0], skin[1] * 3 // 4, skin[2] * 3 // 4), 0.86)
    draw.chord((middle - mouth, eyes + 62, middle + mouth, eyes + 90), 8, 172, fill=lips)
    draw.line((middle - mouth, eyes + 77, middle + mouth, eyes + 77), fill=_shade(lips, 0.7), width=2)


def _with_grain(image: Image.Image, chance: random.Random) -> Image.Image:
    size = (WIDTH * 2 // 3, HEIGHT * 2 // 3)
    grain = Image.frombytes("L", size, chance.randbytes(size[0] * size[1])).resize(
        (WIDTH, HEIGHT), Image.Resampling.BILINEAR
    )
    return Image.blend(image, Image.merge("RGB", (grain, grain, grain)), 0.035)
