"""Who outgoing mail is from."""

from email.errors import MessageError
from email.headerregistry import Address

from pydantic import BaseModel, Field, field_validator

from portal.config import current_config
from portal.settings.store import get


class MailSettings(BaseModel):
    """Sender of the mails that the portal writes."""

    sender: str = Field(
        "",
        max_length=254,
        title="Sender address",
        description="From address of outgoing mail; empty means the one of the installation (PORTAL_MAIL_SENDER).",
    )
    sender_name: str = Field(
        "",
        max_length=120,
        title="Sender name",
        description="Shown in front of the address, such as Admissions Office. May be empty.",
    )
    reply_to: str = Field(
        "",
        max_length=254,
        title="Reply address",
        description="Where answers go; empty means the sender address.",
    )

    @field_validator("sender", "reply_to")
    @classmethod
    def _is_address(cls, value: str) -> str:
        if value:
            _parsed(value)
        return value

    @field_validator("sender_name")
    @classmethod
    def _is_one_line(cls, value: str) -> str:
        if not value.isprintable():
            raise ValueError("a name has visible characters and blanks only")
        return value


def sender_address() -> Address:
    """Return who mail is from: the stored sender, else the installation's."""
    settings = get(MailSettings)
    name, _, domain = (settings.sender or current_config().mail_sender).rpartition("@")
    return Address(display_name=settings.sender_name, username=name, domain=domain)


def reply_address() -> Address | None:
    """Return where answers go when that is not the sender."""
    reply_to = get(MailSettings).reply_to
    return _parsed(reply_to) if reply_to else None


def _parsed(value: str) -> Address:
    try:
        address = Address(addr_spec=value)
    except (ValueError, IndexError, MessageError) as error:
        raise ValueError(f"{value!r} is not an e-mail address") from error
    if not address.username or ("." not in address.domain and address.domain != "localhost"):
        raise ValueError(f"{value!r} is not an e-mail address; it looks like office@example.org")
    return address
