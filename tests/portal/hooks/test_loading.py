"""Which plugins are loaded, in which order, and what is said about those that are not."""

import logging
from pathlib import Path

import pytest
from sqlalchemy import Column, ForeignKey, Integer, MetaData, Table

from portal.hooks.building import build_registry
from portal.hooks.declarations import Permission, Role
from portal.hooks.manager import Plugins
from portal.kernel.errors import PluginClash, PluginLoadError
from tests.portal.hooks.plugins import INSTALLED, event_spec, loaded, plugin


def names(plugins: Plugins) -> list[str]:
    return [item.name for item in plugins.loaded()]


def problems(plugins: Plugins) -> dict[str, str]:
    return {problem.name: problem.message for problem in plugins.problems}


def permission(name: str) -> Permission:
    return Permission(name=name, title=name)


def test_the_portal_comes_first_then_requirements_then_names() -> None:
    plugins = loaded(
        plugin("library", requires=("zoology",)), plugin("zoology"), plugin("museum"), plugin("archive")
    )
    assert names(plugins) == ["portal", "archive", "museum", "zoology", "library"]
    assert plugins.problems == []


def test_answers_come_in_plugin_order_each_with_its_owner() -> None:
    modules = [
        plugin(name, portal_permissions=(permission(f"{name}.see"),)) for name in ("zoology", "archive")
    ]
    answers = loaded(*modules).by_plugin("portal_permissions")
    assert [(owner, answer[0].name) for owner, answer in answers] == [
        ("archive", "archive.see"),
        ("zoology", "zoology.see"),
    ]


def test_a_missing_requirement_leaves_out_the_plugin_and_who_needs_it() -> None:
    plugins = loaded(
        plugin("library", requires=("shelves",)), plugin("museum", requires=("library",)), plugin("archive")
    )
    assert names(plugins) == ["portal", "archive"]
    assert "shelves" in problems(plugins)["library"]
    assert "library" in problems(plugins)["museum"]


def test_plugins_that_wait_for_each_other_are_left_out() -> None:
    plugins = loaded(plugin("library", requires=("museum",)), plugin("museum", requires=("library",)))
    assert names(plugins) == ["portal"]
    assert set(problems(plugins)) == {"library", "museum"}


def test_a_misspelt_hook_stops_the_start_and_names_plugin_and_hook() -> None:
    plugins = loaded(plugin("library", portal_permisions=()))
    with pytest.raises(PluginLoadError, match=r"(?s)portal_permisions.*library|library.*portal_permisions"):
        build_registry(plugins)


def test_a_misspelt_argument_leaves_the_whole_plugin_out_and_whoever_requires_it() -> None:
    def portal_job_finished(evnt: object) -> None:
        pass

    library = plugin("library", portal_admin_views=(), portal_job_finished=portal_job_finished)
    plugins = loaded(library, plugin("museum", requires=("library",)))

    assert names(plugins) == ["portal"]
    assert "evnt" in problems(plugins)["library"]
    assert "library" in problems(plugins)["museum"]
    assert plugins.by_plugin("portal_admin_views") == []
    build_registry(plugins)


def test_a_name_declared_twice_names_both_owners() -> None:
    roles = (Role(name="clerk", title="Clerk", permissions=frozenset()),)
    plugins = loaded(plugin("library", portal_roles=roles), plugin("museum", portal_roles=roles))
    with pytest.raises(PluginClash, match=r"library and museum both declare 'clerk'"):
        build_registry(plugins)


def test_a_name_declared_twice_by_one_plugin_is_a_clash_too() -> None:
    plugins = loaded(plugin("library", portal_permissions=(permission("library.see"),) * 2))
    with pytest.raises(PluginClash, match="library and library"):
        build_registry(plugins)


def test_a_permission_starts_with_its_owners_name() -> None:
    plugins = loaded(plugin("library", portal_permissions=(permission("museum.see"),)))
    with pytest.raises(PluginLoadError, match=r"'museum.see' of library must start with 'library\.'"):
        build_registry(plugins)


def model(table: str, refers_to: str = "") -> type:
    metadata = MetaData()
    columns = [Column("id", Integer, primary_key=True)]
    if refers_to:
        columns.append(Column("other", Integer, ForeignKey(refers_to)))
    return type("Model", (), {"__table__": Table(table, metadata, *columns)})


def test_a_table_starts_with_its_owners_name() -> None:
    with pytest.raises(PluginLoadError, match="museum_card of library must start with 'library_'"):
        build_registry(loaded(plugin("library", portal_models=(model("museum_card"),))))


def test_a_foreign_key_leads_to_own_or_portal_tables_only() -> None:
    fine = (model("library_card", "portal_user.id"), model("library_loan", "library_card.id"))
    build_registry(loaded(plugin("library", portal_models=fine)))
    with pytest.raises(PluginLoadError, match="library_card of library refers to museum_item"):
        build_registry(loaded(plugin("library", portal_models=(model("library_card", "museum_item.id"),))))


def test_a_plugins_own_hook_is_implemented_by_another_and_unknown_without_it() -> None:
    seen: list[object] = []
    library = plugin("library", portal_hookspecs=(event_spec("library_book_lent"),))

    def told(event: object) -> None:
        seen.append(event)

    museum = plugin("museum", library_book_lent=told)
    plugins = loaded(library, museum)
    build_registry(plugins)
    plugins.tell("museum", "library_book_lent", "a book")
    assert seen == ["a book"]
    with pytest.raises(PluginLoadError, match="library_book_lent"):
        build_registry(loaded(museum))


def test_the_registry_is_frozen() -> None:
    registry = build_registry(loaded(plugin("library", portal_permissions=(permission("library.see"),))))
    with pytest.raises(TypeError):
        registry.permissions["library.other"] = permission("library.other")  # type: ignore[index]
    with pytest.raises(AttributeError):
        registry.models = ()  # type: ignore[misc]


class TestInstalledPackages:
    """Plugins as distributions with an entry point, on the path."""

    @pytest.fixture
    def install(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.syspath_prepend(tmp_path)

        def install(name: str, code: str, entry_name: str | None = None) -> None:
            # A fresh name each time: Python keeps modules it has imported.
            module = f"package_of_{name}_{tmp_path.name}"
            (tmp_path / f"{module}.py").write_text(code)
            info = tmp_path / f"{module}-1.5.dist-info"
            info.mkdir()
            (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.5\n")
            (info / "RECORD").write_text(f"{module}.py,,\n")
            (info / "entry_points.txt").write_text(f"[portal.plugins]\n{entry_name or name} = {module}\n")

        return install

    def load(self, *blocked: str) -> Plugins:
        return Plugins(plugin("portal"), (*INSTALLED, *blocked))

    def test_an_installed_plugin_is_found_with_title_and_version(self, install) -> None:
        install("library", "PORTAL_API = '1'\nNAME = 'library'\nTITLE = 'The library'\n")
        found = self.load().loaded()[1]
        assert (found.name, found.title, found.version) == ("library", "The library", "1.5")

    def test_a_blocked_plugin_is_not_even_imported(self, install) -> None:
        install("library", "raise RuntimeError('imported')\n")
        plugins = self.load("library")
        assert (names(plugins), plugins.problems) == (["portal"], [])

    @pytest.mark.parametrize(
        ("code", "says"),
        [
            ("PORTAL_API = '2'\n", "portal API '2'; this portal offers '1'"),
            ("", "PORTAL_API of the plugin is None"),
            ("PORTAL_API = '1'\nNAME = 'museum'\n", "NAME is 'museum' but the entry point says 'library'"),
            ("import no_such_module_at_all\n", "ModuleNotFoundError"),
            ("PORTAL_API = \n", "SyntaxError"),
        ],
    )
    def test_a_broken_plugin_is_left_out_with_the_reason(
        self, install, code: str, says: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        install("library", code)
        with caplog.at_level(logging.ERROR):
            plugins = self.load()
        assert names(plugins) == ["portal"]
        assert says in problems(plugins)["library"]
        assert "library was left out" in caplog.text

    @pytest.mark.parametrize(
        ("wanted", "fits"), [("1", True), (">=1,<3", True), (">=2", False), ("one", False)]
    )
    def test_the_api_version_is_a_number_or_a_range(self, install, wanted: str, fits: bool) -> None:
        install("library", f"PORTAL_API = {wanted!r}\n")
        plugins = self.load()
        assert (names(plugins) == ["portal", "library"]) is fits
        assert fits or repr(wanted) in problems(plugins)["library"]

    def test_a_plugin_that_ends_the_process_when_it_is_imported_is_left_out(self, install) -> None:
        install("library", "raise SystemExit(3)\n")
        assert problems(self.load()) == {"library": "SystemExit: 3"}

    @pytest.mark.parametrize("name", ["portal", "jobs", "a", "Library", "my_plugin", "l" * 21])
    def test_a_name_that_no_plugin_may_have_is_refused(self, install, name: str) -> None:
        install("package", "PORTAL_API = '1'\n", entry_name=name)
        plugins = self.load()
        assert names(plugins) == ["portal"]
        assert "cannot be a plugin's name" in problems(plugins)[name]
