"""The tables of users, roles, identities, activation codes, sign-ins and API tokens."""

import unicodedata
import uuid
from datetime import datetime
from typing import Any

from flask_security import RoleMixin, UserMixin
from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from portal.kernel.clock import utc_now
from portal.kernel.db import Base
from portal.kernel.ids import new_id
from portal.kernel.search_indexes import search_index, word_indexes


def sign_in_key(name: str) -> str:
    """Return the form of a sign-in name that must be unique: composed, case-folded, without outer blanks."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).strip().casefold())


def normal_email(email: str | None) -> str | None:
    """Return an e-mail address as it is stored and compared; None for an empty one."""
    return (email or "").strip().lower() or None


def new_uniquifier() -> str:
    """Return a fresh value that ties sign-ins to a user; changing it ends all of them."""
    return uuid.uuid4().hex


class UserRole(Base):
    """A user holds a role."""

    __tablename__ = "portal_user_role"
    __table_args__ = (Index("ix_portal_user_role_role_id", "role_id"),)

    user_id: Mapped[int] = mapped_column(ForeignKey("portal_user.id", ondelete="CASCADE"), primary_key=True)
    role_id: Mapped[int] = mapped_column(ForeignKey("portal_role.id", ondelete="CASCADE"), primary_key=True)


class Role(Base, RoleMixin):
    """A bundle of permissions; the administrator role holds all, declared or not."""

    __tablename__ = "portal_role"
    __table_args__ = (Index("ix_portal_role_title", "title", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    title: Mapped[str] = mapped_column(String(200))
    permissions: Mapped[list[Any]] = mapped_column(default=list)
    is_administrator: Mapped[bool] = mapped_column(default=False)

    def __str__(self) -> str:
        return self.title


class User(Base, UserMixin):
    """A person or a service account: staff, student, applicant. The e-mail is optional and need not be unique."""

    __tablename__ = "portal_user"
    __table_args__ = (
        Index("ix_portal_user_email", "email", "id"),
        Index("ix_portal_user_display_name", "display_name", "id"),
        Index("ix_portal_user_active", "active", "id"),
    )
    __audit_exclude__ = frozenset({"password", "fs_uniquifier", "sign_in_key", "last_seen_at"})

    id: Mapped[int] = mapped_column(primary_key=True)
    sign_in_name: Mapped[str] = mapped_column(String(80))
    #: The unique form of the sign-in name; follows it.
    sign_in_key: Mapped[str] = mapped_column(String(160), unique=True)
    display_name: Mapped[str] = mapped_column(String(200))
    email: Mapped[str | None] = mapped_column(String(254))  # type: ignore[assignment]
    password: Mapped[str | None] = mapped_column(String(255))
    active: Mapped[bool] = mapped_column(default=True)
    is_service: Mapped[bool] = mapped_column(default=False)
    fs_uniquifier: Mapped[str] = mapped_column(String(64), unique=True, default=new_uniquifier)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    last_seen_at: Mapped[datetime | None]
    #: When the person was erased; the name is a token since then, and nobody signs in with it.
    retired_at: Mapped[datetime | None]

    roles: Mapped[list[Role]] = relationship(  # type: ignore[assignment]
        secondary=UserRole.__table__, order_by=Role.name
    )

    @validates("sign_in_name")
    def _follow_name(self, key: str, value: str) -> str:
        value = value.strip()
        self.sign_in_key = sign_in_key(value)
        return value

    @validates("email")
    def _normalise_email(self, key: str, value: str | None) -> str | None:
        return normal_email(value)

    def __str__(self) -> str:
        return self.display_name


class ExternalIdentity(Base):
    """What another system, or the institution, calls a user: one user per provider and external id."""

    __tablename__ = "portal_external_identity"
    __table_args__ = (
        UniqueConstraint("provider", "external_id"),
        Index("ix_portal_external_identity_user_id", "user_id"),
        Index("ix_portal_external_identity_external_id", "external_id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    provider: Mapped[str] = mapped_column(String(60))
    external_id: Mapped[str] = mapped_column(String(200))
    user_id: Mapped[int] = mapped_column(ForeignKey("portal_user.id", ondelete="CASCADE"))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class PendingIdentity(Base):
    """An external id that could not be tied to its user at sign-in: why, and how often it was tried."""

    __tablename__ = "portal_pending_identity"
    __audited__ = False
    __table_args__ = (UniqueConstraint("user_id", "provider", "external_id"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[int] = mapped_column(ForeignKey("portal_user.id", ondelete="CASCADE"))
    provider: Mapped[str] = mapped_column(String(60))
    external_id: Mapped[str] = mapped_column(String(200))
    problem: Mapped[str] = mapped_column(String(500))
    attempts_count: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    tried_at: Mapped[datetime] = mapped_column(default=utc_now)


class Activation(Base):
    """The state of a user's activation code. The code itself is computed, never stored."""

    __tablename__ = "portal_activation"

    user_id: Mapped[int] = mapped_column(
        ForeignKey("portal_user.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    #: Raised by every new issue, which ends the earlier codes.
    issue: Mapped[int] = mapped_column(default=1)
    key_id: Mapped[str] = mapped_column(String(20))
    issued_at: Mapped[datetime] = mapped_column(default=utc_now)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class UserSession(Base):
    """One sign-in in one browser; its id is in the signed cookie, which is worth nothing without this row."""

    __tablename__ = "portal_user_session"
    __audited__ = False
    __table_args__ = (
        Index("ix_portal_user_session_user_id", "user_id"),
        Index("ix_portal_user_session_expires_at", "expires_at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[int] = mapped_column(ForeignKey("portal_user.id", ondelete="CASCADE"))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    last_seen_at: Mapped[datetime] = mapped_column(default=utc_now)
    expires_at: Mapped[datetime]
    address: Mapped[str] = mapped_column(String(60), default="")
    browser: Mapped[str] = mapped_column(String(200), default="")


class ApiToken(Base):
    """A secret by which a program acts for its owner, with a part of the owner's permissions."""

    __tablename__ = "portal_api_token"
    # Who made it is the audit entry's actor, whose name goes when the person is erased.
    __audit_exclude__ = frozenset({"secret_sha256", "last_used_at", "created_by_name"})
    __table_args__ = (Index("ix_portal_api_token_user_id", "user_id"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[int] = mapped_column(ForeignKey("portal_user.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(100))
    #: The readable part of the token, by which it is found and recognised.
    prefix: Mapped[str] = mapped_column(String(20), unique=True)
    secret_sha256: Mapped[str] = mapped_column(String(64))
    #: Names of permissions; what the owner does not hold counts for nothing.
    scopes: Mapped[list[Any]] = mapped_column(default=list)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    created_by_name: Mapped[str] = mapped_column(String(200))
    expires_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    owner: Mapped[User] = relationship()

    def __str__(self) -> str:
        return self.name


word_indexes(Role.title)
search_index(Role.name)
word_indexes(User.display_name)
search_index(User.sign_in_key)
search_index(User.email)
