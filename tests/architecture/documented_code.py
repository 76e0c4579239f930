"""The Python and the templates that pages under docs/ show: block by block, and as the files that they say they are."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.architecture.trees import ROOT, repository_files

#: A fenced block, with the comment above it that says which file it is a part of.
BLOCK = re.compile(
    r"^(?:<!-- (?P<place>[^\n]+) -->\n)?```(?P<kind>\w+)\n(?P<text>.*?)^```", re.MULTILINE | re.DOTALL
)
#: The pages that build one plugin together, in the order in which its files grow.
PLUGIN_PAGES = (
    "add-a-permission",
    "add-a-migration",
    "add-an-admin-view",
    "add-a-job",
    "schedules",
    "add-a-pdf",
    "react-to-events",
    "add-an-identity-provider",
)
PACKAGE = "portal_library"


@dataclass(frozen=True)
class Block:
    """A block of a page; ``place`` is the file that it belongs to, if the page says so."""

    page: Path
    place: str
    kind: str
    text: str

    @property
    def shown(self) -> str:
        return f"{self.page.relative_to(ROOT).as_posix()}: {self.text.splitlines()[0]}"


def documented_blocks(*kinds: str) -> Iterator[Block]:
    """Give the blocks of these kinds of every page under docs/."""
    for page in repository_files():
        if page.suffix == ".md" and page.is_relative_to(ROOT / "docs"):
            yield from (block for block in blocks_of(page) if block.kind in kinds)


def blocks_of(page: Path) -> Iterator[Block]:
    """Give the blocks of a page in order."""
    for found in BLOCK.finditer(page.read_text(encoding="utf-8")):
        yield Block(page, found["place"] or "", found["kind"], found["text"])


def documented_plugin() -> dict[str, str]:
    """Return path → text of the plugin that the how-to pages write."""
    files: dict[str, list[str]] = {}
    for name in PLUGIN_PAGES:
        for block in blocks_of(ROOT / "docs" / "how-to" / f"{name}.md"):
            if block.place.startswith(f"{PACKAGE}/"):
                files.setdefault(block.place, []).append(block.text)
    written = {path: "\n".join(texts) for path, texts in files.items()}
    return {f"{PACKAGE}/__init__.py": '"""The library."""\n', **written}
