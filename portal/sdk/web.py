"""Pages, for plugins: base views, actions, downloads, formats. Re-exports only."""

from flask_admin.contrib.sqla.filters import (
    BooleanEqualFilter,
    DateBetweenFilter,
    FilterEqual,
    FilterInList,
    FilterLike,
    IntEqualFilter,
)

from portal.access.routes import public_route, requires, signed_in_only
from portal.hooks.cards import CardContent, CardLink, Chart, DashboardCard, Figure, Series, Tone
from portal.hooks.declarations import FirstStep
from portal.kernel.searching import Found
from portal.web.actions import portal_action
from portal.web.charts import chart
from portal.web.downloads import ZipEntry, name_download, safe_filename, send_blob, stream_zip
from portal.web.filters import ChoiceFilter, DateTimeBetweenFilter, RelatedFilter
from portal.web.formatting import badge, count, duration, local_time, plain_date, shown, size
from portal.web.gate import to_sign_in
from portal.web.institution import InstitutionSettings, institution
from portal.web.links import job_url, upload_url
from portal.web.lookups import find_visible, narrowed_select
from portal.web.model_views import PortalModelView
from portal.web.tokens import new_form_token, sent_form_token
from portal.web.uploads import uploaded_file
from portal.web.views import PortalView, expose

__all__ = [
    "BooleanEqualFilter",
    "CardContent",
    "CardLink",
    "Chart",
    "ChoiceFilter",
    "DashboardCard",
    "DateBetweenFilter",
    "DateTimeBetweenFilter",
    "Figure",
    "FilterEqual",
    "FilterInList",
    "FilterLike",
    "FirstStep",
    "Found",
    "InstitutionSettings",
    "IntEqualFilter",
    "PortalModelView",
    "PortalView",
    "RelatedFilter",
    "Series",
    "Tone",
    "ZipEntry",
    "badge",
    "chart",
    "count",
    "duration",
    "expose",
    "find_visible",
    "institution",
    "job_url",
    "local_time",
    "name_download",
    "narrowed_select",
    "new_form_token",
    "plain_date",
    "portal_action",
    "public_route",
    "requires",
    "safe_filename",
    "send_blob",
    "sent_form_token",
    "shown",
    "signed_in_only",
    "size",
    "stream_zip",
    "to_sign_in",
    "upload_url",
    "uploaded_file",
]
