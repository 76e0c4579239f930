"""Filters of lists that need more than one column."""

from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import select

from plugins.admissions.models import Certificate, Container, Student, StudyCourse, session_title
from portal.sdk import db
from portal.sdk.web import RelatedFilter


def containers() -> Iterable[tuple[str, str]]:
    """Give the containers for a menu, newest session first."""
    found = db.session.execute(
        select(Container.id, Container.code, Container.title).order_by(Container.year.desc(), Container.code)
    )
    return [(str(key), f"{code} – {title}") for key, code, title in found]


def certificates() -> Iterable[tuple[str, str]]:
    """Give the certificates by code for a menu."""
    found = db.session.execute(select(Certificate.code, Certificate.title).order_by(Certificate.code))
    return [(code, f"{code} – {title}") for code, title in found]


def sessions() -> Iterable[tuple[str, str]]:
    """Give the entry sessions that occur, newest first."""
    found = db.session.scalars(
        select(StudyCourse.entry_session).distinct().order_by(StudyCourse.entry_session.desc())
    )
    return [(str(session), session_title(session)) for session in found]


def container_filter(column: Any) -> RelatedFilter:
    """Return the filter by container."""
    return RelatedFilter(column, "Container", containers, UUID)


class StudyCourseFilter(RelatedFilter):
    """Keeps students whose current study course has a value.

    Args:
        wanted: Column of the study course or of its certificate.
        name: On the menu.
        choices: As for ``RelatedFilter``.
        key_of: As for ``RelatedFilter``.
    """

    def __init__(
        self,
        wanted: Any,
        name: str,
        choices: Callable[[], Iterable[tuple[str, str]]],
        key_of: Callable[[str], Any],
    ) -> None:
        # The list itself is filtered by key only, so nothing is joined to it and no student comes twice.
        super().__init__(Student.id, name, choices, key_of)
        self._wanted = wanted

    def apply(self, query: Any, value: Any, alias: Any = None) -> Any:
        """Return the query for students whose current study course has the value."""
        current = select(StudyCourse.student_uid).join(StudyCourse.certificate).where(StudyCourse.is_current)
        return query.filter(Student.id.in_(current.where(self._wanted == value)))
