"""The menu entry of the upload of scores; the pages themselves are the portal's own for every job that takes a sheet."""

from typing import Any

from flask import redirect, request

from plugins.submissions.jobs import UploadScores
from portal.sdk.web import PortalView, expose, upload_url


class UploadView(PortalView):
    """Upload of scores."""

    @expose("/")
    def index(self) -> Any:
        """Lead to the upload page; parameters of the address fill in its form."""
        return redirect(upload_url(UploadScores.name, request.args.to_dict()))
