"""The press: prints documents by the name of their kind."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from portal.documents.codes import CodeMaker
from portal.documents.kinds import CompiledState, DocumentKind, Rendered
from portal.documents.lookup import Lookup
from portal.documents.pages import Pages
from portal.documents.sheets import Sheet, read_facts
from portal.documents.typefaces import Typefaces
from portal.kernel.errors import NotFound, PluginClash, PortalError

if TYPE_CHECKING:
    from portal.documents.compiling import CompiledKind
    from portal.documents.layout import Typesetter

#: Pages of one print of many documents: about 100 MB of memory, and no gain from more.
MAX_TOGETHER = 100


@dataclass(frozen=True, kw_only=True)
class Together:
    """Many documents in one PDF.

    Args:
        pdf: None when no document could be printed.
        problems: Why a document is not in it, by its index in what was given.
    """

    pdf: bytes | None
    problems: Mapping[int, PortalError] = field(default_factory=dict)


class Press:
    """Prints documents. Needs no application and no database; one per process, and it survives a fork.

    What lays out is loaded when the first document is printed, so that web pages can have a preview without it.

    Args:
        kinds: The kinds it knows.
        roots: ``templates`` folders, the most specific first.
        font_folders: Folders with fonts beside the shipped ones.
    """

    def __init__(
        self, kinds: Iterable[DocumentKind[Any]], roots: Sequence[Path], font_folders: Sequence[Path] = ()
    ) -> None:
        self.kinds: dict[str, DocumentKind[Any]] = {}
        for kind in kinds:
            if kind.name in self.kinds:
                raise PluginClash("document-clash", f"The document {kind.name} is declared twice.")
            self.kinds[kind.name] = kind
        self._typefaces = Typefaces(font_folders)
        self._lookup = Lookup(roots)
        self._codes = CodeMaker()
        self._pages = Pages(self._lookup, self._codes)

    @cached_property
    def _typesetter(self) -> "Typesetter":
        from portal.documents.layout import Typesetter

        return Typesetter(self._lookup, self._typefaces)

    @cached_property
    def _compiled(self) -> "dict[str, CompiledKind]":
        from portal.documents.compiling import CompiledKind

        return {
            kind.name: CompiledKind(kind, self._pages, self._typesetter, self._codes, self._typefaces)
            for kind in self.kinds.values()
            if kind.compiled
        }

    def warm_up(self) -> None:
        """Lay out what the compiled kinds need and test them; call it before worker processes fork."""
        for compiled in self._compiled.values():
            compiled.warm_up()

    def prepare(self, kind_name: str, facts_seq: Iterable[object]) -> None:
        """Lay out the shapes of these facts for the compiled kind of this name; does nothing for other kinds."""
        if compiled := self._compiled.get(kind_name):
            for facts in facts_seq:
                compiled.prepare(facts)

    def compiled_states(self) -> tuple[CompiledState, ...]:
        """Return how each compiled kind is printed in this process; call :meth:`warm_up` first to know."""
        return tuple(compiled.state() for compiled in self._compiled.values())

    def preview_html(self, kind_name: str, facts: object) -> str:
        """Return a document as a page for a sandboxed frame; it has no script and loads nothing.

        Raises:
            InvalidInput: when it could not be printed either.
        """
        kind = self._kind(kind_name)
        return self._pages.for_browser(kind, self._read(kind, facts))

    def render_full(self, kind_name: str, facts: object) -> bytes:
        """Return one document as PDF, laid out for itself.

        Raises:
            InvalidInput: with the kind's code, naming what cannot be printed and the remedy.
        """
        kind = self._kind(kind_name)
        return self._render(kind, [self._read(kind, facts)])

    def render_bulk(self, kind_name: str, facts_seq: Sequence[object]) -> list[Rendered]:
        """Return a PDF, or the reason why there is none, for each of the given facts, in their order.

        The compiled way is used where it can be; what does not fit it is laid out for itself.
        """
        kind = self._kind(kind_name)
        return [self._render_one(kind, facts) for facts in facts_seq]

    def render_together(self, kind_name: str, facts_seq: Sequence[object]) -> Together:
        """Return up to 100 documents of a kind in one PDF; those that cannot be printed are left out and named.

        Raises:
            ValueError: for more than 100.
        """
        if len(facts_seq) > MAX_TOGETHER:
            raise ValueError(f"At most {MAX_TOGETHER} documents go into one PDF, not {len(facts_seq)}.")
        kind = self._kind(kind_name)
        problems: dict[int, PortalError] = {}
        sheets: dict[int, Sheet] = {}
        for index, facts in enumerate(facts_seq):
            try:
                sheets[index] = self._read(kind, facts)
            except PortalError as problem:
                problems[index] = problem
        try:
            pdf = self._render(kind, list(sheets.values())) if sheets else None
        except PortalError:
            # Rare: find the culprits one by one, and print the others again.
            for index, sheet in list(sheets.items()):
                try:
                    self._render(kind, [sheet])
                except PortalError as problem:
                    problems[index] = problem
                    del sheets[index]
            pdf = self._render(kind, list(sheets.values())) if sheets else None
        return Together(pdf=pdf, problems=problems)

    def _render_one(self, kind: DocumentKind[Any], facts: object) -> Rendered:
        try:
            sheet = self._read(kind, facts)
            if kind.compiled and (pdf := self._compiled[kind.name].render(sheet)):
                return Rendered(pdf=pdf)
            return Rendered(pdf=self._render(kind, [sheet]), fallback=kind.compiled)
        except PortalError as problem:
            return Rendered(pdf=None, problem=problem)

    def _kind(self, name: str) -> DocumentKind[Any]:
        kind = self.kinds.get(name)
        if kind is None:
            raise NotFound("document-kind-missing", f"No plugin has a document {name!r}.")
        return kind

    def _read(self, kind: DocumentKind[Any], facts: object) -> Sheet:
        return read_facts(kind, facts, self._typefaces)

    def _render(self, kind: DocumentKind[Any], sheets: Sequence[Sheet]) -> bytes:
        from portal.documents.render import render_sheets

        return render_sheets(kind, sheets, self._pages, self._typesetter)
