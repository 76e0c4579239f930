"""What the forms of admissions share: the rules of fields, certificate menus, choices."""

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from wtforms import SelectField, ValidationError

from plugins.admissions.api.fields import FieldProblem, converted
from plugins.admissions.models import Certificate
from plugins.admissions.models.vocabulary import (
    CATEGORY_TITLES,
    PREFIX_TITLES,
    SEX_TITLES,
    SPECIAL_TITLES,
    STUDY_MODE_TITLES,
)
from portal.sdk import InvalidInput, db

Choices = list[tuple[str, str]]


def titled(titles: Mapping[str, str], *, empty: str | None = None) -> Choices:
    """Return the choices of a menu; with ``empty`` a first one that stands for nothing."""
    return ([("", empty)] if empty is not None else []) + [(word, title) for word, title in titles.items()]


SEXES = titled(SEX_TITLES)
PREFIXES = titled(PREFIX_TITLES)
CATEGORIES = titled(CATEGORY_TITLES)
STUDY_MODES = titled(STUDY_MODE_TITLES)
SPECIALS = titled(SPECIAL_TITLES, empty="None")
MODES = [("create", "Visitors make new applications"), ("update", "Visitors fill in imported applications")]


def keeps_rule(name: str) -> Callable[[Any, Any], None]:
    """Return the validator that holds a field to the same rule as the import; the value becomes the rule's."""

    def check(form: Any, field: Any) -> None:
        value = field.data
        if not isinstance(value, str) or not value.strip():
            return
        try:
            field.data = converted(name, value)
        except FieldProblem as problem:
            raise ValidationError(_sentence(str(problem))) from None

    return check


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


class CertificateField(SelectField):  # type: ignore[misc]
    """A menu of certificates by code; one that was removed meanwhile stays shown and chosen."""

    def __init__(self, label: str | None = None, validators: Any = None, **options: Any) -> None:
        options.pop("coerce", None)
        super().__init__(
            label, validators, choices=[], coerce=_code_or_none, validate_choice=False, **options
        )

    def iter_choices(self) -> Iterator[Any]:
        """Give the choices as the certificates are now; read when the page is shown."""
        yield ("", "None", self.data is None, {})
        known = False
        for code, title in db.session.execute(_listed()):
            known = known or code == self.data
            yield (code, f"{code} – {title}", code == self.data, {})
        if self.data and not known:
            yield (self.data, f"{self.data} – removed meanwhile", True, {})

    def has_groups(self) -> bool:
        """Say no: the menu is flat."""
        return False

    def pre_validate(self, form: Any) -> None:
        """Refuse a code that neither exists nor was chosen before.

        Raises:
            ValidationError: saying so.
        """
        if self.data is None or self.data == self.object_data:
            return
        if db.session.scalar(select(Certificate.id).where(Certificate.code == self.data)) is None:
            raise ValidationError(f"There is no certificate {self.data}.")


def _code_or_none(value: Any) -> str | None:
    return str(value) if value not in (None, "", "None") else None


def _listed() -> Any:
    return select(Certificate.code, Certificate.title).order_by(Certificate.code)


def not_negative(form: Any, field: Any) -> None:
    """Refuse a negative amount.

    Raises:
        ValidationError: saying so.
    """
    if field.data is not None and field.data < Decimal(0):
        raise ValidationError("It cannot be negative.")


def column_words(text: str) -> dict[str, str]:
    """Return what a person wrote about columns: ``their name = our field`` on each line.

    Raises:
        InvalidInput: ``columns-unreadable``, quoting the line.
    """
    words = {}
    for line in filter(None, (part.strip() for part in text.splitlines())):
        column, sign, field = line.rpartition("=")
        if not sign or not column.strip() or not field.strip():
            message = f"The line {line[:80]!r} is not written 'column of the sheet = field'."
            raise InvalidInput("columns-unreadable", message, {"field": "columns"})
        words[column.strip()] = field.strip()
    return words
