"""WeasyPrint, bound to our fonts and our addresses. Imported only where documents are printed, never by web pages."""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import ImageFile

from portal.documents.lookup import SCHEME, Lookup, media_type
from portal.documents.typefaces import Typefaces

with warnings.catch_warnings():
    # A machine without any font or font configuration is fine: only our own are used.
    warnings.simplefilter("ignore")
    from weasyprint import DEFAULT_OPTIONS, HTML
    from weasyprint.text.ffi import ffi, fontconfig, pangoft2
    from weasyprint.text.fonts import FontConfiguration
    from weasyprint.urls import FatalURLFetchingError, URLFetcher, URLFetcherResponse
# Importing WeasyPrint makes Pillow accept cut-off images in the whole process; uploads must still be refused.
ImageFile.LOAD_TRUNCATED_IMAGES = False

ffi.cdef("FcConfig *FcConfigCreate(void);")

__all__ = ["PDF_OPTIONS", "AssetFetcher", "FatalURLFetchingError", "OwnFonts", "Typesetter"]

#: Tagged and titled, so that screen readers can read a document.
PDF_OPTIONS: Mapping[str, Any] = {
    **DEFAULT_OPTIONS,
    "pdf_variant": "pdf/ua-1",
    "pdf_tags": True,
    "pdf_version": "1.7",
}


class OwnFonts(FontConfiguration):  # type: ignore[misc]  # WeasyPrint has no types
    """A font configuration that knows the given files only, so a document looks the same on every machine.

    The files are registered where they lie: fonts of ``@font-face`` rules would be copied to a folder that the first
    process to end removes, under the feet of those forked from it.
    """

    def __init__(self, files: Sequence[Path]) -> None:
        super().__init__()
        self._config = fontconfig.FcConfigCreate()
        font_map = ffi.cast("PangoFcFontMap *", self.font_map)
        pangoft2.pango_fc_font_map_set_config(font_map, self._config)
        fontconfig.FcConfigDestroy(self._config)  # the font map keeps it alive
        for path in files:
            fontconfig.FcConfigAppFontAddFile(self._config, str(path).encode())
        pangoft2.pango_fc_font_map_config_changed(font_map)


class AssetFetcher(URLFetcher):  # type: ignore[misc]  # WeasyPrint has no types
    """Gives WeasyPrint ``data:`` and ``asset:`` addresses and nothing else: no files, no network, no redirects."""

    def __init__(self, lookup: Lookup) -> None:
        super().__init__(allowed_protocols={"data", "asset"}, allow_redirects=False, fail_on_errors=True)
        self._lookup = lookup

    def fetch(self, url: str, headers: dict[str, str] | None = None) -> URLFetcherResponse:
        """Return the response for ``url``.

        Raises:
            ValueError: for any other scheme.
            NotFound: when the search path has no such asset.
        """
        if url.lower().startswith(SCHEME):
            path = self._lookup.asset(url[len(SCHEME) :])
            return URLFetcherResponse(url, path.read_bytes(), {"Content-Type": media_type(path)})
        return super().fetch(url, headers)


class Typesetter:
    """Lays out HTML with our fonts and our addresses.

    Args:
        lookup: Where assets are found.
        typefaces: The fonts.
    """

    def __init__(self, lookup: Lookup, typefaces: Typefaces) -> None:
        self._fetcher = AssetFetcher(lookup)
        self._fonts = OwnFonts(typefaces.files)

    def lay_out(self, html: str) -> Any:
        """Return WeasyPrint's document of a page, laid out and not yet drawn."""
        source = HTML(string=html, url_fetcher=self._fetcher, media_type="print")
        return source.render(font_config=self._fonts, **PDF_OPTIONS)
