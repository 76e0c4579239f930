"""What a REST call brings, judged before its operation runs: rate, size, form token, JSON, and what is wrong with it."""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NoReturn

from apiflask import APIFlask
from apiflask.exceptions import HTTPError
from flask import Flask, Response, request
from flask_wtf.csrf import CSRFError
from pydantic import ValidationError
from werkzeug.exceptions import RequestEntityTooLarge, UnsupportedMediaType

from portal.auth.bearer import brings_token, token_problem
from portal.auth.wiring import csrf
from portal.config import current_config
from portal.kernel.errors import Forbidden, InvalidInput
from portal.web.errors import answer_problem, below_api
from portal.web.rest.operations import operation_of
from portal.web.rest.rates import count_call, rate_headers

MOST_LEVELS = 20
MOST_PROBLEMS = 50
_LARGEST = 2**63
_FORM = "multipart/form-data"
_WRITING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_UNSTORABLE = re.compile(r"\\u(0000|[dD][89abAB])")


def init_reading(app: Flask) -> None:
    """Judge every REST call before the gate (rate, size, token) and after it (form token, content)."""
    if isinstance(app, APIFlask):
        app.error_callback = _refused
    app.before_request(_before_gate)
    app.after_request(_add_rate)


def judge_content() -> None:
    """Refuse what the operation does not take. Runs after the gate.

    Raises:
        Forbidden: ``form-token-missing``, for a sign-in that writes without one.
        UnsupportedMediaType: for another kind of body.
        RequestEntityTooLarge: for a body without a length that turns out too large.
    """
    operation = operation_of(request.endpoint)
    if operation is None or request.method not in _WRITING:
        return
    if not brings_token():
        _check_form_token()
    if operation.form is not None and request.mimetype != _FORM:
        raise UnsupportedMediaType
    if operation.form is not None and None in {*request.form, *request.files}:
        raise InvalidInput("part-without-name", "A part of the form has no name, or one that cannot be read.")
    if operation.body is not None and not request.is_json:
        raise UnsupportedMediaType
    if operation.body is not None and request.content_length is None:
        _refuse_cut_body()


def _refuse_cut_body() -> None:
    # Of a body without a length the library reads as much as is allowed, and takes that for the whole.
    if len(request.get_data(cache=True)) >= (request.max_content_length or 0):
        raise RequestEntityTooLarge


def _before_gate() -> None:
    operation = operation_of(request.endpoint)
    if operation is not None:
        if operation.form is None:
            request.max_content_length = current_config().api_body_max_bytes
        request.json_module = StrictJson
    if below_api():
        count_call()
    problem = token_problem()
    if problem is not None:
        raise problem


def _check_form_token() -> None:
    # A browser sends the cookie by itself, so a sign-in counts only with the token of a page of ours.
    try:
        csrf.protect()
    except CSRFError:
        raise Forbidden(
            "form-token-missing",
            "A call by a sign-in needs the page's form token in the header X-CSRFToken. Programs use a token.",
        ) from None


def _add_rate(response: Response) -> Response:
    for name, value in rate_headers().items():
        response.headers[name] = value
    return response


class StrictJson:
    """Reads JSON as its standard has it and as a database can keep it: finite numbers, real letters, few levels."""

    @staticmethod
    def loads(sent: str | bytes, **options: Any) -> Any:
        """Return the value.

        Raises:
            ValueError: for what is no JSON.
            InvalidInput: ``json-not-storable``: no number, too large a number, a letter that is none, too deep.
        """
        text = sent if isinstance(sent, str) else sent.decode("utf-8")
        try:
            value = json.loads(
                text, parse_constant=_no_number, parse_float=_finite, parse_int=_bounded, **options
            )
        except RecursionError:
            raise _too_deep() from None
        _check_levels(value, suspicious=_UNSTORABLE.search(text) is not None)
        return value

    @staticmethod
    def dumps(value: Any, **options: Any) -> str:
        """Return the value as JSON text."""
        return json.dumps(value, **options)


def _no_number(word: str) -> NoReturn:
    raise InvalidInput(
        "json-not-storable", f"{word} is no number in JSON. Send null, or leave the field out."
    )


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise InvalidInput("json-not-storable", f"The number {digits[:40]} is too large.")
    return number


def _bounded(digits: str) -> int:
    number = int(digits) if len(digits) < 25 else _LARGEST
    if not -_LARGEST <= number < _LARGEST:
        raise InvalidInput("json-not-storable", f"The number {digits[:40]} is too large.")
    return number


def _too_deep() -> InvalidInput:
    return InvalidInput("json-not-storable", f"The body is nested deeper than {MOST_LEVELS} levels.")


def _check_levels(value: Any, *, suspicious: bool) -> None:
    """Refuse deep nesting and, where the text gives reason to look, letters that no database stores."""
    level: list[Any] = [value]
    for _ in range(MOST_LEVELS):
        if suspicious:
            _refuse_letters(level)
        level = [
            inner
            for outer in level
            for inner in _inside(outer)
            if suspicious or isinstance(inner, dict | list)
        ]
        if not level:
            return
    raise _too_deep()


def _inside(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def _refuse_letters(values: Sequence[Any]) -> None:
    for value in values:
        for text in value if isinstance(value, dict) else (value,):
            if isinstance(text, str) and not _is_storable(text):
                raise InvalidInput(
                    "json-not-storable", "The body contains a character that cannot be stored."
                )


def _is_storable(text: str) -> bool:
    return "\x00" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


def _refused(error: HTTPError) -> Response:
    """Answer what the checks of query and body found: each field with its place, its rule and the reason."""
    cause = error.__cause__
    found = cause.errors(include_url=False) if isinstance(cause, ValidationError) else []
    place = {"json": "body", "form_and_files": "form"}
    source = place.get(next(iter(error.detail), ""), "query") if isinstance(error.detail, Mapping) else "body"
    errors = [_field_problem(source, item) for item in found[:MOST_PROBLEMS]]
    first = "; ".join(f"{item['field'] or source}: {item['message']}" for item in errors[:3])
    more = f" ({len(found)} problems in all)" if len(found) > 3 else ""
    return answer_problem(
        error.status_code,
        "not-valid",
        f"{(first or str(error.message)).rstrip('.')}{more}.",
        {},
        errors=errors,
    )


def _field_problem(source: str, problem: Any) -> dict[str, Any]:
    path = [str(part) for part in problem["loc"]]
    return {
        "in": source,
        "field": ".".join(path)[:300],
        "pointer": "".join(f"/{part.replace('~', '~0').replace('/', '~1')}" for part in path)[:300],
        "code": problem["type"],
        "message": problem["msg"],
    }
