"""How admissions looks in lists: tones of states, links to records, codes of certificates."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import url_for
from markupsafe import Markup

from plugins.admissions.models import Certificate
from portal.sdk.web import badge, shown

STATE_TONES: Mapping[str, str] = {
    "initialized": "calm",
    "started": "calm",
    "paid": "wait",
    "submitted": "wait",
    "admitted": "good",
    "not admitted": "bad",
    "created": "run",
    "processed": "calm",
}


def record_link(endpoint: str, record_id: UUID | None, text: str) -> Any:
    """Return a link to a record's page; a dash when there is no record."""
    if record_id is None:
        return shown(None)
    return Markup('<a class="row-link" href="{}">{}</a>').format(
        url_for(f"{endpoint}.details_view", id=record_id), text
    )


def code_cell(view: Any, context: Any, record: Any, name: str) -> Any:
    """Show a code in a cell."""
    value = getattr(record, name)
    return Markup("<code>{}</code>").format(value) if value else shown(None)


def certificate_text(code: str | None, certificate: Certificate | None) -> Any:
    """Return a certificate as pages show it: code and title; one that is gone keeps its code and says so."""
    if not code:
        return shown(None)
    if certificate is None:
        return Markup("<code>{}</code> {}").format(code, badge("removed", "wait", "removed meanwhile"))
    return Markup('<a href="{}"><code>{}</code> {}</a>').format(
        url_for("admissions_certificate.details_view", id=certificate.id), code, certificate.title
    )
