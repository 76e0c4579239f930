"""Runs commands of the portal, each in a child of a process that has loaded the libraries, and asks the core's pages.

Loading takes longer than all the rest. Plugins of other distributions are loaded in the child only, so that each
command finds what is installed by then. Reads one JSON object from each line: ``command``, ``variables``.
"""

import importlib
import json
import os
import sys
import tempfile

import plugins.admissions.plugin
import plugins.enrollments.plugin
import plugins.submissions.plugin  # noqa: F401
import portal.app
import portal.cli

#: The document of the REST interface wants a sign-in.
CORE_PAGES = ("/health/live", "/health/ready", "/login", "/api/openapi.json")


def core_pages() -> None:
    """Print, below what is logged, what each page answers and the problems of plugins, as one line of JSON."""
    app = portal.app.create_app()
    client = app.test_client()
    answers = [client.get(page).status_code for page in CORE_PAGES]
    problems = {problem.name: problem.text for problem in app.extensions["PORTAL_REGISTRY"].problems}
    print("\n" + json.dumps([answers, problems]))


def child(command: list[str], variables: dict[str, str], output: int) -> None:
    """Become the command and end with its status."""
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.environ.update(variables)
    importlib.invalidate_caches()
    if command == ["core-pages"]:
        core_pages()
    else:
        sys.argv = ["portal", *command]
        portal.cli.main()


def answer(command: list[str], variables: dict[str, str]) -> tuple[int, str]:
    """Run one command; return its exit status, negative for a signal, and what it printed."""
    with tempfile.TemporaryFile() as output:
        sys.stdout.flush()
        process = os.fork()
        if not process:
            status = 1
            try:
                child(command, variables, output.fileno())
                status = 0
            except SystemExit as end:
                status = end.code if isinstance(end.code, int) else int(end.code is not None)
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(status)
        status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        output.seek(0)
        return status, output.read().decode()


if __name__ == "__main__":
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps(answer(asked["command"], asked["variables"])), flush=True)
