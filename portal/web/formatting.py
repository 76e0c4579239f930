"""How values look in lists and pages: states as badges, instants in the portal's time zone, sizes and numbers."""

import enum
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from portal.web.institution import institution

DASH = Markup('<span class="muted none">–</span>')

#: Tone of a badge by the word it shows; what is not listed is neutral.
TONES: Mapping[str, str] = {
    **dict.fromkeys(
        ("done", "finished", "admitted", "created", "active", "ok", "accepted", "open", "delivered"), "good"
    ),
    **dict.fromkeys(("failed", "rejected", "error", "broken", "withdrawn", "remove"), "bad"),
    **dict.fromkeys(("running", "planning", "update", "submitted", "reviewing", "in review"), "run"),
    **dict.fromkeys(
        ("planned", "pending", "refused", "awaiting_approval", "waiting", "incomplete", "warning"), "wait"
    ),
    **dict.fromkeys(("cancelled", "unchanged", "draft", "closed", "off", "lapsed", "ended"), "calm"),
    "create": "good",
    "refuse": "wait",
}
SECONDS_PER_MINUTE = 60
SECONDS_PER_HOUR = 3600
BYTES_STEP = 1024


def badge(value: Any, tone: str | None = None, label: str | None = None) -> Markup:
    """Return a state as a small coloured label; colour is never the only sign, the word is there."""
    if value is None or value == "":
        return DASH
    word = str(value.value if isinstance(value, enum.Enum) else value)
    text = label or str(getattr(value, "title_text", "") or word.replace("_", " "))
    return Markup('<span class="badge-state tone-{}">{}</span>').format(
        tone or TONES.get(word.lower(), "calm"), text
    )


def portal_zone() -> ZoneInfo:
    """Return the time zone that people read times in."""
    return ZoneInfo(institution().time_zone)


def local_time(value: datetime | None, *, seconds: bool = False) -> Markup:
    """Return an instant in the portal's time zone, with the exact UTC time on hover."""
    if value is None:
        return DASH
    local = value.astimezone(portal_zone())
    shown = local.strftime("%d %b %Y, %H:%M:%S" if seconds else "%d %b %Y, %H:%M")
    exact = value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return Markup('<time datetime="{}" title="{}">{}</time>').format(value.isoformat(), exact, shown)


def plain_date(value: date | None) -> Markup:
    """Return a calendar date."""
    if value is None:
        return DASH
    return Markup('<time datetime="{}">{}</time>').format(value.isoformat(), value.strftime("%d %b %Y"))


def count(value: int | None) -> str:
    """Return a number with thousands separated by thin spaces."""
    return "–" if value is None else f"{value:,}".replace(",", "\u202f")


def duration(seconds: float | None) -> str:
    """Return a span of seconds in words, rounded to what people need."""
    if seconds is None:
        return "–"
    if seconds < 1:
        return "under a second"
    whole = round(seconds)
    if whole < SECONDS_PER_MINUTE:
        return f"{whole} s"
    if whole < SECONDS_PER_HOUR:
        return f"{whole // SECONDS_PER_MINUTE} min {whole % SECONDS_PER_MINUTE:02d} s"
    return f"{whole // SECONDS_PER_HOUR} h {whole % SECONDS_PER_HOUR // SECONDS_PER_MINUTE:02d} min"


def size(size_bytes: int | None) -> str:
    """Return a size in bytes for people."""
    if size_bytes is None:
        return "–"
    amount = float(size_bytes)
    for unit in ("B", "KB", "MB", "GB"):
        if amount < BYTES_STEP or unit == "GB":
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= BYTES_STEP
    raise AssertionError("unreachable")


def shown(value: Any) -> Any:
    """Return any value as it is shown in a cell."""
    if isinstance(value, bool):
        return badge("yes" if value else "no", "good" if value else "calm")
    if value is None or value == "":
        return DASH
    if isinstance(value, enum.Enum):
        return badge(value)
    if isinstance(value, datetime):
        return local_time(value)
    if isinstance(value, date):
        return plain_date(value)
    if isinstance(value, UUID):
        return Markup("<code>{}</code>").format(str(value)[-12:])
    if isinstance(value, dict | list):
        return Markup("<code>{}</code>").format(escape(str(value)))
    return value


def column_type_formatters() -> dict[type, Any]:
    """Return the formatters by type for Flask-Admin's lists and details."""

    def show(view: Any, value: Any, name: str) -> Any:
        return shown(value)

    return dict.fromkeys((type(None), bool, enum.Enum, datetime, date, UUID, dict, list), show)
