"""Judges what a system did by what the two old states were seen to do."""

import json
from collections.abc import Mapping
from typing import Any

#: The old system's error classes, by what they mean.
MEANINGS = {
    "ValueError": "value",
    "TypeError": "value",
    "AssertionError": "value",
    "InvalidKeyError": "value",
    "ValidationError": "value",
    "KeyError": "missing_field",
    "IntegrityError": "integrity",
    "NonExistentCourseError": "course_not_found",
    "ProgramDoesNotExistException": "program_not_found",
    "ProgramHasNoAuthoringOrganizationException": "organization_not_found",
    "BadOrganizationShortNameException": "organization_not_found",
    "OrganizationDoesNotExistException": "organization_not_found",
    "ProviderDoesNotExistException": "provider_not_found",
    "ProviderConfigurationException": "provider_ambiguous",
    "ProgramEnrollment.DoesNotExist": "not_found",
    "ProgramCourseEnrollment.DoesNotExist": "not_found",
    "ProgramEnrollment.MultipleObjectsReturned": "several_found",
    "ProgramCourseEnrollment.MultipleObjectsReturned": "several_found",
    "CourseEnrollmentException": "refused",
    "EnrollmentClosedError": "refused",
    "CourseFullError": "refused",
    "EnrollmentNotAllowed": "refused",
    "AlreadyEnrolledError": "refused",
}


def is_as_observed(expected: Mapping[str, Any], got: Mapping[str, Any]) -> bool:
    """Say whether results and tables are those of the newest or of the older state."""
    older = expected["seed"]
    return _is_same(expected["newest"], got) or (isinstance(older, Mapping) and _is_same(older, got))


def _is_same(wanted: Mapping[str, Any], got: Mapping[str, Any]) -> bool:
    return (
        len(wanted["calls"]) == len(got["calls"])
        and all(map(_is_same_call, wanted["calls"], got["calls"]))
        and _rows(wanted.get("state")) == _rows(got.get("state"))
    )


def _is_same_call(wanted: Mapping[str, Any], got: Mapping[str, Any]) -> bool:
    if "raises" in wanted:
        return bool(got.get("meaning") == MEANINGS.get(wanted["raises"], "internal"))
    return "raises" not in got and wanted.get("result") == got.get("result")


def _rows(state: Mapping[str, Any] | None) -> dict[str, list[str]]:
    return {
        table: sorted(json.dumps(row, sort_keys=True) for row in rows)
        for table, rows in (state or {}).items()
        if rows
    }
