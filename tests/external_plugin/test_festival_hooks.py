"""The festival uses every hook that the portal and its bundled plugins offer, and each is seen at work."""

import importlib
import logging
import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from plugins.enrollments.hooks import CourseEntries, CourseEntry, GradesWanted
from plugins.submissions.api import create_submission, reset_score, set_score
from portal.auth.identities import NewIdentity, link_identities_many
from portal.health.checks import run_checks
from portal.hooks import specs
from portal.hooks.manager import answers, current_plugins
from portal.hooks.registry import current_registry
from portal.kernel.mapping import forget_models
from portal.maintenance.service import end, start
from portal.panel.personal_data import export_of
from portal.panel.retiring import retire_users
from portal.sdk import SYSTEM, DemoContext, User, acting_as, db, emit_reaction, transaction
from portal.sdk.documents import preview_html
from portal.sdk.jobs import draft, get_job, run_inline, submit
from portal.testing import ApiClient, PortalClient, make_user, sign_in, undo_job
from portal.testing.fixtures import SandboxesWith
from portal.testing.people import make_token
from tests.external_plugin.life import FESTIVAL
from tests.plugins.admissions.university import add, create_selected, found, students

#: In the process of the other plugins, so that the long tutorial has the other core for itself.
pytestmark = pytest.mark.xdist_group("installed plugins")

VIEW = "festival.stages.view"
ITEM = {"student_id": "s1", "course_id": "c1", "item_id": "i1", "item_type": "essay"}


@pytest.fixture(scope="module")
def festival() -> Iterator[ModuleType]:
    """The plugin, imported into this process; taken back afterwards, that no other test meets it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FESTIVAL))
        patch.setenv("FESTIVAL_NARROWS", "1")
        yield importlib.import_module("portal_festival.plugin")
    forget_models("festival")
    for name in [name for name in sys.modules if name.partition(".")[0] == "portal_festival"]:
        del sys.modules[name]


@pytest.fixture(scope="module")
def sandbox_of(sandboxes_with: SandboxesWith, festival: ModuleType) -> Callable[..., Any]:
    return sandboxes_with(festival=festival)


@pytest.fixture
def heard(app: Flask, caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """Return what the festival has said."""
    caplog.set_level(logging.INFO, "portal_festival.plugin")
    return lambda: [line.partition("heard: ")[2] for line in caplog.messages if line.startswith("heard: ")]


def titles() -> list[str]:
    db.session.rollback()
    stage = sys.modules["portal_festival.models"].Stage
    return list(db.session.scalars(select(stage.title).order_by(stage.id)))


def build(*names: str) -> None:
    with transaction():
        sys.modules["portal_festival.stages"].add_stages(names)


def test_it_uses_every_hook(app: Flask) -> None:
    offering = [specs, *(spec for _, given in answers("portal_hookspecs") for spec in given)]
    hooks = sorted(
        name for module in offering for name, item in vars(module).items() if hasattr(item, "portal_spec")
    )
    unused = [hook for hook in hooks if "festival" not in current_plugins().implementing(hook)]

    assert len(hooks) >= 30
    assert not unused, f"tests/external_plugin/festival implements no {', '.join(unused)}: add what is new"


def test_what_it_declares_is_there(app: Flask) -> None:
    registry = current_registry()

    assert "festival" in registry.migrations
    assert "director" in registry.roles
    assert "FestivalSettings" in registry.settings
    assert "festival.nightly" in registry.schedules
    assert "Add a stage" in {step.title for _, step in registry.first_steps}
    assert "On the stage Main" in preview_html("festival.poster", _poster("Main"))


def _poster(stage: str) -> object:
    return sys.modules["portal_festival.pages"].PosterFacts(stage=stage)


def test_page_card_rest_check_command_and_job_show_the_stages(app: Flask, as_system: Any) -> None:
    build("Main", "Secret")
    officer, boss = make_user("officer", VIEW), make_user("boss", is_administrator=True)

    page = sign_in(PortalClient(app), officer).get("/panel/festival/stage/").get_data(as_text=True)
    assert "Main" in page
    assert "Secret" not in page, "portal_narrow_rows hides it"
    program = ApiClient(app)
    program.api_token = make_token(officer, VIEW)
    answer: Any = program.get("/api/v1/festival/stages").json
    assert answer == {"titles": ["Main"]}
    everything = sign_in(PortalClient(app), boss).get("/panel/festival/stage/").get_data(as_text=True)
    assert "Secret" in everything

    assert current_registry().dashboard_cards["festival.stages"].load().figures[0].value == 2
    assert run_checks()["festival stages"].message == "2 stages, of at most 99."
    command = next(item for owner, item in current_registry().commands if owner == "festival").command
    assert app.test_cli_runner().invoke(command).output == "Main\nSecret\n"
    request = draft("festival.count_stages", {}, SYSTEM)
    with transaction():
        job_id = submit(request).id
    run_inline(job_id)
    assert get_job(job_id).state == "finished"


def test_it_takes_part_in_the_demo_university(app: Flask, tmp_path: Any) -> None:
    steps = dict(answers("portal_demo", size=10, seed=3))["festival"]
    steps[0].run(DemoContext(size=10, seed=3, folder=tmp_path, run_job=lambda *_: {}))

    assert titles() == ["Demo 3"]


def test_it_reacts_to_students_and_people(app: Flask, as_system: Any, heard: Callable[[], list[str]]) -> None:
    university = found()
    job = create_selected(add(university))
    (student,) = students()
    assert titles() == [student.student_id]
    assert student.user_id is not None
    part = export_of([student.user_id])[student.user_id]["parts"]["Festival"]
    assert part == {"Festival": {"stage": student.student_id}}
    assert {
        "1 numbers are wanted",
        f"new stages {student.student_id}",
        "the job admissions.create_students finished",
    } <= set(heard())

    undo_job(job.id)
    assert titles() == []

    guest = make_user("guest")
    with transaction():
        link_identities_many([NewIdentity(provider="band", external_id="7", user_id=guest)])
    build("guest")
    assert titles() == ["Band 7", "guest"]
    with transaction():
        retire_users([db.session.get_one(User, guest)])
    assert titles() == ["Band 7"]


def test_it_answers_enrollments_and_hears_of_submissions_and_windows(
    app: Flask, heard: Callable[[], list[str]]
) -> None:
    closed = CourseEntry(user_id=1, course_key="festival:closed")
    entries = CourseEntries(entries=(closed, CourseEntry(user_id=1, course_key="festival:open")))
    with transaction():
        refused = dict(emit_reaction("enrollments_refuse_entries", event=entries))["festival"]
        wanted = GradesWanted(course_key="festival:open", user_ids=(1,))
        grades = dict(emit_reaction("enrollments_course_grades", event=wanted))["festival"]
    assert {entry: refusal.kind for entry, refusal in refused.items()} == {closed: "closed"}
    assert grades[1].passed

    with acting_as(SYSTEM):
        with transaction():
            submission = create_submission(ITEM, "answer")
        with transaction():
            set_score(submission["uuid"], 1, 2)
        with transaction():
            reset_score("s1", "c1", "i1")
        with transaction():
            window = start("The band moves in", SYSTEM)
        with transaction():
            end(window.id, SYSTEM)
    assert heard() == [
        "1 submissions",
        "1 scores",
        "the score of i1 is reset",
        "a window opened",
        "a window ended",
    ]
