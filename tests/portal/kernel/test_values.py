"""Instants, clocks, keys, actors and errors."""

import time
import uuid
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import select
from sqlalchemy.exc import StatementError

from portal.kernel import errors
from portal.kernel.actor import ANONYMOUS, SYSTEM, Actor, acting_as, current_actor
from portal.kernel.clock import database_now, utc_now
from portal.kernel.db import db
from portal.kernel.ids import new_id
from portal.kernel.transaction import transaction
from tests.portal.kernel.probe import Probe

on_both_engines = [pytest.mark.both_engines, pytest.mark.usefixtures("kernel")]


def stored(moment: datetime) -> datetime | None:
    with transaction() as session:
        session.add(Probe(name="a", at=moment))
    return db.session.scalar(select(Probe.at))


class TestInstants:
    pytestmark = on_both_engines

    def test_an_instant_comes_back_as_aware_utc(self) -> None:
        moment = datetime(2026, 3, 29, 2, 30, 15, 123456, tzinfo=timezone(timedelta(hours=5, minutes=30)))
        found = stored(moment)
        assert found == moment
        assert found is not None
        assert found.tzinfo is UTC

    def test_a_naive_moment_is_refused(self) -> None:
        with pytest.raises(StatementError, match="no time zone"):
            stored(datetime(2026, 3, 29, 2, 30))  # noqa: DTZ001 - that is the point

    def test_no_moment_stays_none(self) -> None:
        with transaction() as session:
            session.add(Probe(name="a", at=None))
        assert db.session.scalar(select(Probe.at)) is None

    def test_moments_are_compared_as_moments(self) -> None:
        noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
        stored(noon)
        later_by_name_only = datetime(2026, 1, 1, 13, tzinfo=timezone(timedelta(hours=2)))
        assert db.session.scalar(select(Probe.name).where(Probe.at > later_by_name_only)) == "a"

    def test_the_databases_clock_is_aware_and_goes_on_inside_a_transaction(self) -> None:
        with transaction() as session:
            first = database_now(session)
            time.sleep(0.02)
            second = database_now(session)
        assert first.tzinfo is UTC
        assert timedelta(0) < second - first < timedelta(seconds=5)
        assert abs(utc_now() - second) < timedelta(seconds=5)

    def test_the_databases_clock_can_be_compared_with_stored_instants(self) -> None:
        with transaction() as session:
            session.add(Probe(name="a", at=database_now(session) - timedelta(milliseconds=5)))
            session.add(Probe(name="b", at=database_now(session) + timedelta(seconds=5)))
        past = select(Probe.name).where(Probe.at < database_now(db.session()))
        assert list(db.session.scalars(past)) == ["a"]


def test_keys_are_version_7_unique_and_in_order_of_time() -> None:
    batches: list[list[uuid.UUID]] = []
    for _ in range(5):
        batches.append([new_id() for _ in range(1000)])
        time.sleep(0.002)
    keys = [key for batch in batches for key in batch]
    assert len(set(keys)) == len(keys)
    assert {(key.version, key.variant) for key in keys} == {(7, uuid.RFC_4122)}
    for earlier, later in zip(batches, batches[1:], strict=False):
        assert max(earlier) < min(later)
    assert abs((keys[-1].int >> 80) - time.time_ns() // 1_000_000) < 5_000


def test_the_actor_is_nobody_until_somebody_acts_and_again_afterwards() -> None:
    officer = Actor(user_id=7, name="officer", grants=frozenset({"a.b"}))
    assert current_actor() is ANONYMOUS
    with acting_as(SYSTEM):
        with acting_as(officer) as acting:
            assert current_actor() is acting is officer
        assert current_actor() is SYSTEM
    with pytest.raises(ZeroDivisionError), acting_as(officer):
        raise ZeroDivisionError
    assert current_actor() is ANONYMOUS
    assert not ANONYMOUS.grants
    assert not ANONYMOUS.is_administrator


def test_an_error_shows_its_message_and_keeps_facts_of_its_own() -> None:
    facts = {"row": 3}
    error = errors.InvalidInput("a-code", "Say which.", facts)
    error.facts["more"] = 1
    assert (str(error), error.code, error.status, facts) == ("Say which.", "a-code", 422, {"row": 3})


def test_every_error_has_the_status_that_its_page_answers_with() -> None:
    found = {
        error.__name__: error.status
        for error in vars(errors).values()
        if isinstance(error, type) and issubclass(error, errors.PortalError)
    }
    assert found == {
        "PortalError": 500,
        "InvalidInput": 422,
        "Forbidden": 403,
        "NotFound": 404,
        "Conflict": 409,
        "TooMany": 429,
        "UnderMaintenance": 503,
        "TemporaryFailure": 503,
        "StorageFull": 503,
        "NestedTransaction": 500,
        "PluginError": 500,
        "PluginLoadError": 500,
        "PluginClash": 500,
        "PluginReactionFailed": 500,
    }


def test_errors_with_words_of_their_own_say_them() -> None:
    assert errors.TooMany("slow-down", "Wait.", 30).retry_after_seconds == 30
    assert errors.UnderMaintenance("Back soon.", 60).facts == {"retry_after_seconds": 60}
    assert "room" in errors.StorageFull().message
    failed = errors.PluginReactionFailed("library", "admissions_students_created", "no shelf")
    assert "library" in failed.message
    assert "no shelf" in failed.message
