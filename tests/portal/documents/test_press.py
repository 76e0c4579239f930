import logging
import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image, ImageFile

from portal.documents.inspection import PdfFile, read_pages
from portal.documents.kinds import DocumentKind
from portal.documents.press import Press
from portal.kernel.errors import InvalidInput, NotFound, PluginClash, PluginError

from .conftest import CARD, TEMPLATE, CardFacts, card_kind


def test_same_facts_give_the_same_bytes_in_another_press_too(press: Press, folder: Path) -> None:
    other = Press([card_kind()], [folder])
    assert press.render_bulk("test.card", [CARD])[0].pdf == other.render_bulk("test.card", [CARD])[0].pdf
    assert press.render_full("test.card", CARD) == other.render_full("test.card", CARD)


def test_bulk_is_drawn_the_compiled_way(press: Press) -> None:
    (rendered,) = press.render_bulk("test.card", [CARD])
    assert not rendered.fallback
    assert rendered.problem is None
    assert [state.compiled for state in press.compiled_states()] == [True]
    assert rendered.pdf is not None
    assert rendered.pdf != press.render_full("test.card", CARD)


@pytest.mark.parametrize(
    "facts",
    [
        replace(CARD, name="A name that is much too long for the one line that it has on this small card"),
        replace(CARD, name="محمد"),
        replace(CARD, log=("1", "2", "3", "4")),
        replace(CARD, name="Русский"),
    ],
    ids=["too wide", "Arabic", "too many lines", "Cyrillic"],
)
def test_what_does_not_fit_is_laid_out_for_itself(press: Press, facts: CardFacts) -> None:
    (rendered,) = press.render_bulk("test.card", [facts])
    assert rendered.fallback
    assert rendered.pdf == press.render_full("test.card", facts)


def test_a_glyph_that_no_font_has_is_refused_by_name_and_kills_no_other(press: Press) -> None:
    good, bad, also_good = press.render_bulk("test.card", [CARD, replace(CARD, town="Zoë 李"), CARD])
    assert good.pdf == also_good.pdf
    assert bad.pdf is None
    assert bad.problem is not None
    assert bad.problem.code == "card-failed"
    for part in ("town", "李", "U+674E", "CJK UNIFIED IDEOGRAPH-674E", "fonts-noto-cjk"):
        assert part in bad.problem.message
    with pytest.raises(InvalidInput, match=r"U\+674E"):
        press.render_full("test.card", replace(CARD, town="Zoë 李"))


@pytest.mark.parametrize("text", ["abc\u202edcba", "bell\x07", "\ufffe", "a\u2066b"])
def test_characters_that_hide_or_reorder_text_are_refused(press: Press, text: str) -> None:
    with pytest.raises(InvalidInput, match="Remove it"):
        press.render_full("test.card", replace(CARD, name=text))


def test_a_mark_that_the_font_of_its_letter_lacks_is_refused_not_boxed(press: Press) -> None:
    (rendered,) = press.render_bulk("test.card", [replace(CARD, name="A\u08f0")])
    if rendered.pdf is None:
        assert rendered.problem is not None
        assert "U+08F0" in rendered.problem.message
    else:
        copied = "".join("".join(page.texts) for page in read_pages(rendered.pdf))
        assert "\u08f0" in copied


def test_a_font_beside_the_shipped_ones_is_used(folder: Path, tmp_path: Path) -> None:
    fonts = tmp_path / "fonts"
    fonts.mkdir()
    source = Path("/usr/share/fonts/truetype/noto/NotoSansThai-Regular.ttf")
    if not source.exists():
        pytest.skip("no Thai font on this machine")
    facts = replace(CARD, name="สวัสดี")
    with pytest.raises(InvalidInput):
        Press([card_kind()], [folder]).render_full("test.card", facts)
    (fonts / "thai.ttf").write_bytes(source.read_bytes())
    assert Press([card_kind()], [folder], [fonts]).render_full("test.card", facts).startswith(b"%PDF-1.7")


def test_fonts_of_the_machine_are_never_used(press: Press) -> None:
    pdf = PdfFile(press.render_full("test.card", replace(CARD, name="Ж Ω ع A")))
    everything = b"".join(pdf.object(number) for number in pdf.numbers())
    assert set(re.findall(rb"/BaseFont /\w+\+([\w-]+)", everything)) == {
        b"Noto-Sans",
        b"Noto-Sans-Bold",
        b"Noto-Sans-Arabic",
    }


@pytest.mark.parametrize("data", [b"no picture", b"", b"\xff\xd8\xff\xe0 cut off"])
def test_a_photo_that_is_no_jpeg_is_refused(press: Press, data: bytes) -> None:
    (rendered,) = press.render_bulk("test.card", [replace(CARD, photo=data)])
    assert rendered.problem is not None
    assert rendered.problem.code == "card-failed"
    assert "photo is not a readable JPEG" in rendered.problem.message


def test_wrong_facts_are_refused(press: Press) -> None:
    with pytest.raises(InvalidInput, match="printed from CardFacts"):
        press.render_full("test.card", object())


def test_an_unknown_kind_is_named(press: Press) -> None:
    with pytest.raises(NotFound, match=r"test\.nothing"):
        press.render_full("test.nothing", CARD)


def test_two_kinds_of_one_name_clash(folder: Path) -> None:
    with pytest.raises(PluginClash, match=r"test\.card"):
        Press([card_kind(), card_kind()], [folder])


def test_a_kind_that_names_absent_facts_is_refused() -> None:
    with pytest.raises(PluginError, match="colour"):
        card_kind(repeated=("colour",))
    with pytest.raises(PluginError, match="sample"):
        card_kind(samples=())
    with pytest.raises(PluginError, match="dataclass"):
        DocumentKind(name="x", title="x", template="x", facts=str)


def test_markup_in_values_is_text(press: Press) -> None:
    (rendered,) = press.render_bulk("test.card", [replace(CARD, name="<b>&amp;</b>")])
    assert not rendered.fallback
    assert rendered.pdf is not None
    assert "<b>&amp;</b>" in read_pages(rendered.pdf)[0].texts
    assert "&lt;b&gt;&amp;amp;" in press.preview_html("test.card", replace(CARD, name="<b>&amp;</b>"))


def test_the_preview_has_everything_inside_and_needs_no_layout(folder: Path) -> None:
    press = Press([card_kind()], [folder])
    html = press.preview_html("test.card", CARD)
    assert "asset:" not in html
    assert "data:image/jpeg;base64," in html
    assert "_typesetter" not in vars(press)


def test_a_template_that_breaks_a_rule_is_printed_in_full(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / "card.html").write_text(
        TEMPLATE.replace("<p>{{ facts.name }}</p>", "<p>{{ facts.name }} of</p>")
    )
    press = Press([card_kind()], [folder])
    with caplog.at_level(logging.WARNING):
        press.warm_up()
    (state,) = press.compiled_states()
    assert not state.compiled
    assert "last on its line" in state.reason
    assert "slower" in caplog.text
    (rendered,) = press.render_bulk("test.card", [CARD])
    assert rendered.fallback
    assert rendered.pdf == press.render_full("test.card", CARD)


def test_a_compiled_page_that_looks_different_is_not_used(folder: Path) -> None:
    # The column is as wide as its value, so what stands beside it moves.
    (folder / "card.html").write_text(
        TEMPLATE.replace(
            "<p>{{ facts.town }}</p>", "<table><tr><td>{{ facts.town }}</td><td>beside</td></tr></table>"
        )
    )
    press = Press([card_kind()], [folder])
    press.warm_up()
    (state,) = press.compiled_states()
    assert not state.compiled
    assert "not drawn" in state.reason
    assert press.render_bulk("test.card", [CARD])[0].fallback


def test_a_shape_is_compiled_when_it_is_seen_often_enough(folder: Path) -> None:
    press = Press([card_kind()], [folder])
    facts = replace(CARD, notice="Bring your papers.\nAll of them.")
    rendered = press.render_bulk("test.card", [facts] * 7)
    assert [each.fallback for each in rendered] == [True] * 4 + [False] * 3
    assert press.compiled_states()[0].shapes_count == 2


def test_a_shape_in_use_is_compiled_beforehand(folder: Path) -> None:
    press = Press([card_kind()], [folder])
    facts = replace(CARD, notice="Bring your papers.")
    press.prepare("test.card", [facts, replace(facts, photo=None)])
    assert press.compiled_states()[0].shapes_count == 3
    assert not press.render_bulk("test.card", [facts])[0].fallback


def test_a_shape_of_two_pages_is_printed_in_full_and_concerns_no_other(press: Press) -> None:
    facts = replace(CARD, notice="\n".join("A long notice." for _ in range(40)))
    assert all(each.fallback for each in press.render_bulk("test.card", [facts] * 7))
    assert not press.render_bulk("test.card", [CARD])[0].fallback


def test_a_forked_process_prints_the_same(press: Press) -> None:
    press.warm_up()
    here = press.render_bulk("test.card", [CARD])[0].pdf
    full_here = press.render_full("test.card", CARD)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        same = (
            press.render_bulk("test.card", [CARD])[0].pdf == here
            and press.render_full("test.card", CARD) == full_here
        )
        os.write(writing, b"same" if same else b"different")
        os._exit(0)
    os.close(writing)
    assert os.read(reading, 20) == b"same"
    os.close(reading)
    os.waitpid(child, 0)
    assert press.render_bulk("test.card", [CARD])[0].pdf == here


def test_documents_printed_together_leave_out_the_bad_ones(folder: Path) -> None:
    (folder / "many.html").write_text(
        '<html lang="en"><head><title>{{ title }}</title><style>body { font-family: "Noto Sans" } p { break-after: page }'
        "</style></head><body>{% for each in all_facts %}<p>{{ each.name }}</p>{% endfor %}</body></html>"
    )
    kind = card_kind(template="many.html", compiled=False)
    cards = [
        replace(CARD, name="One", photo=None),
        replace(CARD, name="李"),
        replace(CARD, name="Three", photo=None),
    ]
    together = Press([kind], [folder]).render_together("test.card", cards)
    assert list(together.problems) == [1]
    assert together.pdf is not None
    assert [page.texts for page in read_pages(together.pdf) if page.texts] == [["One"], ["Three"]]
    with pytest.raises(ValueError, match="At most 100"):
        Press([kind], [folder]).render_together("test.card", [CARD] * 101)


def test_printing_does_not_make_pillow_accept_cut_off_photos(press: Press, tmp_path: Path) -> None:
    press.warm_up()
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False
    assert CARD.photo is not None
    (tmp_path / "cut.jpg").write_bytes(CARD.photo[: len(CARD.photo) // 2])
    with Image.open(tmp_path / "cut.jpg") as image, pytest.raises(OSError, match="truncated"):
        image.load()
