"""The life of a plugin that is a distribution of its own: installed, upgraded, crashed, repaired, removed, broken."""

import shutil
import subprocess
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect, text

from portal.testing.postgresql import PostgresqlServer
from tests.external_plugin.test_tutorial import Environment, with_the_portal

FESTIVAL = Path(__file__).parent / "festival"
#: Asks the pages of the core that every visitor meets; the document of the REST interface wants a sign-in (401).
CORE_PAGES = """python -c "
from portal.app import create_app
client = create_app().test_client()
print(*[client.get(page).status_code for page in ('/health/live', '/health/ready', '/login', '/api/openapi.json')])
" 2>/dev/null"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """The portal from its wheel, beside foreign folders called ``plugins``, and the first version of the festival."""
    made = with_the_portal(tmp_path_factory.mktemp("festival"))
    libraries = next((made.folder / "venv" / "lib").iterdir()) / "site-packages"
    for place in (made.place, libraries):
        (place / "plugins" / "foreign").mkdir(parents=True)
        (place / "plugins" / "foreign" / "__init__.py").write_text("")
    shutil.copytree(FESTIVAL, made.folder / "festival")
    install(made)
    return made


def install(made: Environment) -> None:
    shutil.rmtree(made.folder / "festival" / "build", ignore_errors=True)
    made.run(f"pip install --force-reinstall '{made.folder}/festival'")


def status(made: Environment, command: str, **variables: str) -> tuple[int, str]:
    """Run one command that may fail; return its exit status and what it prints."""
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=made.place,
        env={**made.variables, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def rows(url: str) -> tuple[list[str], set[str]]:
    """Return the titles of the stages, and the festival's tables."""
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            titles = connection.scalars(text("SELECT title FROM festival_stage ORDER BY id")).all()
            return list(titles), {
                name for name in inspect(connection).get_table_names() if name.startswith("festival_")
            }
    finally:
        engine.dispose()


@pytest.mark.both_engines
def test_a_plugin_lives_through_upgrade_crash_repair_removal_and_reinstall(
    installed: Environment, engine: str, request: pytest.FixtureRequest
) -> None:
    made = installed
    home = made.folder / f"home-{engine}"
    url = f"sqlite:///{home}/portal.sqlite3"
    made.variables["PORTAL_HOME"] = str(home)
    made.variables.pop("PORTAL_DATABASE_URL", None)
    if engine == "postgresql":
        server: PostgresqlServer = request.getfixturevalue("postgresql_server")
        server.create("festival")
        url = made.variables["PORTAL_DATABASE_URL"] = server.url("festival")
    made.variables["PORTAL_DATABASE_URL"] = url

    printed = made.run("portal init && portal migrate")
    assert "festival: f0001" in printed
    assert made.run(CORE_PAGES) == "200 200 200 401"
    database = create_engine(url)
    with database.begin() as connection:
        connection.execute(text("INSERT INTO festival_stage (id, title) VALUES (7, 'Old')"))
    database.dispose()

    versions = made.folder / "festival" / "portal_festival" / "migrations" / "versions"
    shutil.copy(FESTIVAL / "second_version" / "f0002_acts.py", versions)
    install(made)
    code, _ = status(made, "portal migrate", FESTIVAL_CRASH="kill")
    assert code != 0
    assert rows(url) == (["Old"], {"festival_stage", "festival_alembic_version"})

    code, printed = status(made, "portal migrate", FESTIVAL_CRASH="raise")
    assert code == 3, printed
    assert "Revision f0002 of festival failed and was rolled back: the stage has collapsed" in printed
    assert rows(url) == (["Old"], {"festival_stage", "festival_alembic_version"})
    assert made.run(CORE_PAGES) == "200 200 200 401"
    assert "Its migrations are not applied: Revision f0002" in made.run("portal plugins list")

    assert made.run("portal migrate") == "festival: f0002"
    assert rows(url)[0] == ["Main", "Small"]
    assert "left out" not in made.run("portal plugins list")

    printed = made.run(f"portal plugins remove festival --export '{home}/export' --yes")
    assert "pip uninstall portal-festival" in printed
    assert (home / "export" / "festival_stage.csv").read_text(encoding="utf-8").split() == [
        "id,title",
        "1,Main",
        "2,Small",
    ]
    assert made.run(CORE_PAGES) == "200 200 200 401"
    made.run("portal plugins enable festival && portal migrate")
    assert rows(url)[1] == {"festival_stage", "festival_act", "festival_alembic_version"}

    (versions / "f0002_acts.py").unlink()
    install(made)


FAULTS = {
    "api": "written for portal API '>=7,<9'; this portal offers '1'",
    "requires": "It requires fireworks, which is not loaded.",
    "import": "ModuleNotFoundError: No module named 'portal_fireworks'",
    "exit": "SystemExit: The festival is cancelled.",
    "table": "Table admissions_stage of festival must start with 'festival_'",
    "model": "NoSuchAct",
    "raise": "RuntimeError: the band is late",
    "migrations": "which is no folder",
    "prefix": "'admissions.stages.view' of festival must start with 'festival.'",
    "declaration": "each item must be a Role",
    "hook": "Did it mean portal_permissions?",
}
#: One process for all: reads the fault from each line, in a child of its own, so that nothing of one reaches the next.
BROKEN_STARTS = """python - 2>/dev/null <<'END'
import os, sys
import portal.app
for fault in "FAULTS".split():
    sys.stdout.flush()
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        continue
    os.environ["FESTIVAL_FAULT"] = fault
    app = portal.app.create_app()
    client = app.test_client()
    codes = [client.get(page).status_code for page in ("/health/live", "/health/ready", "/login", "/api/openapi.json")]
    problems = {item.name: item.text.replace("\\n", " ") for item in app.extensions["PORTAL_REGISTRY"].problems}
    print(fault, codes, problems.get("festival"))
    sys.stdout.flush()
    os._exit(0)
END"""


def test_broken_in_eleven_ways_it_is_left_out_with_a_clear_message_and_the_core_answers(
    installed: Environment,
) -> None:
    made = installed
    made.variables["PORTAL_HOME"] = str(made.folder / "home-broken")
    made.variables.pop("PORTAL_DATABASE_URL", None)
    made.run(
        "portal init && portal plugins disable festival && portal migrate && portal plugins enable festival"
    )

    printed = made.run(BROKEN_STARTS.replace("FAULTS", " ".join(FAULTS)))

    lines = {line.partition(" ")[0]: line for line in printed.splitlines()}
    assert set(lines) == set(FAULTS), printed
    for fault, message in FAULTS.items():
        assert "[200, 200, 200, 401]" in lines[fault], lines[fault]
        assert message in lines[fault], lines[fault]
        assert "portal plugins disable festival" in lines[fault]


def test_foreign_folders_called_plugins_hide_none_of_the_bundled_ones(installed: Environment) -> None:
    listed = installed.run("FESTIVAL_FAULT=raise portal plugins list 2>/dev/null")
    assert [line.split()[0] for line in listed.splitlines() if "loaded  " in line] == [
        "admissions",
        "enrollments",
        "submissions",
    ]
