"""The browser test that docs/how-to/test-a-plugin.md shows."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from portal.testing import PortalClient


@pytest.mark.browser
def test_the_home_page_greets_who_is_signed_in(
    page: Page, sign_in: Callable[[PortalClient], None], signed_in: Callable[..., PortalClient]
) -> None:
    sign_in(signed_in(administrator=True, name="registrar"))

    page.goto("/panel/")

    expect(page.get_by_role("heading", level=1)).to_be_visible()
