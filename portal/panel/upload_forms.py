"""What the upload pages show and what their forms send: parameters, columns, decisions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from werkzeug.datastructures import MultiDict

from portal.jobs.kinds import Column
from portal.jobs.sheets.columns import IGNORE, Likeness
from portal.jobs.sheets.dates import DateOrder, shown_both_ways
from portal.jobs.sheets.encodings import TITLES
from portal.jobs.sheets.guards import SheetWarning
from portal.jobs.sheets.reading import Decisions
from portal.jobs.understanding import AnySheetJob, Understanding
from portal.kernel.errors import PortalError
from portal.settings.fields import SettingField, as_text, fields_of, from_text

#: Names in the columns form: of the field chosen for a column, of a date order, of a tick.
MAP, DATE, CONFIRM = "map-", "date-", "confirm-"
_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar", "\x1f": "unit separator"}
_SAMPLES = 3


def param_fields(kind: AnySheetJob) -> list[SettingField]:
    """Return the inputs of a kind's parameters, with the choices that the kind offers."""
    offered = kind.param_choices()
    fields = []
    for item in fields_of(kind.Params):
        choices = tuple(offered.get(item.name, ()))
        fields.append(replace(item, input="choice", choices=choices) if choices else item)
    return fields


def shown_params(fields: Sequence[SettingField], sent: Mapping[str, str]) -> dict[str, str]:
    """Return what each input holds: what was sent, or else the default."""
    return {item.name: sent.get(item.name, item.default) for item in fields}


def sent_params(fields: Sequence[SettingField], form: "MultiDict[str, str]") -> dict[str, Any]:
    """Return the parameters of a posted form, for the kind's model to check; what is left empty takes its default."""
    values: dict[str, Any] = {}
    for item in fields:
        text = form.get(item.name, "")
        if item.input == "switch" or text.strip():
            values[item.name] = from_text(item, text)
    return values


def param_words(kind: AnySheetJob, params: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return title and value of the parameters that are set, in words."""
    words = []
    for item in param_fields(kind):
        value = as_text(params.get(item.name))
        if value:
            words.append((item.title, dict(item.choices).get(value, value)))
    return words


@dataclass(frozen=True, kw_only=True)
class ColumnLine:
    """One column of the sheet, with samples and what it is mapped to."""

    place: int
    name: str
    samples: tuple[str, ...]
    field: str
    likeness: Likeness
    is_ours: bool

    @property
    def hint(self) -> tuple[str, str]:
        """Tone and words: how its field was found."""
        if self.is_ours:
            return "calm", "of a result file"
        if self.field == IGNORE:
            return "calm", "not read"
        return {
            Likeness.NAME: ("good", "found by its name"),
            Likeness.REMEMBERED: ("good", "as the last time"),
            Likeness.NEAR: ("wait", "similar name: is it right?"),
        }.get(self.likeness, ("run", "chosen"))


@dataclass(frozen=True, kw_only=True)
class DateLine:
    """A date column whose order a person may choose."""

    field: str
    column: str
    order: str
    is_sure: bool
    readings: Sequence[tuple[str, str, str]]


@dataclass(frozen=True, kw_only=True)
class ColumnsPage:
    """Everything that the columns page shows."""

    understanding: Understanding
    columns: Sequence[Column]
    decisions: Decisions
    problem: PortalError | None = None
    chosen: Mapping[str, str] = field(default_factory=dict)

    @property
    def lines(self) -> list[ColumnLine]:
        found = self.understanding
        return [
            ColumnLine(
                place=place,
                name=name,
                samples=self._samples(place),
                field=found.mapping[name],
                likeness=self._likeness(name),
                is_ours=name.startswith("_"),
            )
            for place, name in enumerate(found.header)
        ]

    def _likeness(self, name: str) -> Likeness:
        suggestion = self.understanding.suggestions[name]
        return suggestion.likeness if suggestion.field == self.understanding.mapping[name] else Likeness.NONE

    def _samples(self, place: int) -> tuple[str, ...]:
        filled = [row.cells[place].strip() for row in self.understanding.sample if row.cells[place].strip()]
        return tuple(dict.fromkeys(cell[:60] for cell in filled))[:_SAMPLES]

    @property
    def missing(self) -> list[Column]:
        """Required columns that nothing is mapped to."""
        mapped = set(self.understanding.fields.values())
        return [column for column in self.columns if column.required and column.name not in mapped]

    @property
    def date_lines(self) -> list[DateLine]:
        found = self.understanding
        names = {target: name for name, target in found.fields.items()}
        unclear = [
            self._date_line(target, names[target], "", examples)
            for target, examples in found.unclear_dates.items()
        ]
        told = [
            self._date_line(target, names[target], order.value, ())
            for target, order in found.dates.items()
            if order is not DateOrder.ISO
        ]
        return unclear + told

    def _date_line(self, target: str, column: str, order: str, examples: Sequence[str]) -> DateLine:
        chosen = self.decisions.dates.get(target)
        return DateLine(
            field=target,
            column=column,
            order=chosen.value if chosen is not None else order,
            is_sure=bool(order),
            readings=shown_both_ways(examples),
        )

    @property
    def mangled(self) -> list[SheetWarning]:
        return [warning for warning in self.understanding.warnings if warning.code == "ids-mangled"]

    @property
    def notes(self) -> list[SheetWarning]:
        """Warnings that stop nothing."""
        return [warning for warning in self.understanding.warnings if not warning.stops]

    @property
    def format_words(self) -> list[tuple[str, str]]:
        """What was understood of the file, as label and words."""
        found = self.understanding
        if found.sheet_kind == "xlsx":
            words = [("Format", "Excel workbook (XLSX)"), ("Sheet", found.sheet_name)]
            if found.other_sheets:
                words.append(("Not read", ", ".join(found.other_sheets[:5])))
            return words
        delimiter = _DELIMITERS.get(found.delimiter, found.delimiter)
        encoding = TITLES.get(found.encoding, found.encoding)
        return [("Format", "Text (CSV)"), ("Encoding", encoding), ("Between cells", delimiter)]


def sent_mapping(header: Sequence[str], form: Mapping[str, str]) -> dict[str, str]:
    """Return what the form says about each column."""
    return {name: form.get(f"{MAP}{place}") or IGNORE for place, name in enumerate(header)}


def sent_decisions(columns: Sequence[Column], form: Mapping[str, str]) -> Decisions:
    """Return the date orders that were chosen and the ids that were confirmed."""
    orders = {order.value: order for order in DateOrder}
    dates = {
        column.name: orders[text]
        for column in columns
        if column.is_date and (text := form.get(f"{DATE}{column.name}", "")) in orders
    }
    confirmed = [column.name for column in columns if form.get(f"{CONFIRM}{column.name}") == "1"]
    return Decisions(dates=dates, confirmed=confirmed)
