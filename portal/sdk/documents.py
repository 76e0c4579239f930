"""PDF documents, for plugins: declare kinds, render one, many or a preview. Re-exports only."""

from portal.documents.kinds import DASH, CompiledState, DocumentKind, Rendered
from portal.documents.samples import sample_photo
from portal.documents.service import preview_html, render_bulk, render_full, render_together

__all__ = [
    "DASH",
    "CompiledState",
    "DocumentKind",
    "Rendered",
    "preview_html",
    "render_bulk",
    "render_full",
    "render_together",
    "sample_photo",
]
