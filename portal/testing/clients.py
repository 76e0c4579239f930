"""Test clients: one that behaves as a browser does, one that calls the REST interface with a token."""

import re
from contextvars import Context
from typing import Any

from flask import has_app_context
from flask.testing import FlaskClient
from werkzeug.datastructures import Headers
from werkzeug.test import TestResponse

from portal.kernel.db import db
from portal.kernel.transaction import in_transaction

_TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"|name="csrf-token"[^>]*content="([^"]+)"')


class PortalClient(FlaskClient):
    """Sends requests that share nothing with the test but cookies and the database."""

    def open(self, *args: Any, **options: Any) -> TestResponse:
        """Send one request in a context of its own; the test's session then sees what the request wrote."""
        answer: TestResponse = Context().run(super().open, *args, **options)
        if has_app_context() and not in_transaction():
            db.session.rollback()
        return answer

    def submit(
        self, path: str, data: dict[str, Any] | None = None, *, page: str | None = None, **options: Any
    ) -> TestResponse:
        """Open ``page`` (default: ``path`` itself), then POST ``data`` to ``path`` with that page's CSRF token."""
        form = {"csrf_token": self.token(page or path), **(data or {})}
        return self.post(path, data=form, **options)

    def token(self, page: str) -> str:
        """Return the CSRF token of a page.

        Raises:
            AssertionError: when the page has none.
        """
        answer = self.get(page, follow_redirects=True)
        found = _TOKEN.search(answer.get_data(as_text=True))
        assert found, f"{page} answered {answer.status} and holds no CSRF token"
        return found.group(1) or found.group(2)


class ApiClient(PortalClient):
    """A program that calls the REST interface with a token."""

    api_token: str = ""

    def open(self, *args: Any, **options: Any) -> TestResponse:
        """Send one call with the token; a header ``Authorization`` of the test's own wins."""
        headers = Headers(options.pop("headers", None))
        if self.api_token and "Authorization" not in headers:
            headers["Authorization"] = f"Bearer {self.api_token}"
        return super().open(*args, headers=headers, **options)
