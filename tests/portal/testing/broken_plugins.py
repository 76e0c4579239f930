"""Plugins that break the rules, as files: one breaks what a look at it tells, one what only running it tells."""

AWARDS = {
    "__init__.py": "",
    "plugin.py": """
from collections.abc import Mapping, Sequence
from typing import Any

from awards import hooks
from awards.jobs import Asking, Give, Take
from awards.models import Award
from awards.settings import AwardsSettings
from portal.sdk import Command, JobKind, MigrationSource, Permission, Role, Schedule, SettingsDeclaration, hookimpl
from portal.sdk.web import CardContent, DashboardCard

PORTAL_API = 1
NAME = "awards"
REQUIRES = ("admissions", "nowhere")


@hookimpl
def portal_modles() -> Sequence[type]:
    return ()


@hookimpl
def portal_models() -> Sequence[type]:
    return (Award,)


@hookimpl
def portal_migrations() -> Sequence[MigrationSource]:
    return (MigrationSource(package="awards"),)


def portal_first_steps():
    return ()


@hookimpl
def portal_permissions() -> Sequence[Permission]:
    return (Permission(name="others.awards.view", title=""), "awards.edit")


@hookimpl
def portal_roles() -> Sequence[Role]:
    return (Role(name="awarder", title="Awarder", permissions=frozenset({"awards.awards.give"})),)


@hookimpl
def portal_settings() -> Sequence[SettingsDeclaration]:
    return (SettingsDeclaration(title="Awards", model=AwardsSettings),)


@hookimpl
def portal_job_kinds() -> Sequence[JobKind]:
    return tuple(JobKind(kind=kind) for kind in (Give, Take, Asking))


@hookimpl
def portal_schedules() -> Sequence[Schedule]:
    return (
        Schedule(name="nightly", title="Nightly", cron="0 3 * * *", kind="awards.nothing"),
        Schedule(name="awards.daily", title="Daily", cron="0 3 * * *", kind="awards.take", params={"count": "x"}),
    )


@hookimpl
def portal_dashboard_cards() -> Sequence[DashboardCard]:
    return (
        DashboardCard(name="card", title="Card", permission="awards.cards.view", load=lambda: CardContent()),
    )


@hookimpl
def portal_commands() -> Sequence[Command]:
    raise RuntimeError("the commands are\\nnot ready")


@hookimpl
def portal_hookspecs() -> Sequence[Any]:
    return (hooks,)


@hookimpl
def portal_user_retired(event: str) -> None:
    pass


@hookimpl
def portal_personal_data(user_ids: Sequence[int], reason: str) -> Mapping[int, str]:
    return {}


@hookimpl
def admissions_students_created(event) -> None:
    pass


@hookimpl
def enrollments_refuse_entries(event: Any) -> None:
    pass


@hookimpl(optionalhook=True)
def nowhere_happened(event: Any) -> None:
    pass
""",
    "hooks.py": '''
from portal.sdk import hookspec


@hookspec
def prizes_given(event: int) -> None:
    """Notice."""
''',
    "models.py": """
from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from portal.sdk import Base


class Award(Base):
    __tablename__ = "prize"
    id: Mapped[int] = mapped_column(primary_key=True)
    applicant_id: Mapped[int] = mapped_column(ForeignKey("admissions_applicant.id"))


class Forgotten(Base):
    __tablename__ = "awards_forgotten"
    id: Mapped[int] = mapped_column(primary_key=True)
""",
    "settings.py": """
from pydantic import BaseModel


class AwardsSettings(BaseModel):
    largest: int
""",
    "jobs.py": """
from pydantic import BaseModel

from portal.sdk.jobs import TaskJob, TaskResult


class Params(BaseModel):
    count: int = 1
    whole: bool = False


class Give(TaskJob[Params]):
    name = "give"
    title = "Give"
    Params = Params

    def permission(self, params):
        return "awards.all.give" if params.whole else "portal.jobs.view"

    def run(self, params, progress):
        return TaskResult()


class Take(Give):
    name = "awards.take"

    def permission(self, params):
        return "portal.jobs.view"


class Asking(Give):
    name = "awards.asking"

    def permission(self, params):
        raise LookupError("no database")
""",
    "api/__init__.py": "",
    "api/reports.py": """
import flask
from portal.sdk import jobs
from portal.sdk.web import badge
""",
    "reports.py": """
from importlib import import_module

from plugins.admissions import models
from plugins.admissions.api import approve_everything
from plugins.enrollments.api import create_program_enrollment
from portal import kernel
from portal.jobs.kinds import RowJob
from portal.sdk import RowJob, transaction
from portal.testing import make_user

from . import hooks
from .api import reports

secret = import_module("portal.auth.tokens")
""",
    "templates/awards/list.html": "",
    "templates/other/list.html": "",
    "templates/admissions/nothing.html": "",
    "migrations/versions/0001_awards.py": """
revision = "awards_0001"
down_revision = None


def upgrade():
    raise RuntimeError("no such column")


def downgrade():
    pass
""",
}

PRIZES = {
    "__init__.py": "",
    "plugin.py": '''
from collections.abc import Sequence

from portal.sdk import AdminView, MigrationSource, Permission, hookimpl
from portal.sdk.rest import SIGNED_IN, RestApi, api_blueprint, api_route
from portal.sdk.web import PortalModelView, PortalView, expose, portal_action, public_route
from flask_admin.actions import action
from prizes.models import Prize

PORTAL_API = "1"
NAME = "prizes"
prizes_api = api_blueprint("prizes", "Prizes")


@prizes_api.get("/prizes")
@api_route(SIGNED_IN)
def list_prizes():
    """List them."""


class Page(PortalView):
    @expose("/")
    def index(self):
        return ""

    @expose("/poster")
    @public_route
    def poster(self):
        return ""


class PrizeView(PortalModelView):
    @action("burn", "Burn")
    def burn(self, ids):
        pass

    @portal_action("sell", "Sell", "prizes.prizes.sell")
    def sell(self, ids):
        pass


@hookimpl
def portal_models() -> Sequence[type]:
    return (Prize,)


@hookimpl
def portal_migrations() -> Sequence[MigrationSource]:
    return (MigrationSource(package="prizes"),)


@hookimpl
def portal_permissions() -> Sequence[Permission]:
    return (Permission(name="prizes.prizes.view", title="See prizes"),)


@hookimpl
def portal_admin_views() -> Sequence[AdminView]:
    return (
        AdminView(view=Page, category="Prizes", permission="prizes.prizes.view", name="Page"),
        AdminView(view=PrizeView, model=Prize, category="Prizes", permission="prizes.prizes.view", name="Prizes"),
    )


@hookimpl
def portal_rest() -> Sequence[RestApi]:
    return (RestApi(blueprint=prizes_api),)
''',
    "models.py": """
from sqlalchemy.orm import Mapped, mapped_column

from portal.sdk import Base


class Prize(Base):
    __tablename__ = "prizes_prize"
    id: Mapped[int] = mapped_column(primary_key=True)
    amount: Mapped[int]
""",
    "migrations/versions/0001_prizes.py": """
import sqlalchemy as sa
from alembic import op

revision = "prizes_0001"
down_revision = None


def upgrade():
    op.create_table(
        "prizes_prize", sa.Column("id", sa.Integer(), nullable=False), sa.PrimaryKeyConstraint("id", name="pk_p")
    )
    op.create_table("medal", sa.Column("id", sa.Integer(), nullable=False))


def downgrade():
    op.drop_table("prizes_prize")
    op.drop_table("portal_schedule_run")
""",
}

NO_ENTRY = {"__init__.py": "", "models.py": "class Half(\n"}
RAISING = {"__init__.py": "", "plugin.py": "from portal.sdk import nothing_of_this_name\n"}
#: Says nothing of itself.
SILENT = {"__init__.py": "", "plugin.py": "REQUIRES = None\n"}
#: A test file of a plugin, beside it.
TESTS = {"test_awards.py": "from portal.kernel import db\nfrom portal.testing import make_user\n"}

PACKAGES = {
    "awards": AWARDS,
    "prizes": PRIZES,
    "noentry": NO_ENTRY,
    "raising": RAISING,
    "silent": SILENT,
    "awards_tests": TESTS,
}
