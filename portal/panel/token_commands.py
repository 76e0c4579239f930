"""The commands ``portal tokens …`` and ``portal users create-service``: programs that call the portal."""

import uuid
from collections.abc import Sequence
from datetime import timedelta

import click

from portal.auth import accounts
from portal.auth.models import User
from portal.auth.tokens import DEFAULT_DAYS, MOST_DAYS, create_token, list_tokens, revoke_token
from portal.kernel.clock import utc_now
from portal.kernel.errors import NotFound
from portal.kernel.transaction import transaction
from portal.panel.tokens import state_of


@click.group()
def tokens() -> None:
    """API tokens: make, list, revoke."""


@tokens.command("create")
@click.argument("sign_in_name")
@click.option("--name", required=True, help="What the token is for.")
@click.option(
    "--scope", "scopes", multiple=True, required=True, help="A permission; may be given several times."
)
@click.option(
    "--days",
    type=click.IntRange(1, MOST_DAYS),
    default=DEFAULT_DAYS,
    show_default=True,
    help="How long it is good for.",
)
def create(sign_in_name: str, name: str, scopes: Sequence[str], days: int) -> None:
    """Make a token of a user and print it, this once, as the only line."""
    user_id = _user(sign_in_name).id
    with transaction():
        made = create_token(user_id, name, scopes, utc_now() + timedelta(days=days))
    click.echo(made.secret)


@tokens.command("list")
@click.option("--user", "sign_in_name", help="Only the tokens of this user.")
def list_all(sign_in_name: str | None) -> None:
    """List tokens, newest first: id, state, what it begins with, owner, what it is for, when it was used."""
    user_id = _user(sign_in_name).id if sign_in_name else None
    for token in list_tokens(user_id):
        used = f"used {token.last_used_at:%Y-%m-%d %H:%M}" if token.last_used_at else "never used"
        until = f"until {token.expires_at:%Y-%m-%d}"
        click.echo(
            f"{token.id}  {state_of(token):8} cpt_{token.prefix}  {token.owner.sign_in_name:20} {until}  {used}  {token.name}"
        )


@tokens.command("revoke")
@click.argument("token_id", type=click.UUID)
def revoke(token_id: uuid.UUID) -> None:
    """End the token TOKEN_ID at once, for good."""
    with transaction():
        name = revoke_token(token_id).name
    click.echo(f"{name} is revoked.")


@click.command("create-service")
@click.argument("sign_in_name")
@click.option("--title", default="", help="What people see; the sign-in name when absent.")
@click.option("--role", "roles", multiple=True, help="A role by its short name; may be given several times.")
def create_service(sign_in_name: str, title: str, roles: Sequence[str]) -> None:
    """Make a service account: it has no password, only tokens."""
    with transaction():
        accounts.create_service(sign_in_name, title or sign_in_name, roles)
    click.echo(f"{sign_in_name} is a service account. Make a token: portal tokens create {sign_in_name} …")


def _user(sign_in_name: str) -> User:
    user = accounts.find_user_for_sign_in(sign_in_name)
    if user is None:
        raise NotFound("user-not-found", f"No user signs in as {sign_in_name!r}.")
    return user
