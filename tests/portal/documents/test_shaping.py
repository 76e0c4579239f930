"""Texts that are put together of kept words are drawn to the byte as Pango draws them whole."""

import pytest

from portal.documents.layout import Typesetter
from portal.documents.lookup import Lookup
from portal.documents.shaping import Shaper
from portal.documents.typefaces import Typefaces

PAGE = """<style>body { font: 9pt "Noto Sans", "Noto Sans Arabic" } b { font-weight: bold }</style><p>Text <b>bold</b>"""


@pytest.fixture(scope="module")
def shapers() -> list[Shaper]:
    """Return a shaper of plain and one of bold text, ready to shape."""
    document = Typesetter(Lookup([]), Typefaces([])).lay_out(PAGE)
    boxes = [
        box
        for box in document.pages[0]._page_box.descendants()
        if getattr(box, "text", "") in ("Text ", "bold")
    ]
    found = [Shaper(box.style, document.fonts) for box in boxes]
    for shaper in found:
        shaper.learn_repertoire()
        shaper.freeze()
    return found


@pytest.mark.parametrize(
    "text",
    [
        "2026-02-01 08:49:00 UTC – Application initialized by system",
        "Adébáyọ̀ Ọláńrewájú Ṣọlá",
        "AVATAR Tofu fi ffl Wä. Yves T. “quoted” (1)",
        "Nguyễn Thị Minh Khai",
        "a  b",
        "-",
    ],
)
def test_words_make_the_same_line_as_the_whole(shapers: list[Shaper], text: str) -> None:
    assert len(shapers) == 2
    for shaper in shapers:
        assert shaper.shape(text) == shaper._whole(text)
        # Met before, its words come from the shelf, and nothing changes.
        assert shaper.shape(text) == shaper._whole(text)


def test_plain_letters_are_known_and_other_scripts_take_the_long_way(shapers: list[Shaper]) -> None:
    for shaper in shapers:
        assert shaper._plain.issuperset("ABCabc019 .,–éŁ")
        assert not shaper._plain & set("مΩ漢")
        drawn = shaper.shape("Ada Lovelace")
        assert drawn is not None
        assert drawn.width > 0
        assert {"Ada", "Lovelace"} <= set(shaper._words)
        assert shaper.shape("漢字") is None
