"""What a plugin supplies to have a document printed, and what it gets back."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from types import MappingProxyType
from typing import Generic, TypeVar

from portal.kernel.errors import PluginError, PortalError

DASH = "–"
F = TypeVar("F")


def _none() -> Mapping[str, int]:
    return MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class DocumentKind(Generic[F]):
    """A kind of document: a template, and which of its facts are drawn how.

    Every field of ``facts`` is a string ready to print, unless it is named in ``lines``, ``images`` or ``codes``. An empty
    string prints as a dash, so that optional facts do not change the layout.

    Args:
        name: ``<plugin>.<document>``, exists once.
        title: What people call it; also the title of the PDF.
        template: Name below the ``templates`` folder of a plugin; an institution's plugin may have one of the same name.
        facts: A frozen dataclass.
        compiled: Lay out once per shape, then draw only the values. The template must keep to these rules: every value
            stands last on its line, is left-aligned, and the whole is one page.
        fixed: Facts that many documents share (the institution, a notice of several lines). They may wrap and stay empty,
            and each combination of them is laid out for itself.
        repeated: Facts with few different values (sex, faculty); what was drawn once is drawn from memory.
        lines: Facts that are a tuple of lines, with the number of lines that the block has room for.
        images: Facts that are a JPEG as bytes, or None.
        codes: Facts that are printed as a QR code; none when empty.
        samples: Facts that are printed both ways and compared before the first document is handed out.
        shapes: Returns facts of the shapes that are in use now (the institution's name, the notices); they are laid out
            before workers fork. Called inside the application, may read the database.
        problem_code: Code of the error when a document cannot be printed.
    """

    name: str
    title: str
    template: str
    facts: type[F]
    compiled: bool = False
    fixed: tuple[str, ...] = ()
    repeated: tuple[str, ...] = ()
    lines: Mapping[str, int] = field(default_factory=_none)
    images: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    samples: tuple[F, ...] = ()
    shapes: Callable[[], Iterable[F]] | None = None
    problem_code: str = "document-failed"

    def __post_init__(self) -> None:
        if not is_dataclass(self.facts):
            raise PluginError("document-facts", f"The facts of the document {self.name} must be a dataclass.")
        known = {each.name for each in fields(self.facts)}
        named = {*self.fixed, *self.repeated, *self.lines, *self.images, *self.codes}
        if unknown := sorted(named - known):
            message = f"The document {self.name} names facts that {self.facts.__name__} does not have: "
            raise PluginError("document-facts", message + ", ".join(unknown))
        if self.compiled and not self.samples:
            raise PluginError(
                "document-samples", f"The compiled document {self.name} needs at least one sample."
            )


@dataclass(frozen=True, kw_only=True)
class Rendered:
    """One document of a bulk.

    Args:
        pdf: The bytes; None when there is a problem.
        fallback: The kind is compiled, but this one needed the full render.
        problem: Why it could not be printed; its code is the kind's ``problem_code``.
    """

    pdf: bytes | None
    fallback: bool = False
    problem: PortalError | None = None


@dataclass(frozen=True, kw_only=True)
class CompiledState:
    """How a compiled kind is printed in this process: ``compiled`` or, with the reason, by the full render."""

    kind: str
    compiled: bool
    shapes_count: int
    reason: str = ""
