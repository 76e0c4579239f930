"""Writes the project of a new plugin: a working one, tested, to be changed into what is wanted."""

import keyword
import re
from dataclasses import dataclass
from pathlib import Path

from flask import current_app

from portal import __version__
from portal.documents.lookup import Lookup
from portal.documents.service import template_roots
from portal.hooks.discovery import NAME_RULE, RESERVED_NAMES
from portal.hooks.registry import current_registry
from portal.kernel.errors import Conflict, InvalidInput, NotFound

SKELETON = Path(__file__).resolve().parent / "skeleton"
#: Every file of the skeleton ends so, that no tool takes it for what it will be.
SUFFIX = ".txt"
#: A file that ends so stands for a template of a loaded plugin; what is in it goes below its ``<head>``.
COPY = ".copy"
_PLACEHOLDER = re.compile(r"@([a-zA-Z_]+)@")
_HEAD = "<head>\n"
_S_OR_LIKE = re.compile(r"(s|x|z|ch|sh)$")
_CONSONANT_Y = re.compile(r"[^aeiou]y$")


@dataclass(frozen=True, kw_only=True)
class NewPlugin:
    """What a new plugin is called: its name, and what one of its records is."""

    name: str
    record: str

    @property
    def package(self) -> str:
        """Name of the Python package."""
        return f"portal_{self.name}"

    def words(self) -> dict[str, str]:
        """Return what stands for the placeholders of the skeleton."""
        many = plural(self.record)
        return {
            "plugin": self.name,
            "Plugin": self.name.capitalize(),
            "package": self.package,
            "record": self.record,
            "Record": self.record.capitalize(),
            "records": many,
            "Records": many.capitalize(),
            "portal_version": __version__,
        }


def plural(word: str) -> str:
    """Return the plural of an English noun, as far as rules go."""
    if _CONSONANT_Y.search(word):
        return f"{word[:-1]}ies"
    return f"{word}es" if _S_OR_LIKE.search(word) else f"{word}s"


def write_project(plugin: NewPlugin, folder: Path) -> list[Path]:
    """Write the project into a folder that is new or empty, and return its files.

    Raises:
        InvalidInput: ``plugin-name`` or ``record-name``, with the rule.
        Conflict: ``plugin-taken`` when a plugin of that name is installed; ``folder-not-empty``.
        NotFound: ``template-missing`` when a plugin is not loaded whose template is copied.
    """
    _check_names(plugin)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Conflict("folder-not-empty", f"{folder} is there already. Name another folder with --to.")
    # Everything is made before anything is written: a project is whole or not there.
    contents = _contents(plugin)
    for path, text in contents.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    return [folder / path for path in contents]


def _check_names(plugin: NewPlugin) -> None:
    if not NAME_RULE.fullmatch(plugin.name) or keyword.iskeyword(plugin.name):
        raise InvalidInput(
            "plugin-name",
            f"{plugin.name!r} cannot be a plugin's name: 3 to 20 letters from a to z, such as scholarships.",
        )
    if not NAME_RULE.fullmatch(plugin.record) or keyword.iskeyword(plugin.record):
        raise InvalidInput(
            "record-name",
            f"{plugin.record!r} cannot name a record: one word of 3 to 20 letters from a to z, such as award.",
        )
    taken = (
        {known.name for known in current_registry().plugins} | RESERVED_NAMES | set(current_app.blueprints)
    )
    if plugin.name in taken:
        raise Conflict(
            "plugin-taken", f"{plugin.name!r} is a name of the portal or of a plugin. Choose another."
        )


def _contents(plugin: NewPlugin) -> dict[Path, str]:
    words = plugin.words()
    contents: dict[Path, str] = {}
    for source in sorted(SKELETON.rglob(f"*{SUFFIX}")):
        text = _filled(source.read_text(encoding="utf-8"), words)
        name = _filled(source.relative_to(SKELETON).as_posix().removesuffix(SUFFIX), words)
        if name.endswith(COPY):
            name = name.removesuffix(COPY)
            text = _copied(Path(name).relative_to("package", "templates").as_posix(), text)
        contents[_place(name, plugin)] = text
    return contents


def _filled(text: str, words: dict[str, str]) -> str:
    return _PLACEHOLDER.sub(lambda found: words[found[1]], text)


def _place(name: str, plugin: NewPlugin) -> Path:
    path = Path(name)
    if path.parts[0] == "package":
        return Path(plugin.package, *path.parts[1:])
    return Path(".gitignore") if name == "gitignore" else path


def _copied(template: str, addition: str) -> str:
    """Return a loaded plugin's template with an addition below ``<head>``."""
    for root in Lookup(template_roots(current_registry())).roots:
        if (root / template).is_file():
            text = (root / template).read_text(encoding="utf-8")
            return text.replace(_HEAD, _HEAD + addition, 1)
    owner = template.partition("/")[0]
    raise NotFound(
        "template-missing",
        f"The new plugin replaces {template}, but no loaded plugin has it. Load the plugin {owner} first.",
    )
