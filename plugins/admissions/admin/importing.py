"""The menu entry of the import; the pages themselves are the portal's own for every job that takes a sheet."""

from typing import Any

from flask import redirect, request

from plugins.admissions.jobs import ImportApplicants
from portal.sdk.web import PortalView, expose, upload_url


class ImportView(PortalView):
    """Import of applicants."""

    @expose("/")
    def index(self) -> Any:
        """Lead to the upload page; parameters of the address fill in its form."""
        return redirect(upload_url(ImportApplicants.name, request.args.to_dict()))
