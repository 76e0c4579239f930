"""Writes the reference pages from the code: settings, commands, hooks, permissions, REST, SDK. ``--check`` only compares."""

import argparse
import importlib
import inspect
import re
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
from flask import Flask
from pydantic import SecretStr
from pydantic_core import PydanticUndefined

from portal.app import create_app
from portal.cli import portal as command_line
from portal.config import PortalConfig
from portal.hooks import specs
from portal.hooks.registry import REGISTRY_KEY, Registry
from portal.testing.surface import SDK_MODULES, TESTING_MODULES, Entry, surface_of
from portal.web.rest.document import openapi_document

FOLDER = Path(__file__).resolve().parent / "reference"
NOTE = "<!-- Written by `make docs` from the code; edit the code. -->\n"
#: What stands above this line of the REST page is written by hand.
OPERATIONS = "<!-- operations: written by `make docs` from the code; edit the code -->\n"
#: A reference to something in a docstring.
ROLE = re.compile(r":\w+:`~?([^`]+)`")
#: Read from the environment alone, outside PortalConfig.
FURTHER_SETTINGS = {
    "PORTAL_QUEUE_SERVER": "Program of the embedded queue server; empty means the first found on PATH, then a package.",
    "PORTAL_CHROMIUM": "Browser of the browser tests; empty means the first found on PATH.",
    "PORTAL_FAULT": "Soak runs only: name of a kill point, or `any`, with `:probability`.",
    "PORTAL_FAULT_LOG": "Soak runs only: file that names the points at which a process was killed.",
}


def settings_page(registry: Registry) -> str:
    """Return the page of every ``PORTAL_`` setting, and of what plugins let people change while the portal runs."""
    lines = [
        "# Settings",
        "",
        NOTE,
        "Environment variables, read once at start. All problems are reported at once.",
        "",
    ]
    lines += ["| variable | default | meaning |", "|---|---|---|"]
    for name, field in PortalConfig.model_fields.items():
        lines.append(f"| `PORTAL_{name.upper()}` | {_default(field.default)} | {field.description} |")
    lines += [f"| `{name}` | | {meaning} |" for name, meaning in FURTHER_SETTINGS.items()]
    lines += ["", "## Stored settings", "", "Kept in the database, edited in the panel.", ""]
    for declared in registry.settings.values():
        lines += [f"### {declared.title}", "", "| name | default | meaning |", "|---|---|---|"]
        for name, field in declared.model.model_fields.items():
            lines.append(f"| `{name}` | {_default(field.default)} | {field.description or ''} |")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def commands_page(registry: Registry) -> str:
    """Return the page of every ``portal`` command, the plugins' included."""
    lines = ["# Commands", "", NOTE]
    groups: dict[str, click.Command] = dict(command_line.commands)
    for owner, declared in registry.commands:
        if owner == "portal":
            groups[declared.command.name or ""] = declared.command
        else:
            group = groups.setdefault(owner, click.Group(owner, help=f"Commands of the plugin {owner}."))
            if isinstance(group, click.Group):
                group.add_command(declared.command)
    for name, command in sorted(groups.items()):
        lines += _command(f"portal {name}", command)
    return "\n".join(lines).rstrip() + "\n"


def hooks_page(registry: Registry) -> str:
    """Return the page of every hookspec."""
    lines = [
        "# Hooks",
        "",
        NOTE,
        "`from portal.sdk import hookimpl`, then a function of the hook's name in `plugin.py`.",
        "",
    ]
    for name, function in sorted(vars(specs).items()):
        if name.startswith("portal_") and inspect.isfunction(function):
            lines += [f"## `{name}`", "", "```python", _signature(function), "```", ""]
            lines += ["```text", inspect.getdoc(function) or "", "```", ""]
    return "\n".join(lines).rstrip() + "\n"


def permissions_page(registry: Registry) -> str:
    """Return the page of every permission and suggested role."""
    lines = ["# Permissions and roles", "", NOTE, "| permission | allows to | group |", "|---|---|---|"]
    lines += [f"| `{item.name}` | {item.title} | {item.group} |" for item in registry.permissions.values()]
    lines += [
        "",
        "## Suggested roles",
        "",
        "Made once by `portal migrate`; afterwards the institution's to edit.",
        "",
    ]
    for role in registry.roles.values():
        granted = ", ".join(f"`{name}`" for name in sorted(role.permissions))
        lines.append(f"- **{role.title}** (`{role.name}`): {granted}")
    return "\n".join(lines).rstrip() + "\n"


def rest_page(registry: Registry) -> str:
    """Return the page of the REST interface: the conventions as they stand, and every operation of the document."""
    document, groups = openapi_document(), defaultdict(list)
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            groups[operation["tags"][0]].append(_operation_row(path, method, operation))
    lines = [OPERATIONS, "## Operations", ""]
    for tag in document["tags"]:
        lines += [f"### {tag['name']}", ""]
        lines += [tag["description"], ""] if tag.get("description") else []
        lines += ["| operation | what it does | permission | headers |", "|---|---|---|---|"]
        lines += [*groups[tag["name"]], ""]
    written = (FOLDER / "rest.md").read_text(encoding="utf-8").partition(OPERATIONS)[0]
    return written + "\n".join(lines).rstrip() + "\n"


def sdk_page(registry: Registry) -> str:
    """Return the page of every name that plugins import of the portal."""
    lines = [
        "# What plugins import",
        "",
        NOTE,
        "Everything here is public: it changes only as [adr/0010](../adr/0010-public-surface.md) says. What is not here is the",
        "inside of the portal. The hooks have [a page of their own](hooks.md).",
        "",
    ]
    for module in (*SDK_MODULES, *TESTING_MODULES):
        words = (inspect.getdoc(importlib.import_module(module)) or "").partition("\n\n")[0]
        lines += [f"## `{module}`", "", " ".join(words.split()), ""]
        for entry in surface_of(module):
            members = [item for item in entry.members if (entry.kind, item.kind) != ("dataclass", "field")]
            lines += [_offered(entry), *(f"  {_offered(member)}" for member in members)]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _offered(entry: Entry) -> str:
    kind = "" if entry.kind in ("function", "method", "field", "member") else f"{entry.kind} "
    text, joint = entry.text, ""
    if entry.kind == "dataclass":
        fields = [_text_of(item) for item in entry.members if item.kind == "field"]
        text = f"({', '.join(['*', *fields] if 'kw_only=True' in text else fields)})"
    elif text and not text.startswith("("):
        joint = " " if text.startswith("=") else ": "
    summary = ROLE.sub(r"`\1`", entry.summary).replace("``", "`")
    return f"- {kind}`{entry.name.rpartition('.')[2]}{joint}{text}`{f' {summary}' if summary else ''}"


def _text_of(field: Entry) -> str:
    name = field.name.rpartition(".")[2]
    return f"{name} {field.text}" if field.text.startswith("=") else f"{name}: {field.text}"


def _operation_row(path: str, method: str, operation: dict[str, Any]) -> str:
    permission = f"`{operation['x-permission']}`" if "x-permission" in operation else "any good token"
    headers = [item for item in operation["parameters"] if item["in"] == "header"]
    named = ", ".join(f"{item['name']}{' (needed)' if item['required'] else ''}" for item in headers)
    return f"| `{method.upper()} {path}` | {operation['summary']} | {permission} | {named} |"


PAGES: dict[str, Callable[[Registry], str]] = {
    "settings.md": settings_page,
    "commands.md": commands_page,
    "hooks.md": hooks_page,
    "permissions.md": permissions_page,
    "rest.md": rest_page,
    "sdk.md": sdk_page,
}


def _command(path: str, command: click.Command) -> Iterator[str]:
    yield from (f"## `{path}`", "", inspect.cleandoc(command.help or ""), "")
    rows = [row for row in map(_parameter, command.params) if row]
    if rows:
        yield from ("| parameter | meaning |", "|---|---|", *rows, "")
    if isinstance(command, click.Group):
        for name, inner in sorted(command.commands.items()):
            yield from _command(f"{path} {name}", inner)


def _parameter(parameter: click.Parameter) -> str:
    if isinstance(parameter, click.Option):
        names = "`, `".join([*parameter.opts, *parameter.secondary_opts])
        return f"| `{names}` | {parameter.help or ''} |"
    return f"| `{parameter.human_readable_name}` | |"


def _signature(function: Callable[..., object]) -> str:
    source = inspect.getsource(function)
    head = source[source.index("def ") :]
    return head[: head.index(':\n    """')]


def _default(value: object) -> str:
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if value is PydanticUndefined or value == "" or value is None:
        return ""
    return f"`{value}`"


def _made(app: Flask, make: Callable[[Registry], str], registry: Registry) -> str:
    with app.app_context():
        return make(registry)


def main() -> int:
    """Write the pages, or with ``--check`` say which ones are old; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a page is old")
    check = parser.parse_args().check
    with tempfile.TemporaryDirectory() as home:
        app = create_app(PortalConfig(home=Path(home), secret_key=SecretStr("only for the reference pages")))
        registry: Registry = app.extensions[REGISTRY_KEY]
    if registry.problems:
        print(f"plugins were left out: {registry.problems}", file=sys.stderr)
        return 1
    FOLDER.mkdir(exist_ok=True)
    old = []
    for name, make in PAGES.items():
        path, text = FOLDER / name, _made(app, make, registry)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            old.append(name)
            if not check:
                path.write_text(text, encoding="utf-8")
                print(f"wrote {path.relative_to(FOLDER.parents[1])}")
    if check and old:
        print(f"docs/reference: {', '.join(old)} differ from the code; run `make docs`", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
