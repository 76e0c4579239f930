"""A small kind of document of our own, so that the press is tested without any plugin."""

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from portal.documents.kinds import DocumentKind
from portal.documents.press import Press
from portal.documents.samples import sample_photo


@dataclass(frozen=True, kw_only=True)
class CardFacts:
    name: str
    town: str = ""
    notice: str = ""
    log: tuple[str, ...] = ()
    photo: bytes | None = None
    code: str = ""


CARD = CardFacts(
    name="Ada Lovelace", town="Łódź", log=("one", "two"), photo=sample_photo(), code="https://example.org/1"
)
TEMPLATE = """<!doctype html><html lang="en"><head><title>{{ title }}</title><style>
@page { size: A6; margin: 10mm }
body { font: 10pt "Noto Sans", "Noto Sans Arabic"; margin: 0 } p { margin: 0 }
img { overflow: visible; display: block; width: 30mm; height: 30mm; object-fit: contain; image-rendering: pixelated }
</style></head><body>
<h1>Card</h1><p>Name</p><p>{{ facts.name }}</p><p>{{ facts.town }}</p>
{% if facts.photo %}<img data-slot="photo" src="{{ facts.photo }}" alt="Photo">{% endif %}
{% if facts.code %}<img data-slot="code" src="{{ facts.code }}" alt="Code">{% endif %}
{% if facts.notice %}<p style="white-space: pre-line">{{ facts.notice }}</p>{% endif %}
{% for line in facts.log %}<p>{{ line }}</p>{% endfor %}
</body></html>
"""


def card_kind(**changes: object) -> DocumentKind[CardFacts]:
    kind = DocumentKind(
        name="test.card",
        title="Card",
        template="card.html",
        facts=CardFacts,
        compiled=True,
        fixed=("notice",),
        repeated=("town",),
        lines={"log": 3},
        images=("photo",),
        codes=("code",),
        samples=(CARD,),
        problem_code="card-failed",
    )
    return replace(kind, **changes)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "card.html").write_text(TEMPLATE)
    return tmp_path


@pytest.fixture(scope="session")
def shared_press(tmp_path_factory: pytest.TempPathFactory) -> Press:
    root = tmp_path_factory.mktemp("templates")
    (root / "card.html").write_text(TEMPLATE)
    press = Press([card_kind()], [root])
    press.warm_up()
    return press


@pytest.fixture
def press(shared_press: Press) -> Press:
    """A press that is warm; a test that counts shapes or changes the template makes its own."""
    return shared_press
