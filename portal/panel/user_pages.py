"""What the users pages do with identities, retirement and the export of personal data."""

import json
from typing import Any
from uuid import UUID

from flask import Response, flash, redirect, request, url_for
from flask_admin.contrib.sqla.filters import BaseSQLAFilter

from portal.access.policy import may
from portal.access.routes import requires
from portal.audit.recording import record
from portal.auth import accounts
from portal.auth.attaching import discard_pending, pending_of
from portal.auth.identities import (
    NewIdentity,
    checked_identity,
    identities_by_user,
    identity_of_user,
    known_providers,
    link_identities_many,
    unlink_identities_many,
    with_external_id,
)
from portal.auth.models import User
from portal.jobs.api import draft, submit
from portal.jobs.intake import draft_rows
from portal.kernel.actor import current_actor
from portal.kernel.clock import utc_now
from portal.kernel.db import db
from portal.kernel.errors import Conflict, InvalidInput, NotFound, PluginReactionFailed
from portal.kernel.searching import Found
from portal.kernel.transaction import transaction
from portal.panel.delegation import may_change_user, require_user
from portal.panel.linking import LinkIdentities
from portal.panel.pending import AttachIdentities
from portal.panel.permissions import USERS_EXPORT_DATA, USERS_LINK, USERS_RETIRE
from portal.panel.personal_data import export_of
from portal.panel.retiring import RetireUsers
from portal.sdk.web import expose, job_url, portal_action, sent_form_token, upload_url
from portal.web.downloads import name_download


class ExternalIdFilter(BaseSQLAFilter):  # type: ignore[misc]
    """Keeps users whom any system knows under exactly this key."""

    def apply(self, query: Any, value: str, alias: Any = None) -> Any:
        return query.filter(User.id.in_(with_external_id(value.strip())))

    def operation(self) -> str:
        return "is"


class PeoplePages:
    """Part of the users view: the keys of a user in other systems, and the end of a person's data."""

    get_one: Any

    def find(self, query: Any, wanted: str) -> Any:
        """Return what a search matches: a key of another system as a whole, else the beginnings of names."""
        known = list(db.session.scalars(with_external_id(wanted.strip())))
        if known:
            condition = User.id.in_(known)
            count = query.where(condition).count()
            return Found(condition=condition, count=count, is_cut=False, whole=condition)
        return super().find(query, wanted)  # type: ignore[misc]

    def people_facts(self, user: User) -> dict[str, Any]:
        """Return what the user's page shows of identities, and which buttons it has."""
        actor = current_actor()
        may_link = may(actor, USERS_LINK) and may_change_user(actor, user) and user.retired_at is None
        return {
            "identities": identities_by_user([user.id]).get(user.id, []),
            "pending": pending_of(user.id),
            "providers": known_providers() if may_link else [],
            "may_link": may_link,
            "may_retire": may(actor, USERS_RETIRE) and user.retired_at is None and user.id != actor.user_id,
            "may_export": may(actor, USERS_EXPORT_DATA) and user.retired_at is None,
        }

    @expose("/identities/add", methods=("POST",))
    @requires(USERS_LINK)
    def link_identity(self) -> Any:
        """Tie a key of another system to the user."""
        user: User = self._present(request.form.get("id"))
        name, user_id = user.display_name, user.id
        try:
            with transaction():
                require_user(current_actor(), accounts.get_user(user_id))
                identity = checked_identity(
                    request.form.get("provider", ""), request.form.get("external_id", ""), user_id
                )
                link_identities_many([identity], request.form.get("reason", "").strip())
        except (InvalidInput, Conflict, PluginReactionFailed) as problem:
            flash(problem.message, "error")
        else:
            flash(f"{name} is known to {identity.provider} as {identity.external_id} now.", "success")
        return redirect(url_for(".details_view", id=user_id))

    @expose("/identities/remove", methods=("POST",))
    @requires(USERS_LINK)
    def unlink_identity(self) -> Any:
        """Untie a key from the user, with a reason."""
        user: User = self._present(request.form.get("id"))
        with transaction():
            require_user(current_actor(), accounts.get_user(user.id))
            found = identity_of_user(_key(request.form.get("identity", "")), user.id)
            if found is None:
                raise NotFound("identity-missing", "This key is not tied to the user any more.")
            identity = NewIdentity(provider=found.provider, external_id=found.external_id, user_id=user.id)
            unlink_identities_many([identity], request.form.get("reason", ""))
        flash(f"{identity.external_id} of {identity.provider} is not tied to anybody now.", "success")
        return redirect(url_for(".details_view", id=user.id))

    @expose("/identities/try-again", methods=("POST",))
    @requires(USERS_LINK)
    def try_pending(self) -> Any:
        """Start the job that ties what a sign-in could not tie to this user."""
        user: User = self._present(request.form.get("id"))
        planned = draft(
            AttachIdentities.name, {"user_id": user.id}, current_actor(), idempotency_key=sent_form_token()
        )
        with transaction():
            job_id = submit(planned, apply=True).id
        return redirect(job_url(job_id))

    @expose("/identities/discard", methods=("POST",))
    @requires(USERS_LINK)
    def discard_pending_identity(self) -> Any:
        """Forget a key that a sign-in brought and that could not be tied."""
        user: User = self._present(request.form.get("id"))
        with transaction():
            require_user(current_actor(), accounts.get_user(user.id))
            discard_pending(_key(request.form.get("pending", "")), user.id)
        flash("It is not tried again.", "success")
        return redirect(url_for(".details_view", id=user.id))

    @expose("/link-sheet/")
    @requires(USERS_LINK)
    def link_sheet(self) -> Any:
        """Lead to the upload page for a sheet of keys."""
        return redirect(upload_url(LinkIdentities.name))

    @expose("/retire-sheet/")
    @requires(USERS_RETIRE)
    def retire_sheet(self) -> Any:
        """Lead to the upload page for a sheet of people to be erased."""
        return redirect(upload_url(RetireUsers.name))

    @portal_action("retire", "Retire", USERS_RETIRE)
    def retire_selected(self, ids: list[str]) -> Any:
        """Plan the erasure of the selected people and lead to the page that says what it means."""
        return _plan_retirement(ids)

    @expose("/retire/", methods=("POST",))
    @requires(USERS_RETIRE)
    def retire(self) -> Any:
        """Plan the erasure of one person; nothing is erased before it is confirmed on the job's page."""
        user: User = self._present(request.form.get("id"))
        return _plan_retirement([str(user.id)])

    @expose("/personal-data/", methods=("POST",))
    @requires(USERS_EXPORT_DATA)
    def personal_data(self) -> Any:
        """Answer with everything kept about the person, as JSON; that it was handed out is recorded."""
        user: User = self.get_one(request.form.get("id"))
        with transaction():
            record("export-data", User.__tablename__, str(user.id))
        content = json.dumps(export_of([user.id])[user.id], ensure_ascii=False, indent=2, default=str)
        response = Response(content, mimetype="application/json")
        name_download(response, f"{user.sign_in_name} {utc_now():%Y-%m-%d}.json", inline=False)
        return response

    def _present(self, user_id: str | None) -> User:
        """Return the user, unless the person was erased.

        Raises:
            Conflict: code ``user-retired``.
        """
        user: User = self.get_one(user_id)
        refuse_retired(user)
        return user


def refuse_retired(user: User) -> None:
    """Refuse to change what is left of a person who was erased.

    Raises:
        Conflict: code ``user-retired``.
    """
    if user.retired_at is not None:
        raise Conflict("user-retired", "This person was erased; nothing of the user can be changed any more.")


def _plan_retirement(ids: list[str]) -> Any:
    rows = [{"user_id": user_id} for user_id in ids]
    planned = draft_rows(RetireUsers.name, {}, current_actor(), rows, idempotency_key=sent_form_token())
    with transaction():
        job_id = submit(planned).id
    return redirect(job_url(job_id))


def _key(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound("identity-missing", "There is no such key.") from None
