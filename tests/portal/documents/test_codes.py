import random
import string

import pytest
import segno

from portal.documents.codes import MASK, CodeMaker


def reference(text: str) -> list[list[int]]:
    code = segno.make(text, error="m", mode="byte", mask=MASK, micro=False, boost_error=False)
    return [[module & 1 for module in row] for row in code.matrix]


@pytest.mark.parametrize("length", [1, 7, 46, 81])
def test_a_code_made_from_differences_is_the_code_itself(length: int) -> None:
    maker = CodeMaker()
    choose = random.Random(length)
    for _ in range(12):
        text = "".join(choose.choices(string.printable[:94], k=length))
        code = maker.make(text)
        rows = [list(code.modules[row * code.size :][: code.size]) for row in range(code.size)]
        assert [[module - ord("0") for module in row] for row in rows] == reference(text)


def test_texts_beyond_ascii_are_encoded_for_themselves() -> None:
    assert CodeMaker().make("Ọ̀ṣúnbíyìí").size >= 21


def test_pixels_are_eight_a_module_and_dark_is_zero() -> None:
    code = CodeMaker().make("https://example.org")
    pixels = code.pixels()
    assert len(pixels) == code.side * code.side // 8
    assert pixels[0] == 0
    assert pixels[7] == 0xFF
