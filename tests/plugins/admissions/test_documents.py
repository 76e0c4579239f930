"""The slip both ways, seen from outside: Poppler's pixels and text."""

import os
import random
import subprocess
import unicodedata
from dataclasses import replace
from pathlib import Path
from shutil import which

import pytest
from PIL import Image, ImageChops, ImageDraw

from plugins.admissions.api.slips import LetterFacts, SlipFacts, certificate_text, history_line
from plugins.admissions.documents import ACTIVATION_LETTER, APPLICATION_SLIP
from portal.documents.inspection import PdfFile, read_pages
from portal.documents.press import Press

TEMPLATES = Path(__file__).parents[3] / "plugins" / "admissions" / "templates"
SLIP = "admissions.application_slip"
BASE = APPLICATION_SLIP.samples[0]
NOTICE = "Bring this slip and the originals of your results.\nClearance ends on 30 November 2026."
FIRST = (
    "Adaeze Chinedu Olúwafẹ́mi Bolanle Ngozi Tẹ́mítọ́pẹ́ Grace José Renée Łukasz Ɗanjuma Ụ̀chẹ Ṣadé Ńkẹ́chi".split()
)
LAST = "Okafor Adéyẹmí Eze Mohammed Afolabi O’Brien García Müller AVATAR Ọ̀ṣúnbíyìí Ƙofar-Mata Wójcik Nwosu-Fjord".split()
EDGES: dict[str, dict[str, object]] = {
    "combining marks": {"last_name": unicodedata.normalize("NFD", "Ọ̀ṣúnbíyìí Ẹ̀kọ́")},
    "markup": {"first_name": "<b>&amp;</b> {{ 7 * 7 }}"},
    "kerning": {"first_name": "AVATAR ToVe fi ffi fl Ty"},
    "double blanks": {"first_name": "a  b   c", "last_name": "x\ty\nz"},
    "outer blanks": {"first_name": " lead trail "},
    "empty": {"middle_name": "", "email": "", "phone": "", "student_number": "", "certificate": ""},
    "no photo": {"photo": None},
    "no code": {"qr_text": ""},
    "no photo, no code": {"photo": None, "qr_text": ""},
    "notice of the container": {"slip_notice": NOTICE},
    "no history": {"history": ()},
    "full history": {
        "history": tuple(f"2026-01-{day:02} 10:00 WAT – Line {day} by Adéyẹmí" for day in range(1, 13))
    },
    "no-break space": {"first_name": "Ada\u00a0B"},
    "brackets": {"notice": r"( ) \ < > [ ] % / # 100 %"},
    "currency": {"notice": "₦25,000 – €10 – “quoted” … ‘so’"},
}
FALL_BACK: dict[str, dict[str, object]] = {
    "long address": {
        "notice": "A very long notice that can not be on one line, Long Street 1234, Very Long Town, " * 3
    },
    "long e-mail": {"email": "a" * 200 + "@example.org"},
    "Arabic": {"first_name": "محمد", "last_name": "عبد الله"},
    "much history": {"history": tuple(f"2026-01-01 10:00 WAT – Line {number}" for number in range(30))},
}


@pytest.fixture(scope="module")
def press() -> Press:
    press = Press([APPLICATION_SLIP, ACTIVATION_LETTER], [TEMPLATES])
    press.warm_up()
    return press


@pytest.fixture(scope="module")
def poppler() -> None:
    if not (which("pdftoppm") and which("pdftotext")):
        message = "Poppler is missing (Debian: poppler-utils): the slips' pixels are NOT compared."
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)


def photo(number: int) -> bytes:
    choose = random.Random(number)
    size = choose.choice([(240, 300), (300, 240), (200, 200), (120, 300)])
    image = Image.new(choose.choice(["RGB", "L"]), size, "white")
    ImageDraw.Draw(image).ellipse(
        (10, 10, size[0] - 30, size[1] - 10), fill=choose.choice(["grey", "black", "silver"])
    )
    path = os.path.join(os.environ.get("TMPDIR", "/tmp"), f"slip-photo-{os.getpid()}.jpg")
    image.save(path, "JPEG")
    data = Path(path).read_bytes()
    Path(path).unlink()
    return data


def slip(number: int) -> SlipFacts:
    choose = random.Random(number)
    return replace(
        BASE,
        applicant_id=f"app2026_{100000 + number * 7919 % 900000}",
        registration_number=f"{20260000000 + number}FA",
        first_name=choose.choice(FIRST),
        middle_name=choose.choice(["", *FIRST]),
        last_name=choose.choice(LAST),
        email=f"applicant{number}@example.org",
        phone=f"+234-80{choose.randrange(10**8):08}",
        student_number=f"K{1000000 + number}",
        photo=photo(number),
        qr_text=f"https://portal.example.edu/slips/app2026_{100000 + number}",
        history=tuple(
            f"2026-0{line}-1{line} 10:2{line} WAT – Changed by {choose.choice(LAST)}"
            for line in range(1, 3 + number % 8)
        ),
    )


CASES = [
    *[(str(number), slip(number)) for number in range(27)],
    *[(name, replace(slip(99), **change)) for name, change in EDGES.items()],
]


def pictures(folder: Path, **pdfs: bytes) -> tuple[list[Image.Image], list[str]]:
    images, texts = [], []
    for name, pdf in pdfs.items():
        path = folder / f"{name}.pdf"
        path.write_bytes(pdf)
        subprocess.run(
            ["pdftoppm", "-r", "100", "-singlefile", path, folder / name],
            check=True,
            capture_output=True,
        )
        text = subprocess.run(["pdftotext", "-raw", path, "-"], check=True, capture_output=True)
        assert not text.stderr
        texts.append(text.stdout.decode())
        images.append(Image.open(folder / f"{name}.ppm").convert("RGB"))
    return images, texts


def without_marks(text: str) -> str:
    """Marks that have no letter of their own are copied better from the compiled slip."""
    return "".join(char for char in unicodedata.normalize("NFD", text) if not unicodedata.combining(char))


def test_the_slip_is_compiled(press: Press) -> None:
    (state,) = press.compiled_states()
    assert state.reason == ""
    assert state.compiled


@pytest.mark.usefixtures("poppler")
@pytest.mark.parametrize("facts", [case for _, case in CASES], ids=[name for name, _ in CASES])
def test_both_ways_give_the_same_pixels_and_text(press: Press, tmp_path: Path, facts: SlipFacts) -> None:
    press.prepare(SLIP, [facts])
    compiled = press.render_bulk(SLIP, [facts])[0]
    assert not compiled.fallback
    assert compiled.pdf is not None
    (one, other), (text, other_text) = pictures(
        tmp_path, compiled=compiled.pdf, full=press.render_full(SLIP, facts)
    )
    assert ImageChops.difference(one, other).getbbox() is None
    assert without_marks(text) == without_marks(other_text)
    for value in (facts.first_name, facts.last_name, facts.email, facts.applicant_id):
        assert " ".join(unicodedata.normalize("NFC", value).split()) in unicodedata.normalize("NFC", text)


@pytest.mark.parametrize("change", FALL_BACK.values(), ids=FALL_BACK)
def test_what_does_not_fit_is_printed_in_full(press: Press, change: dict[str, object]) -> None:
    (rendered,) = press.render_bulk(SLIP, [replace(BASE, **change)])
    assert rendered.fallback
    assert rendered.pdf is not None


def test_chinese_is_refused_by_name(press: Press) -> None:
    fine, refused = press.render_bulk(SLIP, [BASE, replace(BASE, first_name="Zoë 李")])
    assert fine.pdf is not None
    assert refused.problem is not None
    assert refused.problem.code == "slip-failed"
    assert "U+674E" in refused.problem.message
    assert "first name" in refused.problem.message


def test_history_of_many_lines_flows_on(press: Press) -> None:
    (rendered,) = press.render_bulk(
        SLIP, [replace(BASE, history=tuple(f"Line {number}" for number in range(60)))]
    )
    assert rendered.pdf is not None
    pages = read_pages(rendered.pdf)
    assert len(pages) == 2
    assert "Line 59" in pages[1].texts
    assert "Page 2 of 2" in "".join(pages[1].texts)


def test_a_submitted_application_prints_dashes(press: Press) -> None:
    facts = SlipFacts(
        institution_name="University",
        container_title="Container",
        applicant_id="app2026_1",
        first_name="A",
        last_name="B",
    )
    assert press.render_full(SLIP, facts).startswith(b"%PDF-1.7")
    html = press.preview_html(SLIP, facts)
    assert html.count("<td>–</td>") >= 10
    assert "No photo" in html


def test_the_pdf_is_tagged_titled_and_has_a_language(press: Press) -> None:
    for pdf in (press.render_bulk(SLIP, [BASE])[0].pdf, press.render_full(SLIP, BASE)):
        assert pdf is not None
        assert b"CreationDate" not in pdf
        reader = PdfFile(pdf)
        everything = b"".join(
            reader.stream(number)[1] if b"stream" in reader.object(number)[:400] else b""
            for number in reader.numbers()
        )
        objects = b"".join(reader.object(number)[:4000] for number in reader.numbers())
        assert b"/Lang (en)" in objects
        assert b"/Title (Application record)" in objects
        assert b"/StructTreeRoot" in objects
        assert b'part="1"' in everything


def test_letters_are_one_page_each(press: Press) -> None:
    letters = [
        LetterFacts(
            institution_name="University of Example",
            student_name=f"Zoë Adéyẹmí {number}",
            student_number=f"K{1000000 + number}",
            programme="CSC – Computer Science, Faculty of Science",
            entry_session="2026/2027",
            sign_in_name=f"K{1000000 + number}",
            activation_code="ABCD-EFGH-JKLM-NPQR",
            activation_address="https://portal.example.edu/activate",
            expires_on="31 January 2027",
            printed_on="20 November 2026",
        )
        for number in range(3)
    ]
    together = press.render_together("admissions.activation_letter", letters)
    assert together.pdf is not None
    pages = read_pages(together.pdf)
    assert len(pages) == 3
    for letter, page in zip(letters, pages, strict=True):
        assert letter.student_number in "".join(page.texts)
        assert letter.activation_code in page.texts


def test_texts_of_history_and_certificate() -> None:
    assert (
        history_line("2026-11-20 10:00 WAT", "Applicant admitted", "Registrar")
        == "2026-11-20 10:00 WAT – Applicant admitted by Registrar"
    )
    assert (
        history_line("2026-11-20 10:00 WAT", "Applicant admitted", "")
        == "2026-11-20 10:00 WAT – Applicant admitted"
    )
    assert certificate_text("CSC", "Computer Science") == "CSC – Computer Science"
    assert certificate_text("CSC", "") == "CSC"
    assert certificate_text("", "") == ""
