from dataclasses import replace

from portal.documents.press import Press
from portal.documents.selftest import difference

from .conftest import CARD


def test_the_two_ways_draw_the_same(press: Press) -> None:
    compiled = press.render_bulk("test.card", [CARD])[0].pdf
    assert compiled is not None
    assert (
        difference(compiled, press.render_full("test.card", CARD), ["Ada Lovelace", "Łódź", "one", "two"])
        == ""
    )


def test_another_value_is_found(press: Press) -> None:
    compiled = press.render_bulk("test.card", [CARD])[0].pdf
    other = press.render_full("test.card", replace(CARD, town="Łódz"))
    assert compiled is not None
    assert "not drawn" in difference(compiled, other, [])


def test_a_missing_line_is_found(press: Press) -> None:
    compiled = press.render_bulk("test.card", [CARD])[0].pdf
    other = press.render_full("test.card", replace(CARD, log=("one",)))
    assert compiled is not None
    assert "in excess" in difference(compiled, other, [])


def test_text_that_copies_wrongly_is_found(press: Press) -> None:
    compiled = press.render_bulk("test.card", [CARD])[0].pdf
    assert compiled is not None
    assert "'Lodz'" in difference(compiled, press.render_full("test.card", CARD), ["Lodz"])
