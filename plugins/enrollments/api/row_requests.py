"""The rows of a write as the engines use them: all that can be said of them without a look at the database."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, NamedTuple

from plugins.enrollments.api.inputs import (
    Normalise,
    are_plain_keys,
    duplicated_keys,
    exact,
    is_storable_key,
)
from plugins.enrollments.api.plans import RowPlan, refused
from plugins.enrollments.errors import DUPLICATED, INVALID_KEY, INVALID_STATUS


class RowRequest(NamedTuple):
    """A row that makes sense: its place in the call, its key as given and as compared, and what it asks for.

    ``detail`` is what the kind of write names beside key and status, as it was given.
    """

    place: int
    key: Hashable
    form: str
    status: str
    detail: Any


def row_requests(
    keys: Sequence[Hashable],
    requests: Sequence[Mapping[str, Any]],
    normalise: Normalise,
    statuses: frozenset[str],
    detail: str,
) -> tuple[list[RowRequest], dict[int, RowPlan]]:
    """Return the rows that make sense, and place to refusal of the others.

    Args:
        statuses: Those that there are.
        detail: Name of the field that the kind of write has beside key and status.
    """
    duplicated = duplicated_keys(keys, normalise)
    # Nearly always, and then one look at all keys is enough.
    are_usual = not duplicated and are_plain_keys(keys)
    forms: Sequence[Any] = keys if normalise is exact or not are_usual else list(map(normalise, keys))  # type: ignore[arg-type]
    wanted: list[RowRequest] = []
    refusals: dict[int, RowPlan] = {}
    for place, (key, form, request) in enumerate(zip(keys, forms, requests, strict=True)):
        status = request.get("status")
        if are_usual and type(status) is str and status in statuses:
            wanted.append(RowRequest(place, key, form, status, request.get(detail)))
            continue
        code = _refusal(key, status, duplicated, normalise, statuses)
        if code:
            refusals[place] = refused(key, code)
        else:
            wanted.append(RowRequest(place, key, normalise(str(key)), str(status), request.get(detail)))
    return wanted, refusals


def _refusal(
    key: Hashable, status: object, duplicated: set[Hashable], normalise: Normalise, statuses: frozenset[str]
) -> str:
    if (normalise(key) if isinstance(key, str) else key) in duplicated:
        return DUPLICATED
    if not is_storable_key(key, normalise):
        return INVALID_KEY
    return "" if isinstance(status, str) and status in statuses else INVALID_STATUS
