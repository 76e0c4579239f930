"""The list of stored files: what bytes the portal keeps."""

from typing import Any, ClassVar

from markupsafe import Markup

from portal.files.models import StoredFile
from portal.sdk.web import FilterEqual, PortalModelView, size


class StoredFilesView(PortalModelView):
    """Bytes by their hash; who they belong to is shown with the records."""

    introduction = "The bytes that records refer to. Files that nothing refers to any more are swept."
    can_view_details = False
    column_list = ("sha256", "media_type", "size_bytes", "created_at")
    column_default_sort = ("created_at", True)
    column_sortable_list = ("created_at", "size_bytes", "media_type")
    column_searchable_list = ("sha256",)
    column_labels: ClassVar[dict[str, str]] = {
        "sha256": "SHA-256",
        "media_type": "Type",
        "size_bytes": "Size",
        "created_at": "Stored",
    }
    column_filters: ClassVar[list[Any]] = [FilterEqual(StoredFile.media_type, "Type")]
    column_formatters: ClassVar[dict[str, Any]] = {
        "sha256": lambda view, context, file, name: Markup('<code title="{}">{}…</code>').format(
            file.sha256, file.sha256[:16]
        ),
        "size_bytes": lambda view, context, file, name: size(file.size_bytes),
    }
