"""The documents of the running application: thin functions over its press."""

import logging
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from threading import Lock

from flask import current_app

from portal.config import current_config
from portal.documents.kinds import CompiledState, Rendered
from portal.documents.press import Press, Together
from portal.hooks.registry import Registry, current_registry

logger = logging.getLogger(__name__)
PRESS_KEY = "PORTAL_PRESS"
_making = Lock()


def template_roots(registry: Registry) -> list[Path]:
    """Return the ``templates`` folders of the plugins; who requires another comes before it, so that it can replace."""
    roots: list[Path] = []
    for plugin in reversed(registry.plugins):
        origin = getattr(sys.modules.get(plugin.module), "__file__", None)
        if origin and (folder := Path(origin).parent / "templates").is_dir() and folder not in roots:
            roots.append(folder)
    return roots


def current_press() -> Press:
    """Return the press of the running application, made at the first call."""
    press: Press | None = current_app.extensions.get(PRESS_KEY)
    if press is None:
        with _making:
            press = current_app.extensions.get(PRESS_KEY)
            if press is None:
                registry = current_registry()
                kinds = [declaration.kind for _, declaration in registry.documents]
                if current_config().document_render == "full":
                    kinds = [replace(kind, compiled=False) for kind in kinds]
                press = Press(kinds, template_roots(registry), [current_config().home / "fonts"])
                current_app.extensions[PRESS_KEY] = press
    return press


def render_full(kind_name: str, facts: object) -> bytes:
    """Return one document as PDF; see :meth:`Press.render_full`."""
    return current_press().render_full(kind_name, facts)


def render_bulk(kind_name: str, facts_seq: Sequence[object]) -> list[Rendered]:
    """Return a PDF or a problem for each of the given facts; see :meth:`Press.render_bulk`."""
    return current_press().render_bulk(kind_name, facts_seq)


def render_together(kind_name: str, facts_seq: Sequence[object]) -> Together:
    """Return up to 100 documents in one PDF; see :meth:`Press.render_together`."""
    return current_press().render_together(kind_name, facts_seq)


def preview_html(kind_name: str, facts: object) -> str:
    """Return a document as a page for a sandboxed frame; see :meth:`Press.preview_html`."""
    return current_press().preview_html(kind_name, facts)


def warm_up() -> None:
    """Test all compiled documents and lay out the shapes in use; call it in the parent before workers fork."""
    press = current_press()
    press.warm_up()
    for kind in press.kinds.values():
        if kind.shapes is None:
            continue
        try:
            press.prepare(kind.name, kind.shapes())
        except Exception as error:  # noqa: BLE001 - a database that is not ready must not keep a worker from starting
            logger.warning("The shapes of %s are laid out later: %s", kind.name, error)


def compiled_state() -> tuple[CompiledState, ...]:
    """Return how each compiled kind is printed in this process, for ``portal doctor``; tests them first."""
    press = current_press()
    press.warm_up()
    return press.compiled_states()
