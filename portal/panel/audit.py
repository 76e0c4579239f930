"""The audit record: who changed what, when."""

from typing import Any, ClassVar

from markupsafe import Markup

from portal.audit.models import AuditEntry
from portal.jobs.models import Job
from portal.kernel.db import db
from portal.panel.permissions import AUDIT_EXPORT
from portal.sdk.web import DateTimeBetweenFilter, FilterEqual, PortalModelView, job_url

SHOWN_CHANGES = 4
SHOWN_LETTERS = 60


def _changes_cell(view: Any, context: Any, entry: AuditEntry, name: str) -> Any:
    changes = entry.changes or {}
    parts = []
    for column, value in list(changes.items())[:SHOWN_CHANGES]:
        before, after = value if entry.action == "update" and isinstance(value, list) else (None, value)
        parts.append(_change(column, before, after))
    if len(changes) > SHOWN_CHANGES:
        parts.append(Markup('<li class="muted">and {} more</li>').format(len(changes) - SHOWN_CHANGES))
    return Markup('<ul class="changes">{}</ul>').format(Markup("").join(parts)) if parts else None


def _change(column: str, before: Any, after: Any) -> Markup:
    label = column.replace("_", " ")
    if before is None:
        return Markup("<li>{}: <ins>{}</ins></li>").format(label, _short(after))
    return Markup("<li>{}: <del>{}</del> → <ins>{}</ins></li>").format(label, _short(before), _short(after))


def _short(value: Any) -> str:
    text = "–" if value is None else str(value)
    return text if len(text) <= SHOWN_LETTERS else f"{text[:SHOWN_LETTERS]}…"


class AuditView(PortalModelView):
    """Every write, newest first. Nothing here can be changed."""

    introduction = "Every change of every record, newest first. It cannot be edited."
    permission_export = AUDIT_EXPORT
    column_formatters_export: ClassVar[dict[str, Any]] = {
        "changes": lambda view, context, entry, name: entry.changes,
    }
    column_list = ("at", "actor_name", "action", "target", "record_id", "changes")
    column_default_sort = ("at", True)
    column_sortable_list = ("at",)
    column_filters_walked = ("action",)
    column_labels: ClassVar[dict[str, str]] = {
        "at": "When",
        "actor_name": "Who",
        "action": "What",
        "target": "Table",
        "record_id": "Record",
        "job_id": "Job",
    }
    column_filters: ClassVar[list[Any]] = [
        FilterEqual(AuditEntry.target, "Table"),
        FilterEqual(AuditEntry.record_id, "Record"),
        FilterEqual(AuditEntry.action, "What"),
        FilterEqual(AuditEntry.actor_name, "Who"),
        DateTimeBetweenFilter(AuditEntry.at, "When"),
    ]
    column_formatters: ClassVar[dict[str, Any]] = {"changes": _changes_cell}
    details_template = "panel/audit_entry.html"

    def render(self, template: str, **facts: Any) -> Any:
        entry = facts.get("model")
        if isinstance(entry, AuditEntry) and entry.job_id is not None:
            job = db.session.get(Job, entry.job_id)
            facts["job"], facts["job_url"] = job, job_url(entry.job_id) if job is not None else None
        return super().render(template, **facts)
