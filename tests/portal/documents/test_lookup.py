from pathlib import Path

import pytest

from portal.documents.layout import AssetFetcher
from portal.documents.lookup import Lookup
from portal.documents.press import Press
from portal.kernel.errors import InvalidInput, NotFound

from .conftest import CARD, TEMPLATE, card_kind


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/hostname",
        "FILE:///etc/hostname",
        "http://127.0.0.1/x.png",
        "https://example.org",
        "ftp://x/y",
    ],
)
def test_files_and_the_network_are_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(ValueError, match="disallowed protocol"):
        AssetFetcher(Lookup([tmp_path])).fetch(url)


@pytest.mark.parametrize(
    "name", ["../secret.css", "a/../../secret.css", "/etc/x.css", "secret.txt", "", "absent.css", "link.css"]
)
def test_an_asset_stays_below_its_folder(tmp_path: Path, name: str) -> None:
    root = tmp_path / "templates"
    root.mkdir()
    (tmp_path / "secret.css").write_text("secret")
    (root / "secret.txt").write_text("secret")
    (root / "link.css").symlink_to(tmp_path / "secret.css")
    with pytest.raises(NotFound):
        Lookup([root]).asset(name)


def test_the_first_folder_wins(tmp_path: Path) -> None:
    for name in ("ours", "theirs"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "crest.svg").write_text(f"<svg>{name}</svg>")
        (tmp_path / name / "card.html").write_text(name)
    lookup = Lookup([tmp_path / "theirs", tmp_path / "ours"])
    assert "theirs" in lookup.asset("crest.svg").read_text()
    assert lookup.environment.get_template("card.html").render() == "theirs"


@pytest.mark.parametrize(
    "markup",
    [
        '<img src="file:///etc/hostname" alt="x">',
        '<img src="http://127.0.0.1:9/x.png" alt="x">',
        '<link rel="attachment" href="file:///etc/hostname">',
        '<style>@import "file:///etc/hostname";</style>',
        "<style>@font-face { font-family: x; src: url(file:///usr/share/fonts/x.ttf) } p { font-family: x }</style>",
    ],
)
def test_a_template_cannot_reach_out(folder: Path, markup: str) -> None:
    (folder / "card.html").write_text(TEMPLATE.replace("<h1>", markup + "<h1>"))
    press = Press([card_kind(compiled=False)], [folder])
    with pytest.raises(InvalidInput) as refused:
        press.render_full("test.card", CARD)
    assert refused.value.code == "card-failed"
