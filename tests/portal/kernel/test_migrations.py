"""The runner: every owner its own history and version table, each revision whole or not at all."""

import shutil
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import inspect, text

from portal.installation import migration_folders
from portal.kernel import migrations
from portal.kernel.db import db
from portal.kernel.migrations import MigrationFailed, downgrade, drift, migrate, pending

HEAD = """
import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = {below}
branch_labels = None
depends_on = None
"""

LIBRARY = """
def upgrade():
    op.create_table(
        "library_card",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["portal_user.id"], name="fk_card_user", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_library_card"),
    )


def downgrade():
    op.drop_table("library_card")
"""

REBUILD_USERS = """
def upgrade():
    with op.batch_alter_table("portal_user", recreate="auto") as table:
        table.add_column(sa.Column("nickname", sa.String(length=40), nullable=False, server_default=""))
        table.alter_column("display_name", type_=sa.String(length=250), existing_type=sa.String(length=200))


def downgrade():
    with op.batch_alter_table("portal_user") as table:
        table.drop_column("nickname")
"""

ORPHANS = """
def upgrade():
    op.execute("INSERT INTO library_card (id, user_id) VALUES (99, 12345)")


def downgrade():
    pass
"""

HALF_DONE = """
def upgrade():
    op.create_table("library_shelf", sa.Column("id", sa.Integer(), primary_key=True))
    op.execute("INSERT INTO no_such_table VALUES (1)")


def downgrade():
    pass
"""


def write_revision(folder: Path, revision: str, below: str | None, body: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    head = HEAD.format(revision=revision, below=repr(below))
    (folder / f"{revision}.py").write_text(head + body, encoding="utf-8")


@pytest.fixture
def folders(tmp_path: Path) -> dict[str, Path]:
    """The portal's real history, and that of a plugin with a table that cascades from users."""
    core = tmp_path / "core"
    shutil.copytree(migrations.ENVIRONMENT / "versions", core, ignore=shutil.ignore_patterns("__pycache__"))
    write_revision(tmp_path / "library", "l0001", None, LIBRARY)
    return {"portal": core, "library": tmp_path / "library"}


def head_of(folder: Path) -> str:
    return sorted(path.stem for path in folder.glob("*.py"))[-1]


def tables() -> set[str]:
    return set(inspect(db.engine).get_table_names())


def add_user_with_card() -> None:
    with db.engine.begin() as connection:
        columns = inspect(connection).get_columns("portal_user")
        needed = [column for column in columns if not column["nullable"] and column["default"] is None]
        values = {column["name"]: _sample(column) for column in needed} | {"id": 7}
        names = ", ".join(values)
        marks = ", ".join(f":{name}" for name in values)
        connection.execute(text(f"INSERT INTO portal_user ({names}) VALUES ({marks})"), values)
        connection.execute(text("INSERT INTO library_card (id, user_id) VALUES (1, 7), (2, 7)"))


def _sample(column: dict) -> object:
    kind = column["type"].python_type
    if kind.__name__ == "datetime":
        return "2026-01-01 00:00:00"
    return {bool: True, int: 1, str: "x"}.get(kind, "x")


def cards() -> int:
    with db.engine.connect() as connection:
        return connection.scalar(text("SELECT count(*) FROM library_card"))


@pytest.mark.both_engines
@pytest.mark.usefixtures("kernel")
class TestRunner:
    def test_a_plugin_that_fails_stays_where_it_was_and_the_others_go_on(
        self, folders: dict[str, Path], tmp_path: Path
    ) -> None:
        write_revision(folders["library"], "l0002", "l0001", HALF_DONE)
        for name in ("museum", "zoology"):
            write_revision(
                tmp_path / name,
                f"{name}1",
                None,
                LIBRARY.replace("library_", f"{name}_").replace("fk_card", f"fk_{name}"),
            )
        write_revision(tmp_path / "archive", "a0001", None, "def upgrade(:\n")
        more = {name: tmp_path / name for name in ("archive", "museum", "zoology")}

        with pytest.raises(MigrationFailed, match="Revision l0002 of library failed") as raised:
            migrate({**folders, **more}, requires={"museum": ["library"]})

        failures = raised.value.facts["failures"]
        assert set(failures) == {"library", "archive", "museum"}
        assert "requires library" in failures["museum"]
        assert "SyntaxError" in failures["archive"]
        assert raised.value.facts["applied"][-2:] == ["library: l0001", "zoology: zoology1"]
        assert {"library_card", "zoology_card"} <= tables()
        assert not {"library_shelf", "museum_card"} & tables()
        assert pending(folders) == {"library": ["l0002"]}

    def test_every_owner_gets_its_own_version_table_and_order_is_kept(self, folders: dict[str, Path]) -> None:
        waiting = pending(folders)
        assert list(waiting) == ["portal", "library"]

        applied = migrate(folders)

        assert applied == [f"{owner}: {revision}" for owner, some in waiting.items() for revision in some]
        assert {"portal_alembic_version", "library_alembic_version", "library_card"} <= tables()
        assert "alembic_version" not in tables()
        assert (pending(folders), migrate(folders)) == ({}, [])

    def test_removing_a_plugin_breaks_nobody(self, folders: dict[str, Path]) -> None:
        migrate(folders)
        write_revision(folders["portal"], "p9000", head_of(folders["portal"]), REBUILD_USERS)
        del folders["library"]
        assert migrate(folders) == ["portal: p9000"]
        assert "library_card" in tables()

    def test_rebuilding_a_table_keeps_the_plugins_rows_that_cascade_from_it(
        self, folders: dict[str, Path]
    ) -> None:
        migrate(folders)
        add_user_with_card()
        write_revision(folders["portal"], "p9000", head_of(folders["portal"]), REBUILD_USERS)

        migrate(folders)
        assert cards() == 2
        downgrade("portal", folders["portal"], "-1")
        assert cards() == 2

        # Foreign keys are on again, and still cascade.
        with db.engine.begin() as connection:
            connection.execute(text("DELETE FROM portal_user"))
        assert cards() == 0

    def test_a_failing_revision_is_rolled_back_whole_and_named(self, folders: dict[str, Path]) -> None:
        write_revision(folders["library"], "l0002", "l0001", HALF_DONE)
        with pytest.raises(MigrationFailed, match="l0002 of library"):
            migrate(folders)
        assert "library_shelf" not in tables()
        assert pending(folders) == {"library": ["l0002"]}
        (folders["library"] / "l0002.py").unlink()
        assert migrate(folders) == []

    def test_rows_that_would_refer_to_nothing_stop_the_revision(self, folders: dict[str, Path]) -> None:
        migrate(folders)
        write_revision(folders["library"], "l0002", "l0001", ORPHANS)
        with pytest.raises(MigrationFailed):
            migrate(folders)
        assert (cards(), pending(folders)) == (0, {"library": ["l0002"]})

    def test_a_history_can_go_down_to_nothing_and_up_again(self, folders: dict[str, Path]) -> None:
        migrate(folders)
        before = tables()
        for owner in reversed(folders):
            downgrade(owner, folders[owner], "base")
        assert {name for name in tables() if not name.endswith("alembic_version")} == {"probe_item"}
        migrate(folders)
        assert tables() == before


@pytest.mark.both_engines
def test_tables_of_the_portal_and_every_plugin_are_what_the_models_say(app: Flask) -> None:
    folders = migration_folders()
    assert pending(folders) == {}
    assert {owner: drift(owner) for owner in folders} == {owner: [] for owner in folders}


@pytest.mark.both_engines
def test_all_histories_go_down_and_up_again(app: Flask) -> None:
    folders = migration_folders()
    try:
        for owner in reversed(folders):
            downgrade(owner, folders[owner], "base")
        assert not {name for name in tables() if not name.endswith("alembic_version")}
    finally:
        migrate(folders)
    assert {owner: drift(owner) for owner in folders} == {owner: [] for owner in folders}
