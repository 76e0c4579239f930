"""A sheet from the plan to the undo, as the tests of plugins do it; and which parameters stand for a kind's choices."""

import enum
from typing import Literal

import pytest
from flask import Flask
from pydantic import BaseModel

from portal.sdk import Forbidden, users_by_identity
from portal.testing import make_user, plan_sheet, row_codes, start_job, undo_job
from portal.testing.conformance.parameters import sample_parameters

SHEET = "provider,external_id,sign_in_name\nlibrary,A1,K1\nlibrary,A2,nobody\n"


def keys() -> dict[str, int]:
    return users_by_identity("library", ["A1", "A2"])


@pytest.mark.both_engines
def test_a_sheet_is_planned_then_done_then_taken_back(app: Flask) -> None:
    user_id = make_user("K1")

    planned = plan_sheet("portal.link_identities", SHEET)
    assert (str(planned.state), planned.rows_count, keys()) == ("planned", 2, {})

    done = start_job(planned.id)
    assert (str(done.state), keys()) == ("finished", {"A1": user_id})
    assert [state for state, _ in row_codes(done)] == ["done", "refused"]

    undone = undo_job(done.id)
    assert (undone.done_count, keys()) == (1, {})


def test_an_actor_without_the_right_plans_nothing(app: Flask, make_actor: object) -> None:
    with pytest.raises(Forbidden):
        plan_sheet("portal.link_identities", SHEET, actor=make_actor("portal.jobs.view"))  # type: ignore[operator]


class Colour(enum.Enum):
    """A choice."""

    RED = "red"
    BLUE = "blue"


class Params(BaseModel):
    """Every sort of parameter."""

    colour: Colour
    size: Literal["s", "l"] = "s"
    whole: bool | None = None
    names: list[str]
    title: str


def test_parameters_are_tried_with_every_choice() -> None:
    first, *others = sample_parameters(Params)

    assert first.model_dump() == {
        "colour": Colour.RED,
        "size": "s",
        "whole": None,
        "names": [],
        "title": "x",
    }
    assert [(item.colour, item.size, item.whole) for item in others] == [  # type: ignore[attr-defined]
        (Colour.RED, "s", None),
        (Colour.BLUE, "s", None),
        (Colour.RED, "s", None),
        (Colour.RED, "l", None),
        (Colour.RED, "s", False),
        (Colour.RED, "s", True),
    ]
