"""Containers: their codes and rules, and finding them."""

import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from plugins.admissions.models import Container, session_title
from plugins.admissions.models.vocabulary import CATEGORY_TITLES, PREFIX_TITLES
from portal.sdk import Conflict, InvalidInput, NotFound, db, utc_now

YEARS_BACK, YEARS_AHEAD = 10, 4


def container_by_code(code: str) -> Container:
    """Return the container with this code.

    Raises:
        NotFound: ``container-not-found``, naming up to ten codes that exist.
    """
    found = db.session.scalar(select(Container).where(Container.code == code.strip()))
    if found is None:
        codes = db.session.scalars(select(Container.code).order_by(Container.code).limit(10)).all()
        raise NotFound(
            "container-not-found", f"There is no container {code!r}. There are: {', '.join(codes) or 'none'}."
        )
    return found


def get_container(container_id: uuid.UUID) -> Container:
    """Return the container.

    Raises:
        NotFound: ``container-not-found``.
    """
    found = db.session.get(Container, container_id)
    if found is None:
        raise NotFound("container-not-found", "There is no such container.")
    return found


def container_code(prefix: str, year: int | None, container_number: int | None) -> str:
    """Return the code of a new container: prefix and number if there is one, else prefix and year.

    Raises:
        InvalidInput: ``container-code`` without both; ``field-invalid`` for a number or year out of range.
    """
    if prefix not in PREFIX_TITLES:
        raise InvalidInput("field-invalid", f"The prefix must be one of {', '.join(PREFIX_TITLES)}.")
    if container_number is not None:
        if not 1 <= container_number <= 99:
            raise InvalidInput("field-invalid", "The container number must be between 1 and 99.")
        return f"{prefix}{container_number}"
    if year is None:
        raise InvalidInput("container-code", "Give either the year of entrance or a container number.")
    return f"{prefix}{year}"


def add_container(values: Mapping[str, Any]) -> Container:
    """Add a container and return it; code and, unless given, title are computed. Does not commit.

    Args:
        values: Fields of :class:`Container` but ``code``; at least ``prefix`` and ``year`` or ``container_number``.

    Raises:
        InvalidInput: values out of range.
        Conflict: ``container-exists``.
    """
    prefix, year = str(values.get("prefix", "")), values.get("year")
    code = container_code(prefix, year, values.get("container_number"))
    check_container(values)
    if db.session.scalar(select(Container.id).where(Container.code == code)) is not None:
        raise Conflict("container-exists", f"There is a container {code} already.")
    title = values.get("title") or PREFIX_TITLES[prefix] + (
        f" {session_title(year)}" if year is not None else ""
    )
    container = Container(**{**dict(values), "code": code, "title": title})
    db.session.add(container)
    db.session.flush()
    return container


def check_container(values: Mapping[str, Any]) -> None:
    """Refuse values that contradict each other.

    Raises:
        InvalidInput: ``field-invalid``, saying which.
    """
    year, this_year = values.get("year"), utc_now().year
    if year is not None and not this_year - YEARS_BACK <= year <= this_year + YEARS_AHEAD:
        message = f"The year must be between {this_year - YEARS_BACK} and {this_year + YEARS_AHEAD}."
        raise InvalidInput("field-invalid", message, {"field": "year"})
    category = values.get("application_category")
    if category is not None and category not in CATEGORY_TITLES:
        message = f"The application category must be one of {', '.join(CATEGORY_TITLES)}."
        raise InvalidInput("field-invalid", message, {"field": "application_category"})
    start, end = values.get("startdate"), values.get("enddate")
    if start is not None and end is not None and end < start:
        raise InvalidInput(
            "field-invalid", "The application period ends before it starts.", {"field": "enddate"}
        )
