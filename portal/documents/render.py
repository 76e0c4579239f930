"""The full render: lays out every document for itself. Slow, prints everything, and is what the compiled way must match."""

from collections.abc import Sequence
from typing import Any

from portal.documents.kinds import DocumentKind
from portal.documents.layout import PDF_OPTIONS, FatalURLFetchingError, Typesetter
from portal.documents.pages import Pages
from portal.documents.sheets import Sheet, no_glyph
from portal.kernel.errors import InvalidInput, PortalError


def render_sheets(
    kind: DocumentKind[Any], sheets: Sequence[Sheet], pages: Pages, typesetter: Typesetter
) -> bytes:
    """Return one PDF of one or more documents of a kind; the same sheets give the same bytes.

    Raises:
        InvalidInput: with the kind's code, when a glyph is missing or the layout fails.
    """
    html = pages.for_print(kind, sheets)
    try:
        document = typesetter.lay_out(html)
        pdf: bytes = document.write_pdf(**PDF_OPTIONS)
    except (PortalError, MemoryError):
        raise
    except FatalURLFetchingError as error:
        # Not an Exception, so that layout cannot swallow it: the template asks for something it must not have.
        raise _layout_failed(kind, error.__cause__ or error) from error
    except Exception as error:
        # Whatever layout makes of a value concerns this document only.
        raise _layout_failed(kind, error) from error
    _refuse_missing_glyphs(kind, sheets, document)
    return pdf


def _layout_failed(kind: DocumentKind[Any], error: BaseException) -> InvalidInput:
    message = (
        f"{kind.title} could not be laid out: {error}. Check the template {kind.template} and the values."
    )
    return InvalidInput(kind.problem_code, message, {"error": type(error).__name__})


def _refuse_missing_glyphs(kind: DocumentKind[Any], sheets: Sequence[Sheet], document: Any) -> None:
    """Catch what the character table cannot tell, such as a mark that the font of its letter lacks."""
    for font in document.fonts.values():
        for point in font.missing:
            char = chr(point)
            for sheet in sheets:
                block = [(name, line) for name, lines in sheet.lines.items() for line in lines]
                for name, text in (*sheet.texts.items(), *block):
                    if char in text:
                        raise no_glyph(kind, name, text, char)
            raise no_glyph(kind, "template", kind.template, char)
