"""API tokens: one's own for whoever may have some, everybody's for those who manage them."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import flash, make_response, redirect, request, url_for
from sqlalchemy import select

from portal.access.policy import may
from portal.auth import accounts, tokens
from portal.auth.models import ApiToken, User
from portal.hooks.registry import current_registry
from portal.kernel.actor import Actor, current_actor
from portal.kernel.clock import utc_now
from portal.kernel.db import db
from portal.kernel.errors import Forbidden, InvalidInput, NotFound, PortalError
from portal.kernel.transaction import transaction
from portal.panel.delegation import require_permissions, require_user
from portal.panel.permissions import TOKENS_MANAGE, TOKENS_USE
from portal.panel.roles import permission_groups
from portal.sdk.web import PortalView, expose, requires

DAYS = (7, 30, 90, 180, 365, 730)
MOST_SERVICES = 500


class TokensView(PortalView):
    """Programs call the REST interface with a token: it acts for its owner, with a part of the owner's rights."""

    @expose("/")
    @requires(TOKENS_USE)
    def index(self) -> Any:
        """List one's own tokens, or everybody's."""
        everybodys, with_ended = may(current_actor(), TOKENS_MANAGE), "ended" in request.args
        owner = request.args.get("owner", "").strip()[:80] if everybodys else ""
        found = tokens.list_tokens(
            None if everybodys else _own_id(), only_live=not with_ended, owner=owner, limit=tokens.MOST_LISTED
        )
        return self.render(
            "panel/tokens.html",
            tokens=found,
            everybodys=everybodys,
            with_ended=with_ended,
            owner=owner,
            is_cut=len(found) == tokens.MOST_LISTED,
            state_of=state_of,
            titles={name: item.title for name, item in current_registry().permissions.items()},
        )

    @expose("/new/", methods=("GET", "POST"))
    @requires(TOKENS_USE)
    def new(self) -> Any:
        """Make a token, and show its secret this once."""
        problem = None
        if request.method == "POST":
            try:
                return self._created()
            except Forbidden:
                raise
            except PortalError as error:
                problem = error
        filled = {**request.form.to_dict(), "scopes": request.form.getlist("scopes")}
        filled.setdefault("days", str(tokens.DEFAULT_DAYS))
        held = [
            {**group, "permissions": [item for item, is_held in group["permissions"] if is_held]}
            for group in permission_groups()
        ]
        page = self.render(
            "panel/token_form.html",
            filled=filled,
            groups=[group for group in held if group["permissions"]],
            services=service_accounts() if may(current_actor(), TOKENS_MANAGE) else (),
            days=DAYS,
            problem=problem,
        )
        return page, problem.status if problem is not None else 200

    @expose("/revoke/", methods=("POST",))
    @requires(TOKENS_USE)
    def revoke(self) -> Any:
        """End a token at once, for good."""
        with transaction():
            token = _changeable(request.form.get("id", ""), current_actor())
            name = tokens.revoke_token(token.id).name
        flash(f"“{name}” is revoked: whoever still uses it is refused from now on.", "success")
        return redirect(url_for(".index"))

    def _created(self) -> Any:
        actor = current_actor()
        scopes = set(request.form.getlist("scopes"))
        require_permissions(actor, scopes & current_registry().permissions.keys())
        with transaction():
            owner = _wanted_owner(actor)
            made = tokens.create_token(
                owner.id, request.form.get("name", ""), scopes, utc_now() + timedelta(days=_days())
            )
        response = make_response(
            self.render("panel/token_secret.html", token=tokens.get_token(made.id), secret=made.secret)
        )
        response.headers["Cache-Control"] = "no-store"
        return response


def state_of(token: ApiToken) -> str:
    """Return in one word what the token is good for: active, expired, revoked, or off with its owner."""
    if token.revoked_at is not None:
        return "revoked"
    if token.expires_at <= utc_now():
        return "expired"
    return "active" if token.owner.active else "off"


def service_accounts() -> list[User]:
    """Return the active service accounts, by name."""
    statement = select(User).where(User.is_service, User.active).order_by(User.display_name)
    return list(db.session.scalars(statement.limit(MOST_SERVICES)))


def _own_id() -> int:
    user_id = current_actor().user_id
    if user_id is None:
        raise Forbidden("no-user", "Only a user has tokens.")
    return user_id


def _changeable(text: str, actor: Actor) -> ApiToken:
    try:
        token = tokens.get_token(UUID(text))
    except ValueError:
        raise NotFound("token-not-found", "There is no such token.") from None
    if token.user_id != actor.user_id and not may(actor, TOKENS_MANAGE):
        raise NotFound("token-not-found", "There is no such token.")
    return token


def _wanted_owner(actor: Actor) -> User:
    """Return whose token it becomes: the actor's own, or a service account's that may do no more than the actor."""
    chosen = request.form.get("owner", "")
    if not chosen:
        return accounts.get_user(_own_id())
    if not may(actor, TOKENS_MANAGE):
        raise Forbidden("token-of-other", "You can make tokens for yourself only.")
    owner = db.session.get(User, int(chosen)) if chosen.isdigit() and len(chosen) < 10 else None
    if owner is None or not owner.is_service:
        raise InvalidInput("token-owner-unknown", "Choose a service account.", {"field": "owner"})
    require_user(actor, owner)
    return owner


def _days() -> int:
    sent = request.form.get("days", "")
    if not sent.isdigit() or int(sent[:6]) not in DAYS:
        raise InvalidInput(
            "token-expiry-invalid", "Choose how long the token is good for.", {"field": "days"}
        )
    return int(sent)
