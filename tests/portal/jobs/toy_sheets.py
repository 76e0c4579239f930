"""A kind of job that takes a sheet: things by name, with a number, a date and a colour."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, ClassVar

from pydantic import BaseModel, Field
from sqlalchemy import insert, select

from portal.jobs.kinds import SHEET, Column, Outcome, Plan, SheetJob, SourceRow, Work
from portal.jobs.states import Action, RowState
from portal.kernel.db import db
from tests.portal.jobs.toy_table import Thing


class Shelf(StrEnum):
    UPPER = "upper"
    LOWER = "lower"


class ListParams(BaseModel):
    shelf: Shelf = Field(Shelf.UPPER, title="Shelf")
    limit: int = Field(100, title="Limit", description="The highest number.", ge=1, le=1_000_000)


class ListRow(BaseModel):
    name: str
    code: str = ""
    born: str = ""
    colour: str = ""


class ListThings(SheetJob[ListParams, ListRow]):
    """Makes things out of the rows of a sheet; numbers must be below the limit."""

    name = "toy.list_things"
    title = "List things"
    introduction = "Things from a sheet."
    Params = ListParams
    Row = ListRow
    input_files: ClassVar[Mapping[str, str]] = {SHEET: "The things.", "pictures": "ZIP of pictures."}

    def permission(self, params: ListParams) -> str:
        return "toy.make"

    def columns(self, params: ListParams) -> Sequence[Column]:
        return (
            Column("name", "Name", required=True, aliases=("label", "Bezeichnung")),
            Column("code", "Code number", is_identifier=True, description="Its number.", examples=("00471",)),
            Column("born", "Made on", is_date=True),
            Column("colour", "Colour", choices=("red", "green")),
            Column("secret", "Secret", in_template=False),
        )

    def source_row(self, values: Mapping[str, str], number: int, params: ListParams) -> SourceRow[ListRow]:
        filled = {name: text for name, text in values.items() if name in ListRow.model_fields}
        row = ListRow(**filled) if values["name"] else ListRow(name=f"row {number}")
        return SourceRow(row=row, key=row.name, subject=row.name, label=row.name)

    def plan(self, rows: Sequence[ListRow], params: ListParams) -> Sequence[Plan]:
        names = [row.name for row in rows]
        known = set(db.session.scalars(select(Thing.name).where(Thing.name.in_(names))))
        return [self._plan(row, row.name in known) for row in rows]

    def _plan(self, row: ListRow, is_known: bool) -> Plan:
        if row.name.startswith("bad"):
            return Plan(action=Action.REFUSE, code="bad-name", message=f"{row.name} is a bad name.")
        if is_known:
            return Plan(action=Action.UPDATE, before={"born": ""}, after={"born": row.born})
        return Plan(action=Action.CREATE, after=row.model_dump())

    def apply(self, work: Sequence[Work[ListRow]], prepared: Any, params: ListParams) -> Sequence[Outcome]:
        new = [item for item in work if item.action is Action.CREATE or item.action == "create"]
        if new:
            values = [{"name": item.row.name, "number": len(item.row.code)} for item in new]
            db.session.execute(insert(Thing), values)
        return [Outcome(state=RowState.DONE, record_id=item.row.name) for item in work]
