"""Finding templates and their assets along the search path: later plugins first, so an institution's own wins."""

import mimetypes
from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from portal.kernel.errors import NotFound

SCHEME = "asset:"
ASSET_SUFFIXES = frozenset({".css", ".jpg", ".jpeg", ".otf", ".png", ".svg", ".ttf"})


class Lookup:
    """Templates and assets below the given folders, the first that has a name wins.

    Args:
        roots: ``templates`` folders, the most specific first.
    """

    def __init__(self, roots: Sequence[Path]) -> None:
        self.roots = tuple(root.resolve() for root in roots)
        # Sandboxing is not needed: templates come with installed code, people write only the values.
        self.environment = Environment(
            loader=FileSystemLoader(self.roots),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def asset(self, name: str) -> Path:
        """Return the file of an asset.

        Raises:
            NotFound: also for a name that leads out of the folders or has another suffix than pictures, fonts, CSS.
        """
        parts = PurePosixPath(name).parts
        if parts and PurePosixPath(name).suffix.lower() in ASSET_SUFFIXES and not {"..", "/"} & set(parts):
            for root in self.roots:
                path = root.joinpath(*parts).resolve()
                if path.is_relative_to(root) and path.is_file():
                    return path
        raise NotFound("asset-missing", f"There is no document asset {name!r}.")

    def data_uri(self, name: str) -> str:
        """Return an asset as a ``data:`` address, for pages that a browser shows."""
        path = self.asset(name)
        return f"data:{media_type(path)};base64,{b64encode(path.read_bytes()).decode()}"


def media_type(path: Path) -> str:
    """Return the media type that goes with the file's name."""
    return mimetypes.guess_type(path.name)[0] or "application/octet-stream"
