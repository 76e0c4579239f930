"""Makes a function an operation of the REST interface: who may call it, what it takes, what it answers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from http import HTTPStatus
from typing import Any, Literal, TypeVar

from apiflask import APIBlueprint
from apiflask.schemas import EmptySchema
from flask import current_app, request
from pydantic import BaseModel

from portal.access.routes import requires, signed_in_only
from portal.web.rest.conditional import need_match, not_modified
from portal.web.rest.refusals import refused_by_rules
from portal.web.rest.repeating import once_per_key

V = TypeVar("V", bound=Callable[..., Any])
Match = Literal["", "optional", "required"]
#: Access of an operation that whoever is signed in, or brings any good token, may call.
SIGNED_IN = ""
OPERATION = "__portal_operation__"
NAME_START = "api_"


@dataclass(frozen=True, kw_only=True)
class Operation:
    """What an operation says about itself, for the checks before it runs and for the document.

    Args:
        permission: Needed to call it; ``SIGNED_IN`` means any actor.
        body, form: Model of a JSON or of a multipart body.
        status: Of a good answer.
        is_keyed: It writes, so an ``Idempotency-Key`` is honoured.
        match: Whether ``If-Match`` is looked at, or even needed.
        has_etag, has_location: Headers that a good answer carries.
        problems: Further statuses that it may answer with, with a sentence each.
        also: Further statuses of answers of the same model (204: of none), with a sentence each.
        takes: Schema of a JSON body that the function reads itself, for the document.
        files: Media types of a good answer that is a file.
    """

    permission: str
    body: type[BaseModel] | None = None
    form: type[BaseModel] | None = None
    status: int = 200
    is_keyed: bool = False
    match: Match = ""
    has_etag: bool = False
    has_location: bool = False
    problems: Mapping[int, str] = field(default_factory=dict)
    also: Mapping[int, str] = field(default_factory=dict)
    takes: Mapping[str, Any] | None = None
    files: tuple[str, ...] = ()


def api_blueprint(plugin: str, title: str, description: str = "", name: str = "") -> APIBlueprint:
    """Return a blueprint for operations of a plugin; declare it with ``RestApi`` in ``portal_rest``.

    Args:
        plugin: The plugin's name.
        title: Heading of its operations in the document.
        name: Tells a plugin's blueprints apart when it has several.
    """
    full = f"{NAME_START}{plugin}_{name}" if name else f"{NAME_START}{plugin}"
    return APIBlueprint(full, __name__, tag={"name": title, "description": description})


def api_route(  # noqa: PLR0913 - each says one thing about the operation
    permission: str,
    *,
    query: type[BaseModel] | None = None,
    body: type[BaseModel] | None = None,
    form: type[BaseModel] | None = None,
    answer: type[BaseModel] | None = None,
    status: int = 200,
    writes: bool = False,
    match: Match = "",
    etag: bool = False,
    location: bool = False,
    problems: Mapping[int, str] | None = None,
    also: Mapping[int, str] | None = None,
    takes: Mapping[str, Any] | None = None,
    files: tuple[str, ...] = (),
    example: Any = None,
) -> Callable[[V], V]:
    """Make a function an operation; put it under the blueprint's ``@get``, ``@post``, ``@patch``, ``@delete``.

    The function gets what it takes as ``query``, ``body`` and ``form``, checked, and answers with a model (or a
    mapping that fits it), with a tuple of model, status and headers, or with a response of its own. What is wrong is
    raised as ``PortalError``. A function that writes opens ``transaction()`` itself.

    Args:
        permission: Needed to call it; ``SIGNED_IN`` lets everybody in who is signed in or brings a good token.
        query, body, form: Models of the query string, of a JSON body, or of a multipart body.
        answer: Model of a good answer; None: no content, or a file of the types in ``files``.
        status: Of a good answer.
        writes: It changes something: it honours ``Idempotency-Key``.
        match: Whether it looks at ``If-Match`` (call ``check_match`` with the record's tag), or needs it.
        etag, location: Headers that a good answer carries; an answer with an ``ETag`` to a GET may become 304.
        problems: Further statuses that it answers with → why.
        also: Further statuses that answers of the same model have (204: of none) → why.
        takes: Schema of a JSON body that the function reads and judges itself, as older protocols want it.
        example: Of the body, for the document.
    """
    operation = Operation(
        permission=permission,
        body=body,
        form=form,
        status=status,
        is_keyed=writes,
        match=match,
        has_etag=etag,
        has_location=location,
        problems=dict(problems or {}),
        also=dict(also or {}),
        takes=takes,
        files=files,
    )

    def make(view: V) -> V:
        made: Any = _reading(view, query, body, form, example)
        if not files:
            made = _BARE.output(answer or EmptySchema, status_code=status)(made)
        made = _answering(_BARE.doc()(made), operation)
        setattr(made, OPERATION, operation)
        marked: V = requires(permission)(made) if permission else signed_in_only(made)
        return marked

    return make


#: Lends its decorators, which keep nothing.
_BARE = APIBlueprint("bare", __name__)


def operation_of(endpoint: str | None) -> Operation | None:
    """Return what the operation behind an endpoint says about itself; None for a page."""
    view = current_app.view_functions.get(endpoint or "")
    found: Operation | None = getattr(view, OPERATION, None)
    return found


def _reading(
    view: Any,
    query: type[BaseModel] | None,
    body: type[BaseModel] | None,
    form: type[BaseModel] | None,
    example: Any,
) -> Any:
    if query is not None:
        view = _BARE.input(query, location="query", arg_name="query")(view)
    if body is not None:
        view = _BARE.input(body, location="json", arg_name="body", example=example)(view)
    if form is not None:
        view = _BARE.input(form, location="form_and_files", arg_name="form", example=example)(view)
    return view


def _answering(view: Any, operation: Operation) -> Any:
    """Add what surrounds the function: precondition, repeated calls, conditional answer."""
    called = once_per_key(refused_by_rules(view)) if operation.is_keyed else view

    @wraps(view)
    def answer(*arguments: Any, **keywords: Any) -> Any:
        if operation.match == "required":
            need_match()
        response = current_app.make_response(called(*arguments, **keywords))
        if response.status_code == HTTPStatus.NO_CONTENT:
            del response.headers["Content-Type"]
        return not_modified(response) if request.method in ("GET", "HEAD") else response

    return answer
