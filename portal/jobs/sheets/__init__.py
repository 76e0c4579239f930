"""Sheets in: what people upload is understood, or refused with the reason. Re-exports only."""

from portal.jobs.sheets.cells import Sheet, SheetRow
from portal.jobs.sheets.delimited import read_csv
from portal.jobs.sheets.opening import open_sheet

__all__ = ["Sheet", "SheetRow", "open_sheet", "read_csv"]
