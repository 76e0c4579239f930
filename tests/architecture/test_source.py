"""House rules that a look at the source can judge."""

import ast
import re

from tests.architecture.trees import Source, sources

FILE_LINES = 300
FUNCTION_LINES = 40
#: Where any error is caught, and why it must be.
BORDERS = {
    "portal/auth/attaching.py": "a plugin that refuses an identity must not cost a sign-in",
    "portal/documents/compiling.py": "whatever changed below, documents must still be printed, the full way",
    "portal/documents/service.py": "a database that is not ready must not keep a worker from starting",
    "portal/documents/render.py": "whatever the layout makes of one document concerns this document only",
    "portal/files/local.py": "an error of any kind must leave no temporary file behind; it is raised again",
    "portal/health/checks.py": "a check that raises has failed",
    "portal/hooks/blaming.py": "a plugin is somebody else's code; raised again, with the plugin's name",
    "portal/hooks/building.py": "raised again, with the plugin's name",
    "portal/hooks/discovery.py": "a plugin is somebody else's code",
    "portal/hooks/manager.py": "a plugin is somebody else's code",
    "portal/jobs/applying.py": "a bug in one row must not stop the others",
    "portal/jobs/engine.py": "a bug in a kind fails its job, not the worker",
    "portal/kernel/migrations.py": "a failed revision is named and raised again when the others are done",
    "portal/kernel/processes.py": "the error of a child made for one call is raised again by its parent",
    "portal/kernel/transaction.py": "the transaction rolls back on anything; callbacks come after the commit",
    "portal/panel/cards.py": "a card that cannot be loaded must not cost the others",
    "portal/supervisor/children.py": "a child that does not start is tried again",
    "portal/supervisor/relay.py": "the relay outlives what is away for a while",
    "portal/supervisor/running.py": "what was started is stopped; the error is raised again",
}
#: Rooms that may end a read transaction; commits belong to the kernel alone.
MAY_ROLL_BACK = ("portal/kernel/", "portal/jobs/", "portal/mail/", "portal/web/", "portal/testing/")
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "manager"}


def test_only_the_kernel_commits() -> None:
    strays = [
        f"{source.path}:{node.lineno}"
        for source in sources()
        for node in source.walk(ast.Call)
        if _method(node) == "commit" and not source.path.startswith("portal/kernel/")
    ]
    assert strays == []


def test_only_entry_points_end_a_read_transaction() -> None:
    strays = [
        f"{source.path}:{node.lineno}"
        for source in sources()
        for node in source.walk(ast.Call)
        if _method(node) == "rollback" and not source.path.startswith(MAY_ROLL_BACK)
    ]
    assert strays == []


def test_any_error_is_caught_at_the_borders_only() -> None:
    strays = [
        f"{source.path}:{node.lineno}"
        for source in sources()
        for node in source.walk(ast.ExceptHandler)
        if _catches_all(node) and source.path not in BORDERS
    ]
    assert strays == []


def test_every_border_on_the_list_is_one() -> None:
    real = {
        source.path for source in sources() for node in source.walk(ast.ExceptHandler) if _catches_all(node)
    }

    assert set(BORDERS) - real == set()


def test_no_file_outgrows_a_room() -> None:
    long = {
        source.path: source.text.count("\n") for source in sources() if source.text.count("\n") > FILE_LINES
    }

    assert long == {}


def test_no_function_outgrows_a_screen() -> None:
    long = {
        f"{source.path}: {node.name}": lines
        for source in sources()
        for node in source.walk(ast.FunctionDef, ast.AsyncFunctionDef)
        if (lines := _lines(node)) > FUNCTION_LINES
    }
    assert long == {}


def test_modules_are_named_after_what_they_hold() -> None:
    strays = [
        source.path
        for source in sources()
        if FORBIDDEN_NAMES.intersection(source.path.removesuffix(".py").split("/"))
        and source.path != "portal/hooks/manager.py"
    ]
    assert strays == []


def test_every_module_says_what_it_holds() -> None:
    silent = [
        source.path for source in sources() if source.text.strip() and not ast.get_docstring(source.tree)
    ]

    assert silent == []


def test_figures_of_a_plugin_carry_its_name() -> None:
    found = [
        (source.path.split("/")[1], name)
        for source in sources()
        if source.path.startswith("plugins/")
        for name in re.findall(r'(?:counter|gauge|histogram)\(\s*"([^"]+)"', source.text)
    ]

    assert found
    assert [name for plugin, name in found if not name.startswith(f"plugin_{plugin}_")] == []


def _method(node: ast.AST) -> str:
    return node.func.attr if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else ""


def _catches_all(node: ast.AST) -> bool:
    assert isinstance(node, ast.ExceptHandler)
    if node.type is None:
        return True
    named = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
    return any(isinstance(item, ast.Name) and item.id in {"Exception", "BaseException"} for item in named)


def _lines(node: ast.AST) -> int:
    """Lines of a function from its first statement to its last, without the docstring."""
    assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    body = node.body[1:] if ast.get_docstring(node) else node.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_the_rules_see_what_they_forbid() -> None:
    """The tests above must turn red; here each rule meets code that breaks it."""
    text = "def f():\n    try:\n        session.commit()\n    except (ValueError, Exception):\n        x.rollback()\n"
    source = Source("portal/x.py", text, ast.parse(text))

    assert {_method(node) for node in source.walk(ast.Call)} == {"commit", "rollback"}
    assert [_catches_all(node) for node in source.walk(ast.ExceptHandler)] == [True]
    assert [_lines(node) for node in source.walk(ast.FunctionDef)] == [4]
