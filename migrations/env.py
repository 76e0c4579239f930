"""The one Alembic environment of all owners: the portal and each plugin, every one with its own version table."""

from typing import Any, Literal

from alembic import context
from sqlalchemy import Connection
from sqlalchemy.schema import SchemaItem

from portal.kernel.db import Base, UtcDateTime

config = context.config
owner: str = config.attributes["owner"]
connection: Connection = config.attributes["connection"]


def include_object(item: SchemaItem, name: str | None, kind: str, reflected: bool, compared: Any) -> bool:
    """Let an owner's history see only tables with its prefix."""
    if kind == "table":
        return bool(name and name.startswith(f"{owner}_") and not name.endswith("alembic_version"))
    return True


def render_item(kind: str, item: Any, autogenerating: Any) -> str | Literal[False]:
    """Write our own column types as what they are in the database."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    return False


context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    version_table=f"{owner}_alembic_version",
    include_object=include_object,
    render_as_batch=connection.dialect.name == "sqlite",
    compare_type=False,
    render_item=render_item,
    transaction_per_migration=True,
)
context.run_migrations()
