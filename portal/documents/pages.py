"""The HTML of documents, for printing and for the preview in a browser."""

from base64 import b64encode
from collections.abc import Callable, Sequence
from typing import Any

from portal.documents.codes import CodeMaker
from portal.documents.kinds import DocumentKind
from portal.documents.lookup import SCHEME, Lookup
from portal.documents.sheets import Sheet


class Pages:
    """Fills templates.

    A template sees ``title``, ``facts`` (the first document), ``all_facts`` and ``asset(name)``, the address of a file of
    the search path. Pictures and codes are addresses too, empty when there is none.
    """

    def __init__(self, lookup: Lookup, codes: CodeMaker) -> None:
        self._lookup = lookup
        self._codes = codes

    def for_print(self, kind: DocumentKind[Any], sheets: Sequence[Sheet]) -> str:
        """Return the page that is laid out and printed."""
        return self._fill(kind, [self._facts(sheet) for sheet in sheets], lambda name: SCHEME + name)

    def for_browser(self, kind: DocumentKind[Any], sheet: Sheet) -> str:
        """Return the page with everything inside it: no script, no address that a browser would have to fetch."""
        return self._fill(kind, [self._facts(sheet)], self._lookup.data_uri)

    def _fill(
        self, kind: DocumentKind[Any], all_facts: Sequence[dict[str, Any]], asset: Callable[[str], str]
    ) -> str:
        template = self._lookup.environment.get_template(kind.template)
        return template.render(title=kind.title, facts=all_facts[0], all_facts=all_facts, asset=asset)

    def _facts(self, sheet: Sheet) -> dict[str, Any]:
        pictures = {
            name: f"data:image/jpeg;base64,{b64encode(picture.data).decode()}" if picture else ""
            for name, picture in sheet.pictures.items()
        }
        codes = {
            name: self._codes.make(text).data_uri() if text else "" for name, text in sheet.codes.items()
        }
        return {**sheet.texts, **sheet.lines, **pictures, **codes}
