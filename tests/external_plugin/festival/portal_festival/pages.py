"""What people and programs see of the stages: page, card, first step, REST, command, poster, check."""

from dataclasses import dataclass
from typing import Any

import click
from pydantic import BaseModel
from sqlalchemy import select

from portal.sdk import AdminView, CheckResult, Command, DocumentDeclaration, HealthCheck, db
from portal.sdk.documents import DocumentKind
from portal.sdk.rest import RestApi, api_blueprint, api_route
from portal.sdk.web import CardContent, DashboardCard, Figure, FirstStep, PortalModelView, narrowed_select
from portal_festival.faults import FAULT
from portal_festival.models import Stage
from portal_festival.stages import count_stages

VIEW = "admissions.stages.view" if FAULT == "prefix" else "festival.stages.view"


class StageView(PortalModelView):
    """The stages."""

    introduction = "The stages of the festival."
    column_list = ("title",)
    column_labels = {"title": "Title"}


PAGE = AdminView(
    view=StageView,
    model=Stage,
    category="Festival",
    permission=VIEW,
    name="Stages",
    endpoint="festival_stage",
    icon="fa-music",
)


def stages_card() -> CardContent:
    """Return how many stages there are."""
    return CardContent(figures=(Figure(label="Stages", value=count_stages()),))


CARD = DashboardCard(name="festival.stages", title="Festival", permission=VIEW, load=stages_card)
FIRST_STEP = FirstStep(
    order=900,
    title="Add a stage",
    description="A festival needs one.",
    endpoint="festival_stage.index_view",
    permission=VIEW,
    is_done=lambda: count_stages() > 0,
)

stages_api = api_blueprint("festival", "Festival", "Stages.")


class StagesOut(BaseModel):
    """The titles of the stages."""

    titles: list[str]


@stages_api.get("/stages")
@api_route(VIEW, answer=StagesOut)
def list_stages() -> Any:
    """List the stages."""
    stages = db.session.scalars(narrowed_select(Stage, VIEW).order_by(Stage.id))
    return StagesOut(titles=[stage.title for stage in stages])


REST = RestApi(blueprint=stages_api)


@click.command("stages")
def stages() -> None:
    """Print the titles of the stages."""
    for title in db.session.scalars(select(Stage.title).order_by(Stage.id)):
        click.echo(title)


COMMAND = Command(command=stages)


@dataclass(frozen=True, kw_only=True)
class PosterFacts:
    """What a poster says."""

    stage: str


POSTER = DocumentDeclaration(
    kind=DocumentKind(
        name="festival.poster", title="Poster", template="festival/poster.html", facts=PosterFacts
    )
)


def _check() -> CheckResult:
    count = count_stages()
    return CheckResult(ok=count < 100, message=f"{count} stages, of at most 99.")


CHECK = HealthCheck(name="festival stages", check=_check, critical=False)
