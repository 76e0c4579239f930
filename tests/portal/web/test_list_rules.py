"""A list offers only what an index serves; anything else stops the plugin, with the remedy."""

from typing import Any, ClassVar

import pytest
from flask import Flask

from portal.kernel.errors import PluginLoadError
from portal.sdk.web import FilterEqual, FilterLike, PortalModelView
from tests.portal.web.library_plugin import Book, Shelf


@pytest.fixture(autouse=True)
def loaded(app: Flask) -> None:
    """The application with the tables."""


def refusal(view: type[PortalModelView]) -> str:
    with pytest.raises(PluginLoadError) as raised:
        view(Book, endpoint="refused")
    return f"{raised.value.code}: {raised.value.message}"


def test_a_sort_without_its_index_is_refused_by_name_and_index() -> None:
    class ByVersion(PortalModelView):
        column_sortable_list = ("title", "version")

    message = refusal(ByVersion)
    assert message.startswith("sort-without-index: ByVersion: the list cannot be sorted by 'version'")
    assert "Index(…, 'version', 'id')" in message


def test_a_sort_by_another_table_is_refused() -> None:
    class ByShelf(PortalModelView):
        column_sortable_list = (("shelf", "shelf.name"),)

    assert "no column of the list's own table" in refusal(ByShelf)


@pytest.mark.parametrize("order", ["version", ("shelf", True), [("title", False), ("state", False)]])
def test_a_default_order_needs_an_index_too(order: Any) -> None:
    class Ordered(PortalModelView):
        column_default_sort = order

    assert "cannot be sorted" in refusal(Ordered)


def test_a_list_that_names_no_sorts_gets_those_that_are_served() -> None:
    view = PortalModelView(Book, endpoint="plain")
    assert set(view._sortable_columns) == {"title", "state", "pages_count"}


def test_a_filter_needs_an_index_unless_its_values_are_frequent() -> None:
    class Filtered(PortalModelView):
        column_filters: ClassVar[list[Any]] = [FilterEqual(Book.version, "Version")]

    assert refusal(Filtered).startswith("filter-without-index: Filtered: the filter 'Version'")

    class Walked(Filtered):
        column_filters_walked = ("version",)

    Walked(Book, endpoint="walked")


def test_a_filter_that_looks_inside_values_is_served_by_no_index() -> None:
    class Inside(PortalModelView):
        column_filters: ClassVar[list[Any]] = [FilterLike(Book.title, "Title")]

    assert "filter-without-index" in refusal(Inside)


def test_a_search_needs_a_search_index() -> None:
    class Searched(PortalModelView):
        column_searchable_list = ("title", "state")

    assert "Book.state is searched but has no search index" in refusal(Searched)

    class ShelvesSearched(PortalModelView):
        column_searchable_list = ("name",)

    ShelvesSearched(Shelf, endpoint="shelves")
