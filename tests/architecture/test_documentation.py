"""The documents agree with the code, and their links lead somewhere."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from portal.config import PortalConfig
from tests.architecture.trees import ROOT, repository_files

LINK = re.compile(r"\[[^\]]*\]\(([^)\s#]*)(#[^)]*)?\)")
#: What stands in a line of the picture, between the walls.
ROOMS = re.compile(r"^    │[ │└─▶]*(\w+(?: \| \w+)?)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
READ_FROM_ENVIRONMENT = re.compile(r"(?:environ(?:\.get\(|\[)|SETTING = )\"(PORTAL_[A-Z_]+)\"")
DOCUMENTS = [path for path in repository_files() if path.suffix == ".md"]


def test_reference_pages_are_what_the_code_says() -> None:
    answer = subprocess.run(
        [sys.executable, "docs/generate.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stderr


def test_every_setting_is_documented() -> None:
    page = (ROOT / "docs" / "reference" / "settings.md").read_text(encoding="utf-8")
    used = {
        name
        for path in (ROOT / "portal").rglob("*.py")
        for name in READ_FROM_ENVIRONMENT.findall(path.read_text(encoding="utf-8"))
    }
    declared = {f"PORTAL_{name.upper()}" for name in PortalConfig.model_fields}

    assert {"PORTAL_FAULT", "PORTAL_QUEUE_SERVER"} <= used
    assert {name for name in used | declared if f"`{name}`" not in page} == set()


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    lost = []
    for target, anchor in LINK.findall(text):
        if "://" in target:
            continue
        page = path.parent / target if target else path
        if not page.exists() or (anchor and anchor[1:] not in anchors_of(page)):
            lost.append(target + anchor)

    assert lost == []


def anchors_of(page: Path) -> set[str]:
    """The places of a page that a link may lead to, as they are made from its headings."""
    headings = HEADING.findall(page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


def test_every_page_is_in_the_map_of_the_readme() -> None:
    readme = ROOT / "README.md"
    linked = {
        (readme.parent / target).resolve() for target, _ in LINK.findall(readme.read_text(encoding="utf-8"))
    }
    pages = {page for page in DOCUMENTS if page.is_relative_to(ROOT / "docs")}
    decisions = {page for page in pages if page.parent.name == "adr"}

    assert {page.relative_to(ROOT).as_posix() for page in pages - decisions - linked} == set()
    assert (ROOT / "docs" / "adr").resolve() in linked


def test_the_picture_of_the_architecture_is_the_house() -> None:
    page = (ROOT / "docs" / "explanation" / "architecture.md").read_text(encoding="utf-8")
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["id"] == "rooms")
    picture, _, table = page.partition("## Rooms")[2].partition("\n| room")
    # A line of the house begins with a wall; the first words that are no arrows are its rooms.
    drawn = [found[0] for line in picture.splitlines() if (found := ROOMS.findall(line))]
    told = set(
        re.findall(r"`(\w+)`", "".join(line.split("|")[1] for line in table.splitlines() if "|" in line[:1]))
    )
    rooms = {
        path.stem
        for path in (ROOT / "portal").iterdir()
        if path.stem not in {"__init__", "__pycache__", "py"}
    }

    assert drawn == layers
    assert told == rooms == set(" ".join(layers).replace("|", " ").split())
