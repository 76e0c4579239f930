"""One-use form tokens: a double click or a reload sends the same token, which the job engine takes for one start."""

import re

from flask import request

from portal.kernel.errors import InvalidInput
from portal.kernel.ids import new_id

FIELD = "form_token"
_RULE = re.compile(r"[0-9a-f]{32}")


def new_form_token() -> str:
    """Return a fresh token for a hidden field named ``form_token``."""
    return new_id().hex


def sent_form_token() -> str:
    """Return the token of the posted form; give it to ``portal.sdk.jobs.draft`` as ``idempotency_key``.

    Raises:
        InvalidInput: when the form carries none.
    """
    token = request.form.get(FIELD, "")
    if not _RULE.fullmatch(token):
        raise InvalidInput("form-token-missing", "This form is incomplete. Reload the page and try again.")
    return token
