"""Case 26 of the old system: somebody is signed in when the portal closes, and somebody wants to sign in."""

from collections.abc import Callable

from flask import Flask

from portal.kernel.actor import SYSTEM
from portal.kernel.transaction import transaction
from portal.maintenance import service
from portal.testing.clients import PortalClient


def test_case_26_who_is_signed_in_waits_and_goes_on_afterwards(
    app: Flask, signed_in: Callable[..., PortalClient]
) -> None:
    registrar = signed_in("admissions.applicants.view")
    assert registrar.get("/panel/").status_code == 200
    with transaction():
        window = service.start("Moving to the new server", SYSTEM)

    closed = registrar.get("/panel/")
    assert closed.status_code == 503
    assert closed.headers["Retry-After"]
    assert "Moving to the new server" in closed.get_data(as_text=True)

    with transaction():
        service.end(window.id, SYSTEM)
    assert registrar.get("/panel/").status_code == 200


def test_case_26_the_login_page_warns_while_the_portal_is_closed(app: Flask, client: PortalClient) -> None:
    with transaction():
        service.start("Moving to the new server", SYSTEM)
    page = client.get("/login")
    assert page.status_code == 200
    assert "Moving to the new server" in page.get_data(as_text=True)
