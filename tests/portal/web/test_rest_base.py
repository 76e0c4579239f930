"""What every operation of the REST interface gets from its base, on the library's operations."""

import io
import json
from collections.abc import Callable
from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from portal.config import CONFIG_KEY
from portal.hooks.declarations import RestApi
from portal.kernel.actor import SYSTEM, Actor, acting_as
from portal.kernel.clock import utc_now
from portal.kernel.db import db
from portal.kernel.errors import Conflict, NotFound, PluginClash, PluginLoadError
from portal.kernel.transaction import transaction
from portal.maintenance import service as maintenance
from portal.sdk.rest import api_blueprint, api_route
from portal.testing.clients import ApiClient, PortalClient
from portal.testing.people import make_user
from portal.web.rest.answers import KeptAnswer
from portal.web.rest.mounting import mount
from portal.web.rest.repeating import forget_old_answers, once_per_key

VIEW, EDIT = "library.books.view", "library.books.edit"
BOOKS = "/api/v1/library/books"
Programs = Callable[..., ApiClient]


@pytest.fixture
def reading(api: Programs) -> ApiClient:
    return api(VIEW)


@pytest.fixture
def writing(api: Programs) -> ApiClient:
    return api(VIEW, EDIT)


def code(answer: Any) -> tuple[int, str]:
    assert answer.mimetype == "application/problem+json", answer.get_data(as_text=True)
    problem = answer.get_json()
    assert problem["status"] == answer.status_code
    assert problem["type"] == f"urn:campus-portal:problem:{problem['code']}"
    assert problem["request_id"] == answer.headers["X-Request-ID"]
    return answer.status_code, problem["code"]


@pytest.mark.both_engines
def test_pages_follow_each_other_and_hide_what_is_narrowed_away(
    reading: ApiClient, books: dict[str, str]
) -> None:
    found, address = [], f"{BOOKS}?limit=2"
    while address:
        answer = reading.get(address).get_json()
        found += [item["title"] for item in answer["items"]]
        address = f"{BOOKS}?limit=2&cursor={answer['next']}" if answer["next"] else ""
    assert found == [f"book {number}" for number in range(5)]


def test_a_cursor_is_good_for_its_owner_its_list_and_its_filters_only(
    reading: ApiClient, api: Programs, books: dict[str, str]
) -> None:
    cursor = reading.get(f"{BOOKS}?limit=2").get_json()["next"]
    assert reading.get(f"{BOOKS}?limit=500&cursor={cursor}").status_code == 200
    flipped = cursor[:-1] + ("A" if cursor[-1] != "A" else "B")
    for bad in (flipped, cursor[:-3], "x", "." + cursor, ""):
        assert code(reading.get(BOOKS, query_string={"cursor": bad})) == (400, "cursor-invalid"), bad
    assert code(reading.get(f"{BOOKS}?state=open&cursor={cursor}")) == (400, "cursor-invalid")
    assert code(api(VIEW).get(f"{BOOKS}?cursor={cursor}")) == (400, "cursor-invalid")


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "limit=many", "page=2"])
def test_a_query_that_is_not_known_is_refused_by_name(reading: ApiClient, query: str) -> None:
    answer = reading.get(f"{BOOKS}?{query}")
    assert code(answer) == (422, "not-valid")
    (error,) = answer.get_json()["errors"]
    assert (error["in"], error["field"]) == ("query", query.partition("=")[0])


def test_a_stale_copy_is_not_written_back(writing: ApiClient, books: dict[str, str]) -> None:
    address = f"{BOOKS}/{books['book 1']}"
    tag = writing.get(address).headers["ETag"]
    assert code(writing.patch(address, json={"title": "new"})) == (428, "precondition-missing")
    first = writing.patch(address, json={"title": "new"}, headers={"If-Match": tag})
    assert (first.status_code, first.get_json()["title"]) == (200, "new")
    assert first.headers["ETag"] != tag
    stale = writing.patch(address, json={"title": "newer"}, headers={"If-Match": tag})
    assert code(stale) == (412, "changed-meanwhile")
    weak = writing.patch(address, json={"title": "x"}, headers={"If-Match": f"W/{first.headers['ETag']}"})
    assert code(weak) == (412, "changed-meanwhile")
    assert writing.patch(address, json={"title": "newer"}, headers={"If-Match": "*"}).status_code == 200


@pytest.mark.both_engines
def test_a_repeated_write_is_answered_and_not_done_again(writing: ApiClient, books: dict[str, str]) -> None:
    address = f"{BOOKS}/{books['book 1']}"
    headers = {"If-Match": writing.get(address).headers["ETag"], "Idempotency-Key": "k1"}
    first = writing.patch(address, json={"title": "new"}, headers=headers)
    again = writing.patch(address, json={"title": "new"}, headers=headers)
    assert (again.status_code, again.get_data()) == (200, first.get_data())
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["ETag"] == first.headers["ETag"]
    other = writing.patch(address, json={"title": "other"}, headers=headers)
    assert code(other) == (422, "idempotency-key-used")


def test_a_write_whose_first_call_still_runs_waits(writing: ApiClient, books: dict[str, str]) -> None:
    address = f"{BOOKS}/{books['book 1']}"
    headers = {"If-Match": "*", "Idempotency-Key": "k1"}
    writing.patch(address, json={"title": "new"}, headers=headers)
    with transaction() as session:
        session.execute(update(KeptAnswer).values(status=None))
    waiting = writing.patch(address, json={"title": "new"}, headers=headers)
    assert code(waiting) == (409, "call-not-ended")
    assert waiting.headers["Retry-After"] == "1"
    with transaction() as session:
        session.execute(update(KeptAnswer).values(locked_until=utc_now() - timedelta(seconds=1)))
    assert writing.patch(address, json={"title": "new"}, headers=headers).status_code == 200


@pytest.mark.both_engines
def test_a_call_that_lost_its_key_to_a_later_one_leaves_that_alone(app: Flask) -> None:
    user_id = make_user("ada")
    with (
        app.test_request_context("/", method="POST", headers={"Idempotency-Key": "k"}),
        acting_as(Actor(user_id=user_id, name="Ada")),
    ):

        def late() -> Any:
            with transaction() as session:
                session.execute(update(KeptAnswer).values(locked_until=utc_now() + timedelta(hours=1)))
            raise NotFound("gone", "It is gone.")

        with pytest.raises(NotFound):
            once_per_key(late)()
        assert db.session.scalar(select(func.count()).select_from(KeptAnswer)) == 1
        with pytest.raises(Conflict):
            once_per_key(late)()


def test_answers_are_kept_for_a_day(writing: ApiClient, books: dict[str, str]) -> None:
    address = f"{BOOKS}/{books['book 1']}"
    headers = {"If-Match": "*", "Idempotency-Key": "k1"}
    writing.patch(address, json={"title": "new"}, headers=headers)
    with transaction() as session:
        session.execute(update(KeptAnswer).values(created_at=utc_now() - timedelta(hours=25)))
    assert writing.patch(address, json={"title": "other"}, headers=headers).status_code == 200
    with transaction() as session:
        session.execute(update(KeptAnswer).values(created_at=utc_now() - timedelta(hours=25)))
        assert forget_old_answers() == 1
    assert db.session.scalar(select(func.count()).select_from(KeptAnswer)) == 0


@pytest.mark.parametrize("key", ["with blank", "x" * 201, "", "naïve"])
def test_a_key_that_is_none_is_refused(writing: ApiClient, books: dict[str, str], key: str) -> None:
    answer = writing.patch(
        f"{BOOKS}/{books['book 1']}",
        json={"title": "new"},
        headers={"If-Match": "*", "Idempotency-Key": key},
    )
    assert code(answer) == (422, "idempotency-key-invalid")


DEEP = '{"title": "a", "notes": ' + "[" * 30 + "]" * 30 + "}"
FAR_TOO_DEEP = '{"title": "a", "notes": ' + "[" * 100_000 + "]" * 100_000 + "}"


@pytest.mark.parametrize(
    ("content", "status", "reason"),
    [
        ('{"title": "a", "weight": NaN}', 422, "json-not-storable"),
        ('{"title": "a", "weight": -Infinity}', 422, "json-not-storable"),
        ('{"title": "a", "weight": 1e999}', 422, "json-not-storable"),
        ('{"title": "a", "notes": 18446744073709551616}', 422, "json-not-storable"),
        ('{"title": "a", "notes": ' + "9" * 5000 + "}", 422, "json-not-storable"),
        ('{"title": "nul \\u0000"}', 422, "json-not-storable"),
        ('{"title": "half \\ud800"}', 422, "json-not-storable"),
        ('{"title": "a", "notes": {"\\u0000": 1}}', 422, "json-not-storable"),
        (DEEP, 422, "json-not-storable"),
        (FAR_TOO_DEEP, 422, "json-not-storable"),
        ('{"title": "a"', 400, "bad-request"),
        ("", 400, "bad-request"),
        (b'{"title": "\xff"}', 400, "bad-request"),
        ("[]", 422, "not-valid"),
        ('{"title": ""}', 422, "not-valid"),
        ('{"title": "a", "wish": 1}', 422, "not-valid"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_json_that_cannot_be_used_is_refused(
    writing: ApiClient, books: dict[str, str], content: str | bytes, status: int, reason: str
) -> None:
    answer = writing.patch(
        f"{BOOKS}/{books['book 1']}",
        data=content,
        content_type="application/json",
        headers={"If-Match": "*"},
    )
    assert code(answer) == (status, reason)


def test_letters_beyond_the_basic_plane_are_letters(writing: ApiClient, books: dict[str, str]) -> None:
    answer = writing.patch(
        f"{BOOKS}/{books['book 1']}",
        data=json.dumps({"title": "𝔸 \\u0000 🎓"}),
        content_type="application/json",
        headers={"If-Match": "*"},
    )
    assert answer.get_json()["title"] == "𝔸 \\u0000 🎓"


def test_every_status_below_api_is_a_problem(
    writing: ApiClient, app: Flask, books: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"{BOOKS}/{books['book 1']}"
    monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", False)
    assert code(writing.get("/api/nowhere")) == (404, "not-found")
    wrong_method = writing.post(BOOKS)
    assert code(wrong_method) == (405, "method-not-allowed")
    assert "GET" in wrong_method.headers["Allow"]
    form = writing.patch(address, data={"title": "x"}, headers={"If-Match": "*"})
    assert code(form) == (415, "media-type-wrong")
    large = writing.patch(
        address, data=b" " * 17_000_000, content_type="application/json", headers={"If-Match": "*"}
    )
    assert code(large) == (413, "body-too-large")
    streamed = writing.patch(
        address,
        input_stream=io.BytesIO(b'{"title": "x"}' + b" " * 17_000_000),
        content_type="application/json",
        headers={"If-Match": "*"},
        environ_overrides={"wsgi.input_terminated": True},
    )
    assert code(streamed) == (413, "body-too-large")
    options = writing.options(address)
    assert (options.status_code, "PATCH" in options.headers["Allow"]) == (200, True)
    assert code(writing.get("/api/v1/library/broken")) == (500, "internal-error")


@pytest.mark.both_engines
def test_a_rule_of_a_table_is_no_bug(writing: ApiClient, books: dict[str, str]) -> None:
    answer = writing.patch(
        f"{BOOKS}/{books['book 1']}",
        json={"title": "book 2"},
        headers={"If-Match": "*", "Idempotency-Key": "k"},
    )
    assert code(answer) == (409, "already-taken")
    assert answer.get_json()["errors"][0]["field"] == "title"
    assert writing.get(f"{BOOKS}/{books['book 1']}").get_json()["title"] == "book 1"


def test_a_closed_portal_says_when_to_come_back(reading: ApiClient) -> None:
    with acting_as(SYSTEM), transaction():
        maintenance.start("new semester", SYSTEM)
    answer = reading.get(BOOKS)
    assert code(answer) == (503, "under-maintenance")
    assert int(answer.headers["Retry-After"]) > 0


def test_calls_are_limited_per_user(
    reading: ApiClient, api: Programs, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = app.config[CONFIG_KEY].model_copy(update={"api_requests_per_minute": 20})
    monkeypatch.setitem(app.config, CONFIG_KEY, few)
    answers = [reading.get(BOOKS) for _ in range(21)]
    assert answers[0].headers["RateLimit-Limit"] == "20"
    assert [int(answer.headers["RateLimit-Remaining"]) for answer in answers[:3]] == [19, 18, 17]
    assert code(answers[-1]) == (429, "calls-limited")
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 60
    assert api(VIEW).get(BOOKS).status_code == 200
    nobody = ApiClient(app)
    assert [nobody.get(BOOKS).status_code for _ in range(3)] == [401, 401, 429]
    assert code(nobody.get("/api/nowhere")) == (429, "calls-limited")
    assert nobody.get("/api/docs").status_code == 302


def test_a_sign_in_reads_and_writes_with_the_pages_form_token(
    librarian: PortalClient, books: dict[str, str]
) -> None:
    assert len(librarian.get(BOOKS).get_json()["items"]) == 5
    address, change = f"{BOOKS}/{books['book 1']}", {"title": "new"}
    refused = librarian.patch(address, json=change, headers={"If-Match": "*"})
    assert code(refused) == (403, "form-token-missing")
    token = librarian.token("/api/docs")
    headers = {"If-Match": "*", "X-CSRFToken": token}
    assert librarian.patch(address, json=change, headers=headers).status_code == 200


def test_a_bad_token_is_not_covered_by_a_sign_in(librarian: PortalClient) -> None:
    answer = librarian.get(BOOKS, headers={"Authorization": "Bearer cpt_nonsense"})
    assert code(answer) == (401, "token-invalid")


def test_without_a_token_the_way_in_is_named(client: PortalClient) -> None:
    answer = client.get(BOOKS)
    assert code(answer) == (401, "sign-in-needed")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert client.get("/api/docs").status_code == 302


def test_the_document_names_permission_and_problems_and_nothing_but_operations(reading: ApiClient) -> None:
    document = reading.get("/api/openapi.json").get_json()
    assert document["openapi"].startswith("3.1")
    assert all(path.startswith("/api/") for path in document["paths"])
    change = document["paths"][f"{BOOKS}/{{book_id}}"]["patch"]
    assert "`library.books.edit`" in change["description"]
    assert {"400", "401", "403", "404", "409", "412", "415", "422", "428", "429"} <= change[
        "responses"
    ].keys()
    assert [item["name"] for item in change["parameters"]] == ["book_id", "Idempotency-Key", "If-Match"]
    (tag,) = change["tags"]
    assert tag == "Books"


def registry_with(app: Flask, *apis: RestApi, owner: str = "library") -> Any:
    from portal.hooks.registry import current_registry

    class Registry:
        rest = tuple((owner, item) for item in apis)
        permissions = current_registry().permissions

    return Registry()


def test_an_operation_that_does_not_say_who_may_call_it_stops_the_start(app: Flask) -> None:
    fresh, silent = Flask("x"), api_blueprint("library", "Silent", name="silent")
    silent.get("/silent")(lambda: "open to all by mistake")
    with pytest.raises(PluginLoadError, match="does not say who may call it"):
        mount(fresh, registry_with(app, RestApi(blueprint=silent)))


def test_an_undeclared_permission_stops_the_start(app: Flask) -> None:
    wrong = api_blueprint("library", "Wrong", name="wrong")
    wrong.get("/wrong")(api_route("library.books.eat")(dict))
    with pytest.raises(PluginLoadError, match=r"library\.books\.eat"):
        mount(Flask("x"), registry_with(app, RestApi(blueprint=wrong)))


def test_a_write_that_does_not_say_so_stops_the_start(app: Flask) -> None:
    wrong = api_blueprint("library", "Wrong", name="wrong")
    wrong.post("/wrong")(api_route(VIEW)(dict))
    with pytest.raises(PluginLoadError, match="writes=True"):
        mount(Flask("x"), registry_with(app, RestApi(blueprint=wrong)))


@pytest.mark.parametrize("blueprint", [ModuleType("x"), api_blueprint("other", "Other")])
def test_a_blueprint_of_another_kind_or_name_stops_the_start(app: Flask, blueprint: Any) -> None:
    with pytest.raises(PluginLoadError, match="api_blueprint"):
        mount(Flask("x"), registry_with(app, RestApi(blueprint=blueprint)))


def test_an_older_address_may_be_kept(app: Flask) -> None:
    fresh, old = Flask("x"), api_blueprint("library", "Old", name="old")
    old.get("/shelves")(api_route(VIEW)(dict))
    mount(fresh, registry_with(app, RestApi(blueprint=old, prefix="book_lists/v1/")))
    assert "/api/book_lists/v1/shelves" in {rule.rule for rule in fresh.url_map.iter_rules()}
    for prefix in ("v1/books", "../x", "a//b"):
        with pytest.raises(PluginLoadError, match="prefix"):
            mount(Flask("x"), registry_with(app, RestApi(blueprint=old, prefix=prefix)))


def test_two_plugins_cannot_have_one_address(app: Flask) -> None:
    one, two = api_blueprint("library", "One", name="one"), api_blueprint("archive", "Two")
    for blueprint in (one, two):
        blueprint.get("/shelves")(api_route(VIEW)(dict))
    registry = registry_with(app)
    registry.rest = (
        ("library", RestApi(blueprint=one, prefix="old/v1")),
        ("archive", RestApi(blueprint=two, prefix="old/v1")),
    )
    with pytest.raises(PluginClash, match="library and archive"):
        mount(Flask("x"), registry)
