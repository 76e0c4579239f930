"""Judges what a system did by what the old one was seen to do, step by step."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

Outcome = Mapping[str, Any]
NOTES = {
    "quirk",
    "better",
    "observed_is_bug",
    "wrong_unless_raised",
    "on_postgresql",
    "on_postgresql_is_bug",
}
FRESH = {"uuid", "submitted_at", "created_at"}


class Mark(StrEnum):
    """As observed, as good or better, a consequence of better, a known bug repeated, or wrong."""

    OK = "ok"
    BETTER = "better"
    FREE = "free"
    BUG = "bug"
    WRONG = "wrong"


def marks_of(expected: Sequence[Outcome], got: Sequence[Outcome]) -> list[Mark]:
    """Return a mark per step of a scenario."""
    marks: list[Mark] = []
    for wanted, seen in zip(expected, got, strict=True):
        marks.append(_mark(wanted, seen, got, took_better=Mark.BETTER in marks))
    return marks


def _mark(wanted: Outcome, seen: Outcome, got: Sequence[Outcome], *, took_better: bool) -> Mark:
    if _same({key: value for key, value in wanted.items() if key not in NOTES}, seen):
        wrong = wanted.get("observed_is_bug")
        if "wrong_unless_raised" in wanted:
            wrong = "raises" not in got[wanted["wrong_unless_raised"]]
        return Mark.BUG if wrong else Mark.OK
    if any(_fits(way, seen, got) for way in wanted.get("better", ())):
        return Mark.BETTER
    if "on_postgresql" in wanted and _same(wanted["on_postgresql"], seen):
        return Mark.BUG if wanted.get("on_postgresql_is_bug") else Mark.OK
    nothing_asked = "quirk" in wanted and not wanted.get("better")
    if nothing_asked or (took_better and ("quirk" in wanted or seen.get("skipped"))):
        return Mark.FREE
    return Mark.WRONG


def _same(wanted: Outcome, seen: Outcome) -> bool:
    if "raises" in wanted or "raises" in seen:
        return wanted.get("raises") == seen.get("raises") and _fields(wanted) == _fields(seen)
    if "skipped" in wanted or "skipped" in seen:
        return bool(wanted.get("skipped")) == bool(seen.get("skipped"))
    return bool(_trimmed(wanted.get("returns")) == _trimmed(seen.get("returns")))


def _fields(outcome: Outcome) -> set[str] | None:
    fields = outcome.get("field_errors")
    return None if fields is None else set(fields)


def _trimmed(value: Any) -> Any:
    """Leave out a null ``team_submission_uuid``: the oldest shape does not have it."""
    if isinstance(value, dict):
        return {
            key: _trimmed(item)
            for key, item in value.items()
            if not (key == "team_submission_uuid" and item is None)
        }
    return [_trimmed(item) for item in value] if isinstance(value, list) else value


def _fits(way: Outcome, seen: Outcome, got: Sequence[Outcome]) -> bool:
    if "raises" in way:
        named = set(way.get("field_errors_include", ())) <= (_fields(seen) or set())
        return seen.get("raises") == way["raises"] and named
    if "raises_any_of" in way:
        return seen.get("raises") in way["raises_any_of"]
    if "raises_any_submission_error" in way:
        return bool(seen.get("is_submission_error"))
    if "skipped" in way:
        return bool(seen.get("skipped"))
    return "returns" in seen and _returns_as(way, seen["returns"], got)


def _returns_as(way: Outcome, result: Any, got: Sequence[Outcome]) -> bool:
    if "returns" in way:
        return bool(_trimmed(way["returns"]) == _trimmed(result))
    if "returns_counts" in way:
        return all(result.get(name) == count for name, count in way["returns_counts"].items())
    if "returns_status" in way:
        return bool(result["status"] == way["returns_status"])
    if "returns_any_attempt_number_not_in" in way:
        return result["attempt_number"] not in way["returns_any_attempt_number_not_in"]
    if "returns_like_step" in way:
        like = got[way["returns_like_step"]].get("returns")
        wanted = {**_trimmed(like), **way.get("except", {})} if like is not None else None
        return wanted is not None and _without_fresh(wanted) == _without_fresh(_trimmed(result))
    return False


def _without_fresh(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_fresh(item) for key, item in value.items() if key not in FRESH}
    return [_without_fresh(item) for item in value] if isinstance(value, list) else value
