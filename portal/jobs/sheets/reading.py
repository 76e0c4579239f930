"""How one uploaded sheet is to be read: decided once, before anything runs, and kept with the job."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from portal.jobs.sheets.cells import SheetKind
from portal.jobs.sheets.dates import DateOrder


@dataclass(frozen=True, kw_only=True)
class Decisions:
    """What a person decided about a sheet where it does not say itself.

    Args:
        dates: Date field → how the sheet writes it.
        confirmed: Identifier fields whose values are right although they look mangled.
    """

    dates: Mapping[str, DateOrder] = field(default_factory=dict)
    confirmed: Collection[str] = ()


class Reading(BaseModel):
    """What was understood of a sheet, and what a person decided about its columns.

    A job that is resumed, or planned by another worker, reads the sheet in exactly this way.
    """

    model_config = ConfigDict(frozen=True)

    kind: SheetKind
    header: tuple[str, ...]
    #: Column of the sheet → field; what is not here is not read.
    fields: Mapping[str, str]
    #: Field → how its dates are written.
    dates: Mapping[str, DateOrder] = Field(default_factory=dict)
    #: Fields whose strange-looking ids a person has looked at and wants as they are.
    confirmed: tuple[str, ...] = ()
    #: The rows were given as data, not in a file of somebody's: the first is row 1.
    is_given: bool = False
    encoding: str = ""
    delimiter: str = ""
    sheet_name: str = ""

    def stored(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return self.model_dump(mode="json")
