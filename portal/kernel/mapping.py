"""The models as a whole: connected to each other at start, and rid of those whose plugin is left out."""

from sqlalchemy.orm import Mapper

from portal.kernel.db import Base


def connect_models() -> None:
    """Connect every model with those it refers to, which else the first query would do.

    Raises:
        Exception: whatever is wrong with one of them; :func:`broken_tables` says with which.
    """
    Base.registry.configure()


def broken_tables() -> tuple[str, ...]:
    """Return the tables of the models that could not be connected."""
    return tuple(
        str(getattr(mapper.local_table, "name", ""))
        for mapper in Base.registry.mappers
        if getattr(mapper, "_configure_failed", False)
    )


def forget_models(owner: str) -> None:
    """Forget the models of a plugin that is left out: one that cannot be connected would fail every query of the portal."""
    for mapper in list(Base.registry.mappers):
        if str(getattr(mapper.local_table, "name", "")).startswith(f"{owner}_"):
            _forget(mapper)
    for table in list(Base.metadata.tables.values()):
        if table.name.startswith(f"{owner}_"):
            Base.metadata.remove(table)


def _forget(mapper: Mapper[object]) -> None:
    # There is no public way to take back one model; clear_mappers() would take all of them.
    mapper._set_dispose_flags()  # noqa: SLF001
    Base.registry._dispose_cls(mapper.class_)  # noqa: SLF001
