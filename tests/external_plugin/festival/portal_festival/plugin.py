"""The festival plugin; ``FESTIVAL_FAULT`` switches on one of its ways to be broken."""

import os
from collections.abc import Sequence
from typing import Any

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.sdk import Base, MigrationSource, Permission, Role, hookimpl

FAULT = os.environ.get("FESTIVAL_FAULT", "")

PORTAL_API = ">=7,<9" if FAULT == "api" else ">=1,<3"
NAME = "festival"
TITLE = "Festival"
REQUIRES = ("fireworks",) if FAULT == "requires" else ()

if FAULT == "import":
    import portal_fireworks  # noqa: F401
if FAULT == "exit":
    raise SystemExit("The festival is cancelled.")


class Stage(Base):
    """A stage of the festival."""

    __tablename__ = "admissions_stage" if FAULT == "table" else "festival_stage"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(80))
    if FAULT == "model":
        acts = relationship("NoSuchAct")


@hookimpl
def portal_models() -> Sequence[type]:
    """Declare the stages."""
    if FAULT == "raise":
        raise RuntimeError("the band is late")
    return (Stage,)


@hookimpl
def portal_migrations() -> Sequence[MigrationSource]:
    """Declare the history."""
    folder = "nowhere" if FAULT == "migrations" else "migrations/versions"
    return (MigrationSource(package="portal_festival", folder=folder),)


@hookimpl
def portal_permissions() -> Sequence[Permission]:
    """Declare the permission to see stages."""
    name = "admissions.stages.view" if FAULT == "prefix" else "festival.stages.view"
    return (Permission(name=name, title="See stages"),)


@hookimpl
def portal_roles() -> Sequence[Any]:
    """Declare the role of who runs the festival."""
    if FAULT == "declaration":
        return ("director",)
    return (Role(name="director", title="Director", permissions=frozenset({"festival.stages.view"})),)


if FAULT == "hook":

    @hookimpl
    def portal_permisions() -> Sequence[Permission]:
        """A misspelt hook."""
        return ()
