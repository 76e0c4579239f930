"""Ids that a spreadsheet has mangled, and dates that can be read two ways, are found before anything runs."""

import pytest

from portal.jobs.sheets.dates import DateFacts, DateOrder, iso_date, shown_both_ways
from portal.jobs.sheets.guards import IdFacts, is_garbled, mangled_id


def warning_of(cells: list[str]) -> str:
    facts = IdFacts()
    for number, cell in enumerate(cells, 2):
        facts.add(number, cell)
    found = facts.warning("Reg no", "reg_number")
    return f"{found.message} {' '.join(found.examples)}" if found is not None else ""


@pytest.mark.parametrize("cell", ["1E+11", "1.23456E+17", "1,2e+11", "4711.0", "4711,00"])
def test_shortened_numbers_are_seen_in_a_single_cell(cell: str) -> None:
    assert mangled_id(cell)
    assert f"row 2: {cell}" in warning_of([cell])


@pytest.mark.parametrize("cell", ["00471", "R1E5", "2E", "E12", "1.5", "471", "12-E+1", ""])
def test_ordinary_numbers_are_left_alone(cell: str) -> None:
    assert not mangled_id(cell)


def test_lost_zeros_show_against_the_other_rows() -> None:
    found = warning_of(["123456", "234567", "345678", "45678", "456789", "567890"])
    assert "nearly all numbers have 6 digits" in found
    assert "row 5: 45678" in found


@pytest.mark.parametrize(
    "cells",
    [
        ["123456", "234567", "345678", "456789"],
        ["000123", "234567", "345678", "012345"],
        [str(number) for number in range(1, 200)],
        ["R1", "R22", "R333"],
        ["12", "13", "4"],
        [],
    ],
)
def test_columns_that_look_right_raise_nothing(cells: list[str]) -> None:
    assert warning_of(cells) == ""


def test_digits_that_a_spreadsheet_cannot_keep_are_seen() -> None:
    long = [f"{number}00" for number in range(12_345_678_901_234, 12_345_678_901_240)]
    assert "last digits may be lost" in warning_of(long)


@pytest.mark.parametrize(
    ("cells", "order"),
    [
        (["2004-03-31", ""], DateOrder.ISO),
        (["31/12/2004", "01/02/2004"], DateOrder.DAY_FIRST),
        (["12/31/2004", "01/02/2004"], DateOrder.MONTH_FIRST),
        (["01/02/2004"], None),
        (["31/12/2004", "12/31/2004"], None),
        (["03/03/2004"], DateOrder.ISO),
        (["yesterday", "1/2/04"], DateOrder.ISO),
    ],
)
def test_the_order_of_day_and_month_is_told_or_asked_for(cells: list[str], order: DateOrder | None) -> None:
    facts = DateFacts()
    for cell in cells:
        facts.add(cell)
    assert facts.order == order


@pytest.mark.parametrize(
    ("cell", "order", "written"),
    [
        ("1.2.2004", DateOrder.DAY_FIRST, "2004-02-01"),
        ("1/2/2004", DateOrder.MONTH_FIRST, "2004-01-02"),
        ("03/03/2004", DateOrder.ISO, "2004-03-03"),
        ("2004/3/31", DateOrder.ISO, "2004-03-31"),
        ("31/12/2004 00:00:00", DateOrder.DAY_FIRST, "2004-12-31"),
        ("2004-03-31", DateOrder.MONTH_FIRST, "2004-03-31"),
        ("31/12/2004", DateOrder.MONTH_FIRST, "31/12/2004"),
        ("30/02/2004", DateOrder.DAY_FIRST, "30/02/2004"),
        ("1/2/04", DateOrder.DAY_FIRST, "1/2/04"),
        ("1/2/2004", DateOrder.ISO, None),
    ],
)
def test_dates_come_out_in_one_form_or_as_they_stand(
    cell: str, order: DateOrder, written: str | None
) -> None:
    assert iso_date(cell, order) == written


def test_both_readings_are_shown() -> None:
    assert shown_both_ways(["01/02/2004", "13/02/2004"]) == [
        ("01/02/2004", "1 February 2004", "2 January 2004"),
        ("13/02/2004", "13 February 2004", "–"),
    ]


def test_letters_in_the_wrong_encoding_are_seen() -> None:
    assert is_garbled("Müller".encode().decode("cp1252"))
    assert not is_garbled("Müller Adéyẹmí Ã")
