"""How values look."""

from datetime import UTC, date, datetime

import pytest
from flask import Flask

from portal.kernel.actor import SYSTEM, acting_as
from portal.kernel.errors import InvalidInput
from portal.kernel.transaction import transaction
from portal.settings.store import set_values
from portal.web.formatting import badge, count, duration, local_time, shown, size
from portal.web.institution import InstitutionSettings

MOMENT = datetime(2026, 1, 31, 23, 30, tzinfo=UTC)


def test_times_are_read_in_the_institutions_zone(app: Flask) -> None:
    with acting_as(SYSTEM), transaction():
        set_values(InstitutionSettings, {"time_zone": "Europe/Vienna"})
    assert ">01 Feb 2026, 00:30<" in local_time(MOMENT)
    assert 'title="2026-01-31 23:30:00 UTC"' in local_time(MOMENT)


def test_an_unknown_zone_is_refused(app: Flask) -> None:
    with pytest.raises(InvalidInput), acting_as(SYSTEM), transaction():
        set_values(InstitutionSettings, {"time_zone": "Europe/Atlantis"})


def test_markup_in_a_value_stays_text() -> None:
    assert badge("<b>x</b>") == '<span class="badge-state tone-calm">&lt;b&gt;x&lt;/b&gt;</span>'
    assert "<script>" not in shown({"name": "<script>"})


def test_a_state_has_its_tone_and_its_word() -> None:
    assert 'tone-good">finished<' in badge("finished")
    assert 'tone-wait">awaiting approval<' in badge("awaiting_approval")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, "–"), (0.2, "under a second"), (59, "59 s"), (61, "1 min 01 s"), (3660, "1 h 01 min")],
)
def test_spans_of_time_are_words(seconds: float | None, words: str) -> None:
    assert duration(seconds) == words


def test_numbers_and_sizes_are_readable() -> None:
    assert count(1234567) == "1\u202f234\u202f567"
    assert (size(512), size(2048), size(5 * 1024**3)) == ("512 B", "2.0 KB", "5.0 GB")
    assert shown(date(2026, 5, 1)) == '<time datetime="2026-05-01">01 May 2026</time>'
