"""Who may do what in the panel, by the suggested roles."""

import uuid
from collections.abc import Callable

import pytest

from plugins.admissions import permissions
from portal.testing.clients import PortalClient
from tests.plugins.admissions.university import University, add

ROLES = {role.name: role.permissions for role in permissions.ROLES}
ACTION = "/panel/admissions/applicant/action/"
PAGE = "/panel/admissions/applicant/"


@pytest.fixture
def signed_in_as(
    university: University, signed_in: Callable[..., PortalClient]
) -> Callable[[str], PortalClient]:
    return lambda role: signed_in(*ROLES[role], name=role.replace("_", "-"))


def test_case_24_creating_students_takes_a_right_of_its_own(
    university: University, signed_in_as: Callable[[str], PortalClient]
) -> None:
    applicant = add(university)

    manager = signed_in_as("admissions_manager")
    refused = manager.submit(ACTION, {"action": "create_students", "rowid": str(applicant)}, page=PAGE)
    assert refused.status_code == 403

    creator = signed_in_as("students_creator")
    nobody = creator.submit(ACTION, {"action": "create_students"}, page=PAGE, follow_redirects=True)
    assert nobody.status_code < 500
    assert "select" in nobody.get_data(as_text=True).lower()
    data = {"action": "create_students", "rowid": str(applicant), "form_token": uuid.uuid4().hex}
    found = creator.submit(ACTION, data, page=PAGE)
    assert (found.status_code, "/panel/jobs/" in found.location) == (302, True)


@pytest.mark.parametrize(
    ("role", "may_start"), [("admissions_officer", False), ("admissions_manager", False), ("registrar", True)]
)
def test_only_who_may_create_all_starts_a_whole_container(
    role: str, may_start: bool, university: University, signed_in_as: Callable[[str], PortalClient]
) -> None:
    add(university)
    page = signed_in_as(role).get(f"/panel/admissions/container/details/?id={university.container}")
    assert ("Create students" in page.get_data(as_text=True)) is may_start
