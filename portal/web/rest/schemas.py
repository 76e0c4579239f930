"""Parts of the OpenAPI document that stand for every operation: problems, headers, security; and tidy schema names."""

import json
from collections.abc import Mapping
from typing import Any

_SCHEMAS = "#/components/schemas/"

SECURITY = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "An API token, made in the panel under API tokens.",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "portal",
        "description": "A sign-in to the panel. Writes also need the page's form token in `X-CSRFToken`.",
    },
}

PROBLEM = {
    "type": "object",
    "description": "What went wrong (RFC 9457).",
    "required": ["type", "title", "status", "code", "detail", "facts", "errors", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri", "description": "The code as a URI."},
        "title": {"type": "string", "description": "The status in words."},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "Stable; for programs to decide by."},
        "detail": {"type": "string", "description": "For people: what is wrong and what to do about it."},
        "facts": {"type": "object", "description": "Plain values that belong to the code."},
        "errors": {
            "type": "array",
            "description": "What is wrong with each field.",
            "items": {
                "type": "object",
                "required": ["field", "code", "message"],
                "properties": {
                    "in": {"type": "string", "enum": ["body", "form", "query"]},
                    "field": {"type": "string"},
                    "pointer": {"type": "string", "description": "JSON pointer into what was sent."},
                    "code": {"type": "string"},
                    "message": {"type": "string"},
                },
            },
        },
        "request_id": {"type": "string", "description": "Names the call in the log."},
    },
}
PROBLEM_EXAMPLE = {
    "type": "urn:campus-portal:problem:example-code",
    "title": "",
    "status": 0,
    "code": "example-code",
    "detail": "What is wrong, and what to do about it.",
    "facts": {},
    "errors": [],
    "request_id": "b7c04ff5d2a14a51",
}

HEADERS: Mapping[str, Any] = {
    "ETag": {"description": "Names this version; send it back in If-Match.", "schema": {"type": "string"}},
    "Location": {"description": "Address of the job.", "schema": {"type": "string"}},
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "string"}},
    "WWW-Authenticate": {"description": "How to call.", "schema": {"type": "string"}},
    "RateLimit-Limit": {"description": "Calls in a minute.", "schema": {"type": "integer"}},
    "RateLimit-Remaining": {"description": "Calls that are left of it.", "schema": {"type": "integer"}},
    "RateLimit-Reset": {"description": "Seconds until it begins anew.", "schema": {"type": "integer"}},
    "X-Request-ID": {"description": "Names the call in the log.", "schema": {"type": "string"}},
}

_ETAG = {"type": "string", "maxLength": 200}
_NO_ETAG = "Answers 412 when the record has changed since. "
PARAMETERS: Mapping[str, Any] = {
    "key": {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "description": "Names this write: sent again within 24 hours, it is answered and not done again.",
        "schema": {"type": "string", "pattern": "^[!-~]{1,200}$"},
    },
    "match-optional": {
        "name": "If-Match",
        "in": "header",
        "required": False,
        "description": f"{_NO_ETAG}May be left out.",
        "schema": _ETAG,
    },
    "match-required": {
        "name": "If-Match",
        "in": "header",
        "required": True,
        "description": f"{_NO_ETAG}Needed: send the ETag of what you looked at.",
        "schema": _ETAG,
    },
    "none-match": {
        "name": "If-None-Match",
        "in": "header",
        "required": False,
        "description": "The ETag that you have: answers 304 when it is still the current one.",
        "schema": _ETAG,
    },
}


def flattened(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document with nested models named as what they are, where that name means one thing only."""
    schemas = document["components"]["schemas"]
    plain: dict[str, str] = {}
    for name in sorted(schemas):
        child = name.rpartition(".")[2]
        same = [other for other in schemas if other.rpartition(".")[2] == child]
        if len({_content(schemas[other]) for other in same}) == 1:
            plain[name] = child
    text = json.dumps({**document, "components": {**document["components"], "schemas": {}}})
    parts = {plain.get(name, name): _renamed(json.dumps(schema), plain) for name, schema in schemas.items()}
    made: dict[str, Any] = json.loads(_renamed(text, plain))
    made["components"]["schemas"] = {name: json.loads(parts[name]) for name in sorted(parts)}
    return made


def _renamed(text: str, plain: Mapping[str, str]) -> str:
    for name, short in plain.items():
        text = text.replace(f'"{_SCHEMAS}{name}"', f'"{_SCHEMAS}{short}"')
    return text


def _content(schema: Any) -> str:
    """Return a schema as text that is the same wherever the model stands."""
    text = json.dumps(schema, sort_keys=True)
    start = f'"{_SCHEMAS}'
    head, *refs = text.split(start)
    return start.join([head, *(_without_parent(ref) for ref in refs)])


def _without_parent(ref: str) -> str:
    name, quote, rest = ref.partition('"')
    return name.rpartition(".")[2] + quote + rest
