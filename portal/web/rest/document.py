"""The OpenAPI document: what APIFlask finds, completed with permissions, problems, headers and plain parameters."""

import json
import re
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from apiflask import APIFlask
from flask import current_app
from werkzeug.routing import Rule

from portal import __version__
from portal.web.errors import PROBLEM_TYPE
from portal.web.rest.operations import NAME_START, OPERATION, Operation
from portal.web.rest.schemas import HEADERS, PARAMETERS, PROBLEM, PROBLEM_EXAMPLE, SECURITY, flattened

_DOCUMENT = "PORTAL_OPENAPI"
_PATH_PART = re.compile(r"<([^<:>]+:)?([^<>]+)>")
_ALWAYS = (401, 403, 405, 429, 500, 503)
_REASONS = {
    400: "The body, a header, or the cursor is malformed.",
    401: "No token, or not a good one.",
    403: "The permission is missing.",
    404: "There is no such thing, or not for this caller.",
    405: "This address does not answer this method.",
    409: "The thing is in a state that does not allow it; or the first call with this key still runs.",
    412: "The record has changed since the version that If-Match names.",
    413: "The body is too large.",
    415: "The body has another media type than the operation takes.",
    422: "What was sent cannot be accepted; `errors` names each field.",
    428: "If-Match is missing.",
    429: "Too many calls; Retry-After says when to come back.",
    500: "A bug. The operator finds it in the log by the request id.",
    503: "The portal is closed or busy; Retry-After says when to come back.",
}
_TEXT = """Everything that is done in bulk is a job: make one from rows or a file, look at its plan, apply it, follow
it, fetch its result.

Send a token with every call: `Authorization: Bearer cpt_…`. A token acts for its owner, with those of its scopes that
the owner holds at that moment. Errors are problem documents (RFC 9457). Writes take an `Idempotency-Key`; lists are
paged by signed cursors; records carry an `ETag`."""


def init_document(app: APIFlask) -> None:
    """Prepare the application for its document."""
    app.title, app.version = "Campus Portal", __version__
    app.config.update(
        DESCRIPTION=_TEXT,
        AUTO_SERVERS=False,
        AUTO_200_RESPONSE=False,
        AUTO_404_RESPONSE=False,
        AUTO_VALIDATION_ERROR_RESPONSE=False,
        AUTO_AUTH_ERROR_RESPONSE=False,
        SECURITY_SCHEMES=SECURITY,
    )
    app.spec_processor(_completed)


def openapi_document() -> dict[str, Any]:
    """Return the document of the running application; made once."""
    found: dict[str, Any] | None = current_app.extensions.get(_DOCUMENT)
    if found is None:
        for blueprint in current_app.blueprints.values():
            # Blueprints of pages do not know about documents.
            if not hasattr(blueprint, "enable_openapi"):
                blueprint.enable_openapi = False  # type: ignore[attr-defined]
        found = current_app.extensions[_DOCUMENT] = json.loads(json.dumps(current_app.spec))  # type: ignore[attr-defined]
    return found


def operations(app: APIFlask) -> Iterator[tuple[str, str, Rule, Operation]]:
    """Give path as the document has it, method, rule and operation of every REST route."""
    for rule in app.url_map.iter_rules():
        found: Operation | None = getattr(app.view_functions[rule.endpoint], OPERATION, None)
        if found is not None:
            path = _PATH_PART.sub(r"{\2}", rule.rule)
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield path, method.lower(), rule, found


def _completed(spec: Any) -> Any:
    app: Any = current_app
    paths = spec["paths"]
    known = {(path, method): (rule, operation) for path, method, rule, operation in operations(app)}
    for path, methods in list(paths.items()):
        for method, described in list(methods.items()):
            if (path, method) not in known:
                del methods[method]
                continue
            _complete(described, method, *known[path, method])
        if not methods:
            del paths[path]
    components = spec.setdefault("components", {})
    components.setdefault("schemas", {})["Problem"] = PROBLEM
    components["headers"] = HEADERS
    components["responses"] = {_problem_name(status): _problem(status) for status in _REASONS}
    used = {tag for methods in paths.values() for item in methods.values() for tag in item.get("tags", ())}
    spec["tags"] = [tag for tag in spec.get("tags", ()) if tag["name"] in used]
    return flattened(spec)


def _complete(described: dict[str, Any], method: str, rule: Rule, operation: Operation) -> None:
    described["operationId"] = rule.endpoint.removeprefix(NAME_START).replace(".", "_")
    described["summary"] = described.get("summary", "").removesuffix(".")
    needs = (
        f"Needs the permission `{operation.permission}`."
        if operation.permission
        else "Any good token will do."
    )
    described["description"] = "\n\n".join(filter(None, (described.get("description", ""), needs)))
    described["security"] = [{"token": []}, {"session": []}]
    if operation.permission:
        described["x-permission"] = operation.permission
    if operation.takes is not None:
        described["requestBody"] = {"content": {"application/json": {"schema": dict(operation.takes)}}}
    if "requestBody" in described:
        described["requestBody"]["required"] = True
    parameters = [_parameter(item, rule) for item in described.get("parameters", ())]
    described["parameters"] = parameters + [
        PARAMETERS[name] for name in _header_parameters(method, operation)
    ]
    described["responses"] = _responses(described.get("responses", {}), method, rule, operation)


def _header_parameters(method: str, operation: Operation) -> Iterator[str]:
    if operation.is_keyed:
        yield "key"
    if operation.match:
        yield f"match-{operation.match}"
    if method == "get" and operation.has_etag:
        yield "none-match"


def _parameter(described: Mapping[str, Any], rule: Rule) -> dict[str, Any]:
    """Return a parameter without what only JSON can say (null), and with the format that the address gives it."""
    schema = dict(described["schema"])
    choices = [item for item in schema.pop("anyOf", ()) if item != {"type": "null"}]
    if len(choices) == 1:
        schema = {**choices[0], **schema}
    elif choices:
        schema["anyOf"] = choices
    if schema.get("default", 0) is None:
        del schema["default"]
    made = {**described, "schema": schema}
    text = schema.pop("description", None)
    if text:
        made["description"] = text
    schema.pop("title", None)
    if described["in"] == "path":
        made["required"] = True
        schema.update(_path_schema(rule, described["name"]))
    return made


def _path_schema(rule: Rule, name: str) -> dict[str, Any]:
    converter: Any = rule._converters[name]  # noqa: SLF001 - the only place that knows
    if type(converter).__name__ == "UUIDConverter":
        return {"type": "string", "format": "uuid"}
    if type(converter).__name__ == "AnyConverter":
        return {"type": "string", "enum": sorted(converter.items)}
    if type(converter).__name__ == "IntegerConverter":
        return {"type": "integer", "minimum": 0, "maximum": 2**31 - 1}
    return {"type": "string", "minLength": 1}


def _responses(found: Mapping[str, Any], method: str, rule: Rule, operation: Operation) -> dict[str, Any]:
    good: dict[str, Any] = dict(found.get(str(operation.status), {}))
    good["description"] = HTTPStatus(operation.status).phrase
    if operation.files:
        good["content"] = {
            kind: {"schema": {"type": "string", "format": "binary"}} for kind in operation.files
        }
    elif operation.status == HTTPStatus.NO_CONTENT:
        good.pop("content", None)
    names = ["RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "X-Request-ID"]
    names += ["ETag"] if operation.has_etag else []
    names += ["Location"] if operation.has_location else []
    good["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
    made: dict[str, Any] = {str(operation.status): good}
    if method == "get" and operation.has_etag:
        made["304"] = {"description": "Not modified since the version that If-None-Match names."}
    for status in sorted({*_ALWAYS, *_further(method, rule, operation), *operation.problems}):
        made[str(status)] = {"$ref": f"#/components/responses/{_problem_name(status)}"}
    for status, reason in operation.problems.items():
        made[str(status)] = {**_problem(status), "description": reason}
    for status, reason in operation.also.items():
        made[str(status)] = _another(good, status, reason)
    return made


def _another(good: Mapping[str, Any], status: int, reason: str) -> dict[str, Any]:
    """Return an answer that has the shape of the good one under another status, or the shape of a problem."""
    made = {**good, "description": reason}
    if status == HTTPStatus.NO_CONTENT:
        made.pop("content", None)
    elif status >= HTTPStatus.BAD_REQUEST:
        made["content"] = {**good.get("content", {}), **_problem(status)["content"]}
    return made


def _further(method: str, rule: Rule, operation: Operation) -> Iterator[int]:
    yield from (400, 422)
    if rule.arguments:
        yield 404
    if operation.body is not None or operation.form is not None:
        yield from (413, 415)
    if operation.is_keyed:
        yield 409
    if operation.match:
        yield 412
    if operation.match == "required":
        yield 428


def _problem_name(status: int) -> str:
    return f"Problem{status}"


def _problem(status: int) -> dict[str, Any]:
    example = {**PROBLEM_EXAMPLE, "status": status, "title": HTTPStatus(status).phrase}
    described: dict[str, Any] = {
        "description": _REASONS.get(status, HTTPStatus(status).phrase),
        "content": {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}},
    }
    if status in (429, 503):
        described["headers"] = {"Retry-After": {"$ref": "#/components/headers/Retry-After"}}
    if status == HTTPStatus.UNAUTHORIZED:
        described["headers"] = {"WWW-Authenticate": {"$ref": "#/components/headers/WWW-Authenticate"}}
    return described
