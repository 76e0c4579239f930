"""The REST interface keeps to its document, whoever calls it and whatever is sent."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextvars import Context
from typing import Any
from uuid import UUID

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from portal.auth.accounts import create_user
from portal.config import CONFIG_KEY
from portal.hooks.registry import current_registry
from portal.kernel.transaction import transaction
from portal.testing.clients import ApiClient, PortalClient
from portal.testing.people import sign_in
from portal.web.errors import PROBLEM_TYPE
from portal.web.rest.document import openapi_document

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
#: Calls for each caller, shared among the operations: the more there are, the fewer calls each gets.
CALLS = {"administrator": 300, "narrow token": 110, "no token": 50}
NARROW = ("portal.jobs.view",)
JOB = {
    "kind": "portal.link_identities",
    "rows": [{"provider": "x", "external_id": "1", "sign_in_name": "nobody"}],
}


class Isolated:
    """The application as a server runs it: every call in a context of its own."""

    def __init__(self, app: Flask) -> None:
        self._app = app

    def __call__(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        def answer() -> list[bytes]:
            body = self._app(environ, start_response)
            try:
                return list(body)
            finally:
                if hasattr(body, "close"):
                    body.close()

        return Context().run(answer)


@pytest.fixture
def document(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Any:
    schema = schemathesis.openapi.from_dict(openapi_document())
    schema.app = Isolated(app)
    often = app.config[CONFIG_KEY].model_copy(update={"api_requests_per_minute": 1_000_000})
    monkeypatch.setitem(app.config, CONFIG_KEY, often)
    monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", False)
    return schema


@pytest.fixture
def known(api: Callable[..., ApiClient]) -> Mapping[str, str]:
    """Path parameters that lead to something, and a caller who may see it."""
    administrator = api()
    job = administrator.post("/api/v1/jobs", json=JOB).get_json()
    assert job["state"] == "planned", job
    (file,) = administrator.get(job["links"]["files"]).get_json()["items"]
    return {
        "job_id": job["id"],
        "file_id": file["id"],
        "name": "portal.link_identities",
        "token": administrator.api_token,
    }


@pytest.mark.parametrize("role", CALLS)
def test_every_answer_is_as_documented(
    role: str, app: Flask, document: Any, known: Mapping[str, str], api: Callable[..., ApiClient]
) -> None:
    tokens = {"administrator": known["token"], "narrow token": api(*NARROW).api_token}
    headers = {"Authorization": f"Bearer {tokens[role]}"} if role in tokens else {}
    kinds = sorted(current_registry().job_kinds)
    answered: dict[str, set[int]] = defaultdict(set)
    operations = [found.ok() for found in document.get_all_operations()]
    examples = max(CALLS[role] // len(operations) // 2, 1 if role == "no token" else 2)
    # What is deleted cannot be read any more.
    for operation in sorted(operations, key=lambda operation: operation.method == "delete"):
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            answered[operation.label] |= _try(operation, mode, {**known, **headers}, kinds, examples)

    good = {label for label, statuses in answered.items() if min(statuses) < 400}
    if role == "administrator":
        reachable = {
            operation.label
            for operation in operations
            if operation.method == "get"
            and all(item.name in known or item.name == "form" for item in operation.path_parameters)
        }
        assert reachable - good == set()
    if role == "no token":
        assert good == set()


def test_each_suggested_role_gets_what_it_may_and_no_more(
    app: Flask, document: Any, known: Mapping[str, str]
) -> None:
    """By a sign-in: 403 where the permission is missing and nowhere else, each answer as documented."""
    roles = {role.name: role.permissions for role in current_registry().roles.values()}
    operations = [found.ok() for found in document.get_all_operations()]
    for role, permissions in roles.items():
        with transaction():
            user_id = create_user(f"holder-of-{role}", role, roles=[role]).id
        client = sign_in(PortalClient(app), user_id)
        sent = {"headers": {"X-CSRFToken": client.token("/api/docs")}, "cookies": _cookies(client, app)}
        for operation in operations:
            needed = operation.definition.raw.get("x-permission")
            status, missing = _call_bare(operation, known, sent)
            is_refused = status == 403 and missing == needed
            assert is_refused == (needed is not None and needed not in permissions), (role, operation.label)
            assert status not in (401, 403) or missing, (role, operation.label)


def _cookies(client: PortalClient, app: Flask) -> dict[str, str]:
    cookie = client.get_cookie(app.config["SESSION_COOKIE_NAME"])
    assert cookie is not None
    return {cookie.key: cookie.value}


def _call_bare(operation: Any, known: Mapping[str, str], sent: Mapping[str, Any]) -> tuple[int, str | None]:
    """Call the operation once, without a body; return the status and the permission that was missing."""
    names = {item.name: item.definition["schema"] for item in operation.path_parameters}
    arguments = {
        name: known.get(name)
        or (schema.get("enum") or ["0" if schema["type"] == "integer" else str(UUID(int=0))])[0]
        for name, schema in names.items()
    }
    case = operation.Case(path_parameters=arguments)
    answer = case.call_and_validate(checks=CHECKS, **sent)
    is_problem = answer.headers["content-type"][0] == PROBLEM_TYPE
    return answer.status_code, answer.json()["facts"].get("permission") if is_problem else None


def _try(operation: Any, mode: Any, known: Mapping[str, str], kinds: list[str], examples: int) -> set[int]:
    """Call the operation with generated arguments, some of which lead to what exists; return the statuses."""
    statuses = set()
    headers = {name: known[name] for name in ("Authorization",) if name in known}

    @settings(
        max_examples=examples,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(
        case=operation.as_strategy(generation_mode=mode), is_known=st.booleans(), kind=st.sampled_from(kinds)
    )
    def call(case: Any, is_known: bool, kind: str) -> None:
        further = dict(headers)
        if is_known:
            known_names = [name for name in case.path_parameters or () if name in known]
            case.path_parameters.update({name: known[name] for name in known_names})
            if isinstance(case.body, dict) and "kind" in case.body:
                case.body["kind"] = kind
            if "If-Match" in (case.headers or {}):
                further["If-Match"] = "*"
        statuses.add(case.call_and_validate(headers=further, checks=CHECKS).status_code)

    call()
    return statuses
