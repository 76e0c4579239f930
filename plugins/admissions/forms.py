"""What the forms of admissions share: the rules of fields, certificate menus, choices."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from wtforms import DateTimeLocalField, SelectField, ValidationError
from wtforms.fields import SelectChoice
from wtforms.validators import InputRequired

from plugins.admissions.api.fields import FieldProblem, converted
from plugins.admissions.models import Certificate
from plugins.admissions.models.vocabulary import (
    CATEGORY_TITLES,
    PREFIX_TITLES,
    SEX_TITLES,
    SPECIAL_TITLES,
    STUDY_MODE_TITLES,
)
from portal.sdk import db
from portal.sdk.web import institution

Choices = list[SelectChoice]


def titled(titles: Mapping[str, str], *, empty: str | None = None) -> Choices:
    """Return the choices of a menu; with ``empty`` a first one that stands for nothing."""
    offered = [SelectChoice(word, title) for word, title in titles.items()]
    return [SelectChoice("", empty), *offered] if empty is not None else offered


SEXES = titled(SEX_TITLES)
PREFIXES = titled(PREFIX_TITLES)
CATEGORIES = titled(CATEGORY_TITLES)
STUDY_MODES = titled(STUDY_MODE_TITLES)
SPECIALS = titled(SPECIAL_TITLES, empty="None")
LABELS: Mapping[str, str] = {
    "firstname": "First name",
    "middlename": "Middle name",
    "lastname": "Last name",
    "date_of_birth": "Date of birth",
    "email": "E-mail",
    "reg_number": "Registration number",
    "course1": "First choice",
    "course2": "Second choice",
    "course_admitted": "Admitted to",
    "special_application": "Special application",
    "locked": "Form locked",
    "strict_deadline": "Strict deadline",
    "study_mode": "Study mode",
    "start_level": "Start level",
    "parents_email": "E-mail of the parents",
    "matric_number": "Matriculation number",
    "perm_address": "Permanent address",
    "officer_comment": "Comment of the office",
    "flash_notice": "Notice",
    "suspended_comment": "Why suspended",
}
MODES = titled(
    {"create": "Visitors make new applications", "update": "Visitors fill in imported applications"}
)


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
        options |= {"choices": self._offered, "coerce": _code_or_none, "validate_choice": False}
        super().__init__(label, validators, **options)

    def _offered(self) -> Choices:
        """Return the certificates as they are when the page is shown, and what is chosen, whether it exists or not."""
        offered = [SelectChoice(code, f"{code} – {title}") for code, title in db.session.execute(_listed())]
        if self.data and all(choice.value != self.data for choice in offered):
            offered.append(SelectChoice(self.data, f"{self.data} – removed meanwhile"))
        return [SelectChoice("", "None"), *offered]

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


class InstantField(DateTimeLocalField):  # type: ignore[misc]
    """An instant, typed in the portal's time zone and kept in UTC."""

    data: datetime | None

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return f"{self.data.astimezone(_zone()):%Y-%m-%dT%H:%M}" if self.data is not None else ""

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read what was typed.

        Raises:
            ValueError: for what is no date with a time.
        """
        super().process_formdata(valuelist)
        if self.data is not None:
            self.data = self.data.replace(tzinfo=_zone()).astimezone(UTC)


def _zone() -> ZoneInfo:
    return ZoneInfo(institution().time_zone)


def without(form: Any, names: set[str]) -> Any:
    """Return the form class without some fields."""
    for name in names:
        if hasattr(form, name):
            delattr(form, name)
    return form


def made_optional(form: Any, name: str) -> Any:
    """Return the form class with a field that may stay empty."""
    field = getattr(form, name)
    field.kwargs["validators"] = [
        item for item in field.kwargs["validators"] if not isinstance(item, InputRequired)
    ]
    return form


def not_negative(form: Any, field: Any) -> None:
    """Refuse a negative amount.

    Raises:
        ValidationError: saying so.
    """
    if field.data is not None and field.data < Decimal(0):
        raise ValidationError("It cannot be negative.")
