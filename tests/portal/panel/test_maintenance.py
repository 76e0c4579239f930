"""Closing and opening the portal from its page."""

from portal.maintenance import service as maintenance
from tests.portal.signing_in import Visitors

PAGE = "/panel/maintenance/"


def test_closing_keeps_others_out_and_shows_a_banner_to_those_who_pass(visitors: Visitors) -> None:
    admin = visitors.administrator()
    officer = visitors.with_permissions("portal.jobs.view")
    assert (
        admin.submit(f"{PAGE}start", {"reason": "new semester", "minutes": "30"}, page=PAGE).status_code
        == 302
    )
    assert officer.get("/panel/jobs/").status_code == 503
    page = admin.get("/panel/jobs/").get_data(as_text=True)
    assert "The portal is closed for maintenance" in page
    assert "new semester" in page
    assert "data-countdown" in admin.get(PAGE).get_data(as_text=True)
    admin.submit(f"{PAGE}end", page=PAGE)
    assert officer.get("/panel/jobs/").status_code == 200
    assert "new semester" in admin.get(PAGE).get_data(as_text=True)


def test_a_reason_is_needed_and_the_length_is_one_of_the_offered(visitors: Visitors) -> None:
    admin = visitors.administrator()
    assert admin.submit(f"{PAGE}start", {"reason": " ", "minutes": "30"}, page=PAGE).status_code == 422
    assert admin.submit(f"{PAGE}start", {"reason": "x", "minutes": "7"}, page=PAGE).status_code == 422
    assert maintenance.current() is None


def test_only_holders_of_the_permission_may_close(visitors: Visitors) -> None:
    officer = visitors.with_permissions("portal.jobs.view")
    token = officer.token("/panel/")
    assert officer.get(PAGE).status_code == 403
    assert officer.post(f"{PAGE}start", data={"reason": "x", "csrf_token": token}).status_code == 403
