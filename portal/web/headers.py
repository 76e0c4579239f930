"""Security headers, the nonce of the content security policy, and the id of each request."""

import re
import secrets

from flask import Flask, Response, g, has_request_context, request

from portal.config import PortalConfig

REQUEST_ID_HEADER = "X-Request-ID"
#: What a proxy may name a request: nothing that could be read as anything else in a log.
_ID_RULE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")


def nonce() -> str:
    """Return this request's nonce for script tags."""
    if "portal_nonce" not in g:
        g.portal_nonce = secrets.token_urlsafe(16)
    value: str = g.portal_nonce
    return value


def request_id() -> str:
    """Return the id that names this request in log, error page and response header: the proxy's, or a new one."""
    if "portal_request_id" not in g:
        sent = request.headers.get(REQUEST_ID_HEADER, "") if has_request_context() else ""
        g.portal_request_id = sent if _ID_RULE.fullmatch(sent) else secrets.token_hex(8)
    value: str = g.portal_request_id
    return value


def page_policy() -> str:
    """Return the content security policy of a page: our own files only, no inline script."""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' 'nonce-{nonce()}'",
            # Vendored widgets set inline styles; a nonce here would switch 'unsafe-inline' off.
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data:",
            "font-src 'self'",
            "connect-src 'self'",
            "frame-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )


def init_headers(app: Flask, config: PortalConfig) -> None:
    """Add the headers to every response; a view that sets one itself keeps it."""

    @app.after_request
    def add_headers(response: Response) -> Response:
        headers = response.headers
        headers.setdefault("Content-Security-Policy", page_policy())
        headers.setdefault("X-Content-Type-Options", "nosniff")
        headers.setdefault("Referrer-Policy", "same-origin")
        headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
        headers.setdefault(REQUEST_ID_HEADER, request_id())
        # Pages show personal data: nothing of them stays in a shared browser.
        headers.setdefault("Cache-Control", "no-store")
        if config.session_cookie_secure:
            headers.setdefault("Strict-Transport-Security", "max-age=31536000")
        return response
