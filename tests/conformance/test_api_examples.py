"""The examples of the how-to pages on the REST interface are called, or are what the tests run."""

import io
import json
import re
import shlex
from collections.abc import Callable, Iterator
from uuid import UUID

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from portal.jobs.engine import run_inline
from portal.testing.clients import ApiClient
from portal.testing.people import make_user
from tests.architecture.trees import ROOT

PAGE = (ROOT / "docs" / "how-to" / "use-the-api.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
PORTAL = "http://localhost"
SCOPES = ("portal.jobs.view", "portal.users.link")


def commands() -> Iterator[list[str]]:
    """Give the words of every curl command of the page."""
    for language, text in BLOCK.findall(PAGE):
        if language == "sh":
            joined = text.replace("\\\n", " ")
            for command in re.split(r"^(?=curl )", joined, flags=re.MULTILINE):
                if command.strip():
                    yield shlex.split(command)


class Shell:
    """Calls what curl would call, with the variables of the page."""

    def __init__(self, program: ApiClient) -> None:
        self._program = program
        self.variables = {"PORTAL": PORTAL, "TOKEN": program.api_token}

    def run(self, words: list[str]) -> TestResponse:
        """Call one command; keep what the page calls JOB, TAG and NEXT."""
        assert words[0] == "curl"
        method, headers, address = "GET", {}, ""
        form: dict[str, object] = {}
        body, rest = None, iter(words[1:])
        for word in rest:
            if word == "-X":
                method = next(rest)
            elif word == "-H":
                name, _, value = self._filled(next(rest)).partition(": ")
                headers[name] = value
            elif word == "--json":
                body = json.loads(next(rest))
            elif word == "-F":
                name, _, value = next(rest).partition("=")
                form[name] = (sheet(), value[1:]) if value.startswith("@") else value
            elif word == "-o":
                next(rest)
            else:
                address = self._filled(word).removeprefix(PORTAL)
        sent = {"json": body} if body is not None else {"data": form} if form else {}
        answer = self._program.open(address, method=method, headers=headers, buffered=True, **sent)
        self._note(answer)
        return answer

    def _note(self, answer: TestResponse) -> None:
        if "Location" in answer.headers:
            self.variables["JOB"] = answer.headers["Location"]
        if "ETag" in answer.headers:
            self.variables["TAG"] = answer.headers["ETag"]
        if answer.is_json and answer.get_json().get("next"):
            self.variables["NEXT"] = answer.get_json()["next"]

    def _filled(self, word: str) -> str:
        return re.sub(r"\$([A-Z]+)", lambda found: self.variables[found.group(1)], word)


def sheet() -> io.BytesIO:
    (content,) = [text for language, text in BLOCK.findall(PAGE) if language == "csv"]
    return io.BytesIO(content.encode())


@pytest.fixture
def shell(app: Flask, api: Callable[..., ApiClient]) -> Shell:
    make_user("ada")
    return Shell(api(*SCOPES))


def test_the_examples_of_the_page_work(shell: Shell) -> None:
    answers = []
    for words in commands():
        answer = shell.run(words)
        answers.append(answer)
        line = words[-1] if "$" in words[-1] else next(word for word in words if "$PORTAL" in word)
        assert answer.status_code < 400, (line, answer.get_data(as_text=True))
        if line.endswith("/apply"):
            run_inline(UUID(shell.variables["JOB"].rpartition("/")[2]))

    me, made, plan, refused, applied, followed, result, _, undone, sent, gone, first, second = answers
    assert me.get_json()["permissions"] == sorted(SCOPES)
    assert (made.status_code, made.get_json()["state"]) == (202, "planned")
    assert {(item["action"], item["count"]) for item in plan.get_json()["by_code"]} == {
        ("create", 1),
        ("refuse", 1),
    }
    assert [row["label"] for row in refused.get_json()["items"]] != []
    assert applied.get_json()["state"] == "running"
    assert followed.get_json()["state"] == "finished"
    assert "L-00471" in result.get_data(as_text=True)
    assert undone.get_json()["undoes"] == made.get_json()["id"]
    assert sent.get_json()["counts"]["pending"] == 1
    assert gone.status_code == 204
    assert len(first.get_json()["items"]) == 1
    assert second.status_code == 200


def test_what_plugin_authors_are_shown_is_what_runs() -> None:
    shown = (ROOT / "docs" / "how-to" / "add-rest-operations.md").read_text(encoding="utf-8")
    source = (ROOT / "tests" / "portal" / "web" / "library_rest.py").read_text(encoding="utf-8")
    blocks = [text for language, text in BLOCK.findall(shown) if language == "python"]
    assert len(blocks) > 5
    assert [text for text in blocks if text not in source] == []


def test_every_address_of_the_page_is_an_operation(app: Flask) -> None:
    named = set(re.findall(r"`(/api/v1/[a-z-]+)`", PAGE))
    assert named <= {rule.rule for rule in app.url_map.iter_rules()}
    assert named
