"""The life of the festival, a plugin of its own distribution, on a database: what ``make test`` and ``make soak`` run."""

import shutil
from pathlib import Path

from sqlalchemy import create_engine, inspect, text

from tests.external_plugin.environment import Portal

FESTIVAL = Path(__file__).parent / "festival"
#: What the core's pages answer while a plugin is well or not; one of them wants a sign-in.
CORE_ANSWERS = [200, 200, 200, 401]
_OLD_TABLES = {"festival_stage", "festival_alembic_version"}


def live(portal: Portal, folder: Path, url: str = "") -> None:
    """Install the plugin, upgrade, crash, repair, remove, install it again; assert what each step leaves behind.

    Args:
        portal: Without the festival.
        folder: For files; new.
        url: Of an empty database; SQLite in the folder unless given.
    """
    folder.mkdir()
    portal.move_to(folder / "home", url)
    project = Path(shutil.copytree(FESTIVAL, folder / "festival"))
    portal.install(project)
    _begin(portal)
    shutil.copy(
        FESTIVAL / "second_version" / "f0002_acts.py", project / "portal_festival" / "migrations" / "versions"
    )
    portal.install(project)
    _crash(portal)
    _repair(portal)
    _remove(portal, folder / "export")
    _come_back(portal, project)


def _begin(portal: Portal) -> None:
    assert portal.run("migrate") == "festival: f0001"
    assert portal.core_pages() == (CORE_ANSWERS, {})
    engine = create_engine(portal.database_url)
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO festival_stage (id, title) VALUES (7, 'Old')"))
    engine.dispose()


def _crash(portal: Portal) -> None:
    """End in the middle of a revision, killed and by an error: nothing of it stays."""
    code, _ = portal.status("migrate", FESTIVAL_CRASH="kill")
    assert code < 0
    assert rows(portal) == (["Old"], _OLD_TABLES)

    code, printed = portal.status("migrate", FESTIVAL_CRASH="raise")
    assert code == 3, printed
    assert "Revision f0002 of festival failed and was rolled back: the stage has collapsed" in printed
    assert rows(portal) == (["Old"], _OLD_TABLES)
    answers, problems = portal.core_pages()
    assert answers == CORE_ANSWERS
    assert problems["festival"].startswith("Its migrations are not applied: Revision f0002")


def _repair(portal: Portal) -> None:
    assert portal.run("migrate") == "festival: f0002"
    assert rows(portal)[0] == ["Main", "Small"]
    assert portal.core_pages() == (CORE_ANSWERS, {})


def _remove(portal: Portal, export: Path) -> None:
    printed = portal.run("plugins", "remove", "festival", "--export", str(export), "--yes")
    assert "pip uninstall portal-festival" in printed
    lines = (export / "festival_stage.csv").read_text(encoding="utf-8").split()
    assert lines == ["id,title", "1,Main", "2,Small"]
    assert portal.core_pages() == (CORE_ANSWERS, {})
    portal.uninstall("portal-festival")
    assert portal.core_pages() == (CORE_ANSWERS, {})


def _come_back(portal: Portal, project: Path) -> None:
    """Install it again: it begins with new tables."""
    portal.install(project)
    portal.run("plugins", "enable", "festival")
    assert portal.run("migrate").splitlines() == ["festival: f0001", "festival: f0002"]
    assert rows(portal)[1] == {"festival_stage", "festival_act", "festival_alembic_version"}
    portal.uninstall("portal-festival")


def rows(portal: Portal) -> tuple[list[str], set[str]]:
    """Return the titles of the stages, and the festival's tables."""
    engine = create_engine(portal.database_url)
    try:
        with engine.connect() as connection:
            titles = connection.scalars(text("SELECT title FROM festival_stage ORDER BY id")).all()
            names = inspect(connection).get_table_names()
            return list(titles), {name for name in names if name.startswith("festival_")}
    finally:
        engine.dispose()
