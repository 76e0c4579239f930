"""Slots of cron texts: by the wall clock of a time zone, once each, also when clocks are moved."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from portal.jobs.schedules.cron import Cron

VIENNA = ZoneInfo("Europe/Vienna")
#: Clocks go forward at 01:00 UTC on 29 March 2026 and back at 01:00 UTC on 25 October 2026.
FORWARD, BACK = datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC)


def slots(
    text: str, start: datetime, end: datetime, step: timedelta, zone: ZoneInfo = VIENNA
) -> list[datetime]:
    """What a scheduler that looks every ``step`` finds to be the newest slot, each once, in the order it finds them."""
    cron, found, now = Cron(text), [], start
    while now <= end:
        slot = cron.latest(now, zone)
        if slot > start and (not found or found[-1] != slot):
            found.append(slot)
        now += step
    return found


def test_slot_is_at_the_time_of_the_wall_clock() -> None:
    now = datetime(2026, 7, 1, 12, tzinfo=UTC)

    assert Cron("30 2 * * *").latest(now, VIENNA) == datetime(2026, 7, 1, 0, 30, tzinfo=UTC)
    assert Cron("30 2 * * *").next(now, VIENNA) == datetime(2026, 7, 2, 0, 30, tzinfo=UTC)
    assert Cron("30 2 * * *").next(datetime(2026, 1, 1, tzinfo=UTC), VIENNA) == datetime(
        2026, 1, 1, 1, 30, tzinfo=UTC
    )


def test_slot_that_is_now_has_come() -> None:
    now = datetime(2026, 7, 1, 0, 30, tzinfo=UTC)

    assert Cron("30 2 * * *").latest(now, VIENNA) == now
    assert Cron("30 2 * * *").latest(now - timedelta(seconds=1), VIENNA) == now - timedelta(days=1)


@pytest.mark.parametrize("day", [FORWARD, BACK])
@pytest.mark.parametrize("text", ["30 2 * * *", "0 3 * * *", "15 1 * * *", "*/20 2 * * *"])
def test_daily_slot_comes_once_on_every_day_on_which_clocks_are_moved(day: datetime, text: str) -> None:
    found = slots(text, day - timedelta(hours=12), day + timedelta(hours=36), timedelta(minutes=10))

    expected = 2 * (3 if text.startswith("*") else 1)
    assert len(found) == len(set(found)) == expected
    assert found == sorted(found)


def test_slot_that_the_clock_skips_comes_an_hour_later() -> None:
    assert Cron("30 2 * * *").latest(FORWARD + timedelta(hours=5), VIENNA) == FORWARD + timedelta(
        hours=1, minutes=30
    )


def test_slot_that_the_clock_shows_twice_comes_the_first_time() -> None:
    assert Cron("30 2 * * *").latest(BACK + timedelta(hours=5), VIENNA) == BACK + timedelta(minutes=30)


@pytest.mark.parametrize("day", [FORWARD, BACK])
@pytest.mark.parametrize("text", ["*/10 * * * *", "30 * * * *"])
def test_slots_of_every_hour_come_in_every_real_hour(day: datetime, text: str) -> None:
    step = timedelta(minutes=10) if text.startswith("*") else timedelta(hours=1)
    found = slots(text, day - timedelta(hours=3), day + timedelta(hours=6), timedelta(minutes=10))

    assert [later - earlier for earlier, later in zip(found, found[1:], strict=False)] == [step] * (
        len(found) - 1
    )
    assert len(found) >= 9


@pytest.mark.parametrize("day", [FORWARD, BACK])
@pytest.mark.parametrize("text", ["30 2 * * *", "*/10 * * * *", "30 * * * *", "0 3 * * 0"])
def test_next_slot_is_the_one_that_then_comes(day: datetime, text: str) -> None:
    cron, now = Cron(text), day - timedelta(hours=5)
    while now < day + timedelta(hours=8):
        coming = cron.next(now, VIENNA)
        assert coming > now
        assert cron.latest(coming, VIENNA) == coming
        assert cron.latest(coming - timedelta(seconds=1), VIENNA) <= now
        now += timedelta(minutes=35)


def test_yearly_slot_is_found_far_away() -> None:
    assert Cron("0 0 1 1 *").latest(datetime(2026, 12, 31, tzinfo=UTC), VIENNA) == datetime(
        2025, 12, 31, 23, tzinfo=UTC
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "* * * *",
        "* * * * * *",
        "61 * * * *",
        "@daily",
        "R * * * *",
        "H 3 * * *",
        "0 0 30 2 *",
        "a b c d e",
    ],
)
def test_text_that_is_no_cron_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"fields|fixed|cron"):
        Cron(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("30 2 * * *", "every day at 02:30"),
        ("*/10 * * * *", "every 10 minutes"),
        ("5 * * * *", "every hour, 5 past"),
        ("5 */6 * * *", "every 6 hours, 5 past"),
        ("0 8 * * 1-5", "Monday to Friday at 08:00"),
        ("0 5 * * 0", "every Sunday at 05:00"),
        ("0 5 * * sun", "every Sunday at 05:00"),
        ("0 0 1 * *", "on day 1 of every month at 00:00"),
        ("0 8-17 * * *", ""),
        ("0 0 1 1 *", ""),
    ],
)
def test_simple_texts_have_words(text: str, words: str) -> None:
    assert Cron(text).words() == words
