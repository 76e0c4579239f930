"""The documents agree with the code, and their links lead somewhere."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from portal.config import PortalConfig
from tests.architecture.trees import ROOT, repository_files

LINK = re.compile(r"\[[^\]]*\]\(([^)\s#]+)(#[^)]*)?\)")
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
    targets = [target for target, _ in LINK.findall(path.read_text(encoding="utf-8")) if "://" not in target]

    assert [target for target in targets if not (path.parent / target).exists()] == []
