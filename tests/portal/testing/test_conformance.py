"""What ``assert_plugin_conforms`` finds in plugins that break the rules, each rule by its message."""

import json
import os
import subprocess
import sys

import pytest

from portal.testing import assert_plugin_conforms
from tests.architecture.trees import ROOT
from tests.portal.testing.broken_plugins import PACKAGES

#: In a process of its own: the tables and hooks of broken plugins would stay with the tests that come after.
LOOK = """
import json, sys
from pathlib import Path
from portal.testing import assert_plugin_conforms

def said(package, **options):
    try:
        assert_plugin_conforms(package, **options)
    except AssertionError as error:
        return str(error).splitlines()
    return []

print(json.dumps({
    "prizes": said("prizes", open_routes=["prizes_page.gone"]),
    "awards": said("awards", tests=Path(sys.argv[1]) / "awards_tests"),
    "noentry": said("noentry"),
    "raising": said("raising"),
    "silent": said("silent"),
}))
"""

FOUND = {
    "awards": (
        ("awards/api/reports.py:2", "imports flask; "),
        (
            "awards/api/reports.py:3",
            "imports portal.sdk.jobs; api, errors, hooks, models, permissions see only",
        ),
        ("awards/api/reports.py:4", "imports portal.sdk.web; "),
        (
            "awards/reports.py:4",
            "imports plugins.admissions.models, which is the inside of the plugin admissions.",
        ),
        (
            "awards/reports.py:5",
            "imports approve_everything from plugins.admissions.api, which does not name it",
        ),
        (
            "awards/reports.py:6",
            "of the plugin enrollments, which REQUIRES does not name. Meet it through hooks",
        ),
        ("awards/reports.py:7", "imports portal.kernel, which is the inside of the portal"),
        ("awards/reports.py:8", "imports portal.jobs.kinds, "),
        ("awards/reports.py:8", "RowJob is in portal.sdk.jobs."),
        (
            "awards/reports.py:9",
            "imports RowJob from portal.sdk, which does not offer it. It is in portal.sdk.jobs.",
        ),
        ("awards/reports.py:10", "portal.testing is for tests."),
        ("awards/reports.py:15", "imports portal.auth.tokens, "),
        ("awards_tests/test_awards.py:1", "imports portal.kernel, "),
        ("awards/plugin.py", "PORTAL_API is 1; it names the portal API that the plugin was written for."),
        (
            "awards/plugin.py",
            "REQUIRES names 'nowhere', which is not another installed plugin. Installed: admissions",
        ),
        (
            "awards/plugin.py:17, hook portal_modles",
            "nobody specifies this hook. Did you mean portal_models?",
        ),
        ("awards/plugin.py:81, hook portal_user_retired", "annotated str; the hook's is UsersRetired."),
        (
            "awards/plugin.py:86, hook portal_personal_data",
            "the hook has no argument 'reason'. It has user_ids.",
        ),
        ("awards/plugin.py:86, hook portal_personal_data", "the hook's is Mapping[int, Mapping[str, Any]]."),
        (
            "awards/plugin.py:91, hook admissions_students_created",
            "event has no annotation. Write StudentsCreated.",
        ),
        ("awards/plugin.py:96, hook enrollments_refuse_entries", "needs its name in REQUIRES."),
        ("awards/plugin.py:32, hook portal_first_steps", "it is never called, because it has no mark."),
        ("hookspec prizes_given", "the hooks of a plugin begin with its name, awards_."),
        ("hook portal_permissions", "'awards.edit' is no Permission."),
        ("permission others.awards.view", "its name must begin with 'awards.'."),
        ("permission others.awards.view", "it has no title."),
        ("role awarder", "it needs the permission 'awards.awards.give', which nobody declares."),
        ("setting AwardsSettings.largest", "it has no default"),
        ("setting AwardsSettings.largest", "it has no description"),
        ("job kind give", "its name must begin with 'awards.'. Call it 'awards.give'."),
        ("job kind give", "it needs the permission 'awards.all.give', which nobody declares."),
        ("job kind awards.asking", "its permission cannot be asked: LookupError: no database."),
        ("schedule nightly", "its name must begin with 'awards.'."),
        ("schedule nightly", "it starts 'awards.nothing', which portal_job_kinds does not declare."),
        ("schedule awards.daily", "the kind refuses its parameters (count: Input should be a valid integer"),
        ("dashboard card card", "its name must begin with 'awards.'."),
        ("dashboard card card", "it needs the permission 'awards.cards.view', which nobody declares."),
        ("hook portal_commands", "it raises: RuntimeError: the commands are not ready."),
        (
            "awards/templates/admissions/nothing.html",
            "it replaces nothing: the plugin admissions has no template",
        ),
        ("awards/templates/other/list.html", "a plugin's templates lie in templates/awards/."),
        ("table prize", "a table's name begins with the plugin's, 'awards_'."),
        ("table prize, column applicant_id", "it refers to admissions_applicant.id; a foreign key leads to"),
        ("model Forgotten (table awards_forgotten)", "portal_models does not declare it."),
        ("start", "nowhere"),
        ("migrations on sqlite", "Revision awards_0001 of awards failed and was rolled back: no such column"),
    ),
    "prizes": (
        ("route prizes_page.poster (/panel/prizes/page/poster)", "it is open to everybody."),
        ("route api_prizes.list_prizes (/api/v1/prizes/prizes)", "it is open to whoever is signed in."),
        ("route prizes_page.gone", "open_routes names it, but it is not there or needs a permission."),
        ("action PrizeView.burn", "it declares no permission, so nobody may use it."),
        ("action PrizeView.sell", "it needs the permission 'prizes.prizes.sell', which nobody declares."),
        ("migrations on sqlite", "the tables differ from the models: ('add_column'"),
        ("migrations on sqlite", "they make medal, which does not begin with 'prizes_'."),
        ("migrations on sqlite", "after going down to nothing medal is still there."),
        ("migrations on sqlite", "going down removes portal_schedule_run."),
        ("migrations on sqlite", "Revision prizes_0001 of prizes failed and was rolled back"),
    ),
    "noentry": (
        ("source", "a file cannot be read: SyntaxError: "),
        ("noentry/plugin.py", "is missing; a plugin's hooks stand there."),
    ),
    "silent": (
        ("silent/plugin.py", "PORTAL_API is None; it names the portal API that the plugin was written for."),
        (
            "silent/plugin.py",
            "NAME is None; a name has 3 to 20 letters a-z and is not one of the portal's own.",
        ),
        ("silent/plugin.py", "REQUIRES is None; it is a tuple of plugin names."),
        ("start", "the portal "),
    ),
    "raising": (
        ("raising/plugin.py:1", "imports nothing_of_this_name from portal.sdk, which does not offer it."),
        (
            "raising/plugin.py",
            "it cannot be imported: ImportError: cannot import name 'nothing_of_this_name'",
        ),
    ),
}


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """The lines of the message about each broken plugin."""
    folder = tmp_path_factory.mktemp("plugins")
    for package, files in PACKAGES.items():
        for name, text in files.items():
            path = folder / package / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    paths = os.pathsep.join((str(folder), str(ROOT)))
    done = subprocess.run(
        [sys.executable, "-c", LOOK, str(folder)],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines: dict[str, list[str]] = json.loads(done.stdout.splitlines()[-1])
    return lines


@pytest.mark.parametrize("package", FOUND)
def test_each_broken_rule_is_named_with_its_place(said: dict[str, list[str]], package: str) -> None:
    lines = said[package][1:]
    missed = [
        (where, words)
        for where, words in FOUND[package]
        if not any(line.startswith(f"  {package}: {where}: ") and words in line for line in lines)
    ]
    unexpected = [
        line
        for line in lines
        if not any(
            line.startswith(f"  {package}: {where}: ") and words in line for where, words in FOUND[package]
        )
    ]

    assert (missed, unexpected) == ([], [])
    assert (
        said[package][0]
        == f"The plugin {package} does not conform: {len(lines)} problem{'s'[: len(lines) > 1]}."
    )


def test_every_message_ends_with_what_to_do(said: dict[str, list[str]]) -> None:
    lines = [line for each in said.values() for line in each[1:]]

    assert [line for line in lines if not line.endswith((".", "?"))] == []


@pytest.mark.parametrize("name", ["absent_plugin", "absent.plugin", "plugins.admissions.plugin"])
def test_a_package_that_is_not_there_is_named(name: str) -> None:
    with pytest.raises(LookupError, match=f"no package '{name}'. Give its full name"):
        assert_plugin_conforms(name)
