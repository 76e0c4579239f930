"""Looks at a sheet before anything runs: ids that a spreadsheet has mangled, dates that can be read two ways."""

import re
from collections import Counter
from dataclasses import dataclass, field

_EXPONENT = re.compile(r"[+-]?\d+(?:[.,]\d+)?[eE][+-]?\d+")
_TRAILING_ZERO = re.compile(r"\d+[.,]0+")
_LONG_DIGITS = 16
_EXAMPLES = 4
#: Lost zeros: most numbers of the column have one length of at least so many digits, and few are shorter.
_LEAST_DIGITS = 4
_LEAST_NUMBERS = 4
_SHARE = 0.75
#: What a file looks like that was written in UTF-8 and read as something else on its way here.
_GARBLED = re.compile(r"Ã[\u0080-\u00bf€-™]|Â[\u00a0-\u00bf]|\ufffd")


@dataclass(frozen=True, kw_only=True)
class SheetWarning:
    """Something about a sheet that a person should know before it is used.

    Args:
        code: ``ids-mangled``, ``dates-unclear``, ``text-garbled``, ``header-again``, ``cells-unusable``.
        message: What is wrong and what to do.
        column: Of the sheet; empty when it is about the whole sheet.
        field: That the column is mapped to.
        examples: ``row number: value``, from the file.
        stops: Whether nothing runs before a person has decided.
    """

    code: str
    message: str
    column: str = ""
    field: str = ""
    examples: tuple[str, ...] = ()
    stops: bool = False


def mangled_id(cell: str) -> str:
    """Return why an id was certainly not written like this by a person; empty when it may have been."""
    if _EXPONENT.fullmatch(cell):
        return "a spreadsheet has shortened this number, its last digits are lost"
    if _TRAILING_ZERO.fullmatch(cell):
        return "a spreadsheet has made an amount of this number"
    return ""


@dataclass(kw_only=True)
class IdFacts:
    """What the ids of one column look like; fed cell by cell."""

    mangled: list[tuple[int, str]] = field(default_factory=list)
    mangled_count: int = 0
    lengths: Counter[int] = field(default_factory=Counter)
    first_of_length: dict[int, tuple[int, str]] = field(default_factory=dict)
    zeros_at_end: list[tuple[int, str]] = field(default_factory=list)

    def add(self, number: int, cell: str) -> None:
        """Look at one cell."""
        if mangled_id(cell):
            self.mangled_count += 1
            if len(self.mangled) < _EXAMPLES:
                self.mangled.append((number, cell))
        elif cell.isascii() and cell.isdigit():
            self.lengths[len(cell)] += 1
            self.first_of_length.setdefault(len(cell), (number, cell))
            if len(cell) >= _LONG_DIGITS and cell.endswith("0") and len(self.zeros_at_end) < _EXAMPLES:
                self.zeros_at_end.append((number, cell))

    @property
    def usual_length(self) -> int | None:
        """The length that nearly all numbers have, when some are shorter."""
        if not self.lengths:
            return None
        length, count = self.lengths.most_common(1)[0]
        shorter = sum(number for other, number in self.lengths.items() if other < length)
        enough = length >= _LEAST_DIGITS and count >= _LEAST_NUMBERS
        return length if enough and shorter and count >= _SHARE * self.lengths.total() else None

    def warning(self, column: str, field_name: str) -> SheetWarning | None:
        """Return what a person must look at before these ids are used."""
        words, examples = [], []
        if self.mangled_count:
            words.append(
                f"{self.mangled_count:,} numbers were shortened or turned into amounts by a spreadsheet "
                "(such as 1.2E+11, 4711.0); what was cut off cannot be brought back"
            )
            examples += self.mangled[:2]
        if (length := self.usual_length) is not None:
            short = {other: number for other, number in self.lengths.items() if other < length}
            words.append(
                f"nearly all numbers have {length} digits, but {sum(short.values()):,} are shorter: "
                "a spreadsheet may have eaten their leading zeros"
            )
            examples += [self.first_of_length[other] for other in sorted(short, reverse=True)][:2]
        if self._has_long_digits():
            words.append(
                f"numbers of {_LONG_DIGITS} digits and more end in zeros: their last digits may be lost"
            )
            examples += self.zeros_at_end
        if not words:
            return None
        return SheetWarning(
            code="ids-mangled",
            message=f"In the column {column!r} {'; '.join(words)}.",
            column=column,
            field=field_name,
            examples=tuple(f"row {number}: {cell}" for number, cell in examples[:_EXAMPLES]),
            stops=True,
        )

    def _has_long_digits(self) -> bool:
        """Spreadsheets keep 15 digits: of longer numbers most then end in a zero, which by chance one in ten does."""
        long = sum(number for length, number in self.lengths.items() if length >= _LONG_DIGITS)
        return len(self.zeros_at_end) * 2 > long or len(self.zeros_at_end) >= _EXAMPLES


def is_garbled(cell: str) -> bool:
    """Say whether the letters of a cell look as if the file had been saved in the wrong encoding."""
    return not cell.isascii() and _GARBLED.search(cell) is not None
