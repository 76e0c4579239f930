"""Filters of lists beyond the stock ones."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from flask_admin.contrib.sqla.filters import BaseSQLAFilter
from flask_admin.contrib.sqla.filters import DateTimeBetweenFilter as NaiveBetweenFilter

from portal.web.formatting import portal_zone


class DateTimeBetweenFilter(NaiveBetweenFilter):  # type: ignore[misc]
    """Keeps rows whose instant lies between two moments, read in the portal's time zone."""

    def clean(self, value: str) -> list[datetime]:
        zone = portal_zone()
        return [moment.replace(tzinfo=zone).astimezone(UTC) for moment in super().clean(value)]


class ChoiceFilter(BaseSQLAFilter):  # type: ignore[misc]
    """Keeps rows whose column has one of a few words, chosen from a menu (a state, a kind)."""

    def __init__(self, column: Any, name: str, words: Iterable[str]) -> None:
        options = [(str(word), str(word).replace("_", " ")) for word in words]
        super().__init__(column, name, options=options)
        self._words = {value for value, _ in options}

    def validate(self, value: str) -> bool:
        return value in self._words

    def apply(self, query: Any, value: str, alias: Any = None) -> Any:
        return query.filter(self.get_column(alias) == value)

    def operation(self) -> str:
        return "is"


class RelatedFilter(BaseSQLAFilter):  # type: ignore[misc]
    """Keeps rows that refer to one related record, chosen from a menu made when the page is shown.

    Args:
        column: The foreign key column.
        name: On the menu.
        choices: Gives (key as text, title) pairs, at most a few hundred.
        key_of: Turns the chosen text into the column's value.
    """

    def __init__(
        self,
        column: Any,
        name: str,
        choices: Callable[[], Iterable[tuple[str, str]]],
        key_of: Callable[[str], Any],
    ) -> None:
        super().__init__(column, name)
        self.choices = choices
        self._key_of = key_of

    def clean(self, value: str) -> Any:
        return self._key_of(value)

    def apply(self, query: Any, value: Any, alias: Any = None) -> Any:
        return query.filter(self.get_column(alias) == value)

    def operation(self) -> str:
        return "is"
