"""What a list may offer, checked at start: sorts, filters and searches that an index serves."""

from typing import Any

from flask_admin.contrib.sqla import tools
from flask_admin.contrib.sqla.filters import BaseSQLAFilter, FilterLike, FilterNotLike
from sqlalchemy import inspect as inspect_model
from sqlalchemy.orm import InstrumentedAttribute

from portal.kernel.errors import PluginLoadError
from portal.kernel.paging import is_unique
from portal.kernel.search_indexes import how_searched


def sorted_by(view: Any, name: str) -> InstrumentedAttribute[Any]:
    """Return the column that a list is sorted by under the column ``name``.

    Raises:
        PluginLoadError: ``sort-without-index``, for a column of another table.
    """
    declared = view.column_sortable_list or ()
    source = next((item[1] for item in declared if isinstance(item, tuple) and item[0] == name), name)
    column, path = tools.get_field_with_path(view.model, source) if isinstance(source, str) else (source, [])
    if path or not isinstance(column, InstrumentedAttribute):
        raise _no_sort(view, name, "it is no column of the list's own table")
    return column


def is_sortable(model: type, column: InstrumentedAttribute[Any]) -> bool:
    """Say whether an index holds the rows in the order of this column, ties by the primary key."""
    mapper: Any = inspect_model(model)
    if column.key not in mapper.column_attrs:
        return False
    table, own = mapper.local_table, column.property.columns[0]
    keys = [key.name for key in table.primary_key]
    if [own.name] == keys or (is_unique(column) and not own.nullable):
        return True
    return any(_whole(index)[: 1 + len(keys)] == [own.name, *keys] for index in table.indexes)


def check_list(view: Any) -> None:
    """Check the declaration of a list.

    Raises:
        PluginLoadError: ``sort-without-index``, ``filter-without-index`` or ``search-without-index``, with the remedy.
    """
    _check_sorts(view)
    _check_filters(view)
    for field in view.search_fields():
        if how_searched(field.column) is None:
            raise PluginLoadError(
                "search-without-index",
                f"{type(view).__name__}: {field.column} is searched but has no search index. Call search_index or "
                "word_indexes below its model and add the index in a migration, or take it from column_searchable_list.",
            )


def _check_sorts(view: Any) -> None:
    declared: Any = view.column_default_sort
    if isinstance(declared, list):
        raise _no_sort(view, str(declared), "a list is sorted by one column (and by its key)")
    names: dict[str, Any] = {name: sorted_by(view, name) for name in view.get_sortable_columns()}
    if declared:
        default = declared[0] if isinstance(declared, tuple) else declared
        names[default] = getattr(view.model, default, None)
    for name, column in names.items():
        if not isinstance(column, InstrumentedAttribute) or not is_sortable(view.model, column):
            keys = ", ".join(repr(key.name) for key in view.model.__table__.primary_key)
            raise _no_sort(view, name, f"its table has no Index(…, {getattr(column, 'key', name)!r}, {keys})")


def _no_sort(view: Any, name: str, reason: str) -> PluginLoadError:
    return PluginLoadError(
        "sort-without-index",
        f"{type(view).__name__}: the list cannot be sorted by {name!r}: {reason}. "
        "Add the index to the model and in a migration, or take the column from column_sortable_list.",
    )


def _check_filters(view: Any) -> None:
    for item in view.get_filters() or ():
        if not isinstance(item, BaseSQLAFilter) or item.column is None:
            continue
        column = item.column
        name = getattr(column, "key", str(column))
        if name in view.column_filters_walked or _is_served(view, item):
            continue
        raise PluginLoadError(
            "filter-without-index",
            f"{type(view).__name__}: the filter {item.name!r} ({item.operation()}) is served by no index that begins with "
            f"{name!r}. Add one to the model and in a migration; or, when each of its values is frequent, name the column "
            "in column_filters_walked: then the list is read until a page is full.",
        )


def _is_served(view: Any, item: BaseSQLAFilter) -> bool:
    own = item.column.property.columns[0]
    table = view.model.__table__
    if own.table is not table or isinstance(item, FilterLike | FilterNotLike):
        return False
    rules = (rule for rule in table.constraints if rule.__visit_name__ != "foreign_key_constraint")
    firsts = [[column.name for column in rule.columns][:1] for rule in rules]
    firsts += [[column.name for column in index.columns][:1] for index in table.indexes]
    return [own.name] in firsts


def _whole(index: Any) -> list[str]:
    """Return the columns of an index that holds every row."""
    is_partial = any(options.get("where") is not None for options in index.dialect_options.values())
    return [] if is_partial else [getattr(expression, "name", "") for expression in index.expressions]
