"""Runs scenarios of submissions, one after the other, each in empty tables."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from types import ModuleType
from typing import Any

from flask import Flask

from plugins.submissions import errors
from plugins.submissions.errors import SubmissionError
from tests.conformance.submissions.calls import Call, calls_of, clean, listening_plugin
from tests.conformance.submissions.values import Normaliser, resolved

#: The old system's error classes; ours that it did not have stand for the nearest of them.
OLD_NAMES = {
    "SubmissionError",
    "SubmissionInternalError",
    "SubmissionNotFoundError",
    "SubmissionRequestError",
    "ExternalGraderQueueEmptyError",
    "DuplicateTeamSubmissionsError",
    "TeamSubmissionNotFoundError",
    "TeamSubmissionInternalError",
    "TeamSubmissionRequestError",
}


def extra_plugins() -> Mapping[str, ModuleType]:
    """Return the plugins that the application needs beside the installed ones."""
    return {"listener": listening_plugin()}


def observed(scenarios: Sequence[Mapping[str, Any]], app: Flask) -> list[dict[str, Any]]:
    """Return for each scenario its id and what its steps did. Reads ids and steps only, never expectations."""
    calls = calls_of(app)
    return [{"id": item["id"], "expect": _steps(item["steps"], calls)} for item in scenarios]


def _steps(steps: Sequence[Mapping[str, Any]], calls: Mapping[str, Call]) -> list[dict[str, Any]]:
    clean()
    normal, saved, outcomes = Normaliser(), {}, []
    for step in steps:
        try:
            arguments = resolved(step.get("args", []), saved)
            keywords = resolved(step.get("kwargs", {}), saved)
        except (KeyError, IndexError, TypeError):
            # It refers to a result that an earlier error prevented.
            outcomes.append({"skipped": True})
            continue
        try:
            result = calls[step["call"]](*arguments, **keywords)
            if hasattr(result, "__next__"):
                result = list(result)
        except Exception as error:
            outcomes.append(_described(error))
            continue
        if "save_as" in step:
            saved[step["save_as"]] = deepcopy(result)
        outcomes.append({"returns": normal(result)})
    return outcomes


def _described(error: Exception) -> dict[str, Any]:
    names = (kind.__name__ for kind in type(error).__mro__)
    name = next((name for name in names if name in OLD_NAMES), type(error).__name__)
    told: dict[str, Any] = {"raises": name, "is_submission_error": isinstance(error, SubmissionError)}
    if not told["is_submission_error"]:
        told["raises_module"] = type(error).__module__.partition(".")[0]
    if isinstance(error, errors.SubmissionRequestError):
        told["field_errors"] = {
            field: [getattr(problem, "code", "error") for problem in problems]
            for field, problems in error.field_errors.items()
        }
    return told
