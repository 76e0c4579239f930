"""What the institution is called and how it reads the clock."""

from zoneinfo import ZoneInfo, available_timezones

from flask import g, has_request_context
from pydantic import BaseModel, Field, field_validator


class InstitutionSettings(BaseModel):
    """Name and time zone of the institution, on every page."""

    name: str = Field("Campus Portal", min_length=1, max_length=120, description="Name on pages, letters and slips.")
    time_zone: str = Field("UTC", description="Time zone of the times on pages, such as Europe/Vienna.")

    @field_validator("time_zone")
    @classmethod
    def _known(cls, value: str) -> str:
        if value != "UTC" and value not in available_timezones():
            raise ValueError(f"{value!r} is not a time zone; use a name such as Europe/Vienna")
        ZoneInfo(value)
        return value


def institution() -> InstitutionSettings:
    """Return the institution's settings, read once per request."""
    from portal.settings.store import get

    if not has_request_context():
        return get(InstitutionSettings)
    if "portal_institution" not in g:
        g.portal_institution = get(InstitutionSettings)
    found: InstitutionSettings = g.portal_institution
    return found
