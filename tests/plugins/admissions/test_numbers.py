"""Student numbers: the rule, the order, and that none comes twice."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask

from plugins.admissions.api.numbers import FIRST, SERIES, last_issued, reserve, student_number
from plugins.admissions.models import Student
from plugins.admissions.settings import AdmissionsSettings
from portal.sdk import db, run_in_transaction, transaction
from portal.settings.store import set_values
from tests.plugins.admissions.university import University, add, create_selected, force, issued, students


def test_numbers_are_a_letter_and_seven_digits() -> None:
    assert student_number(0, "K") == "K1000000"
    assert student_number(1, "B") == "B1000001"
    assert student_number(SERIES - 1, "K") == "K9999999"
    assert student_number(SERIES, "K") == "K10000000"


@pytest.mark.parametrize("seed", [0, 1, 2**62 - 1])
def test_spread_numbers_are_all_different_and_have_seven_digits(seed: int) -> None:
    numbers = {student_number(position, "K", seed) for position in range(20_000)}

    assert len(numbers) == 20_000
    assert all(FIRST <= int(number[1:]) < FIRST + SERIES for number in numbers)


def test_spread_numbers_do_not_follow_each_other() -> None:
    numbers = [int(student_number(position, "K", 4711)[1:]) for position in range(200)]

    steps = {after - before for before, after in zip(numbers, numbers[1:], strict=False)}
    assert len(steps) > 190


@pytest.mark.both_engines
def test_a_block_is_reserved_for_a_chunk(university: University) -> None:
    with transaction():
        first = reserve(3)
    with transaction():
        second = reserve(2)

    assert first + second == ["K1000000", "K1000001", "K1000002", "K1000003", "K1000004"]
    assert last_issued() == "K1000004"


def test_nothing_is_reserved_for_nobody(university: University) -> None:
    with transaction():
        assert reserve(0) == []
    assert issued() == 0
    assert last_issued() is None


def test_a_rolled_back_reservation_reserves_nothing(university: University) -> None:
    with pytest.raises(RuntimeError), transaction():
        reserve(5)
        raise RuntimeError

    with transaction():
        assert reserve(1) == ["K1000000"]


def test_numbers_that_a_student_has_are_left_out(university: University) -> None:
    create_selected(add(university))
    force(Student, students()[0].id, student_id="K1000002")

    with transaction():
        assert reserve(2) == ["K1000001", "K1000003"]


def test_the_letter_is_a_setting(university: University) -> None:
    with transaction():
        set_values(AdmissionsSettings, {"student_number_letter": "B"})
    with transaction():
        assert reserve(1) == ["B1000000"]


@pytest.mark.both_engines
def test_concurrent_claims_never_get_the_same_number(app: Flask, university: University) -> None:
    def claim(_: int) -> list[str]:
        with app.app_context():
            try:
                return run_in_transaction(lambda: reserve(7), retries=20)
            finally:
                db.session.remove()

    with ThreadPoolExecutor(4) as pool:
        blocks = list(pool.map(claim, range(12)))

    numbers = [number for block in blocks for number in block]
    assert len(set(numbers)) == 84
    assert issued() == 84
