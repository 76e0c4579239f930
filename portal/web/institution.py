"""What the institution is called and how it reads the clock."""

from zoneinfo import ZoneInfo, available_timezones

from pydantic import BaseModel, Field, field_validator

from portal.settings.store import get


class InstitutionSettings(BaseModel):
    """Name and time zone of the institution, on every page."""

    name: str = Field(
        "Campus Portal", min_length=1, max_length=120, description="Name on pages, letters and slips."
    )
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
    return get(InstitutionSettings)
