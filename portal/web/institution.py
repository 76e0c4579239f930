"""What the institution is called, what its logo is, and how it reads the clock."""

from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from flask import current_app
from pydantic import BaseModel, Field, field_validator

from portal.files.images import ImageLimits
from portal.files.store import current_store
from portal.kernel.errors import NotFound
from portal.settings.store import get

#: What an uploaded logo may be, and the pixels that it is made to fit into.
LOGO_LIMITS = ImageLimits(max_bytes=5_000_000, target_width=400, target_height=240)


class InstitutionSettings(BaseModel):
    """Name, logo and time zone of the institution, on every page."""

    name: str = Field(
        "Campus Portal",
        min_length=1,
        max_length=120,
        title="Name",
        description="Name on pages, letters and slips.",
    )
    logo: str = Field(
        "",
        pattern="^([0-9a-f]{64})?$",
        title="Logo",
        description="JPEG or PNG, shown on pages and at the head of slips and letters. Transparent parts become white.",
        json_schema_extra={"widget": "image"},
    )
    time_zone: str = Field(
        "UTC",
        title="Time zone",
        description="Time zone of the times on pages, such as Europe/Vienna.",
        json_schema_extra={"choices": "time-zones"},
    )

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


def institution_logo() -> bytes | None:
    """Return the logo as a JPEG; None without one, or when its file is not in the store."""
    sha256 = institution().logo
    if not sha256:
        return None
    try:
        return _blob(sha256)
    except NotFound:
        current_app.logger.warning("the institution's logo %s is not in the store", sha256)
        return None


@lru_cache(maxsize=4)
def _blob(sha256: str) -> bytes:
    # Named by its content, so what was read once stays right.
    return current_store().read(sha256)
