"""Moves keys: identities of a provider get other student keys, and compared keys follow the setting for letter case."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from plugins.enrollments.api.inputs import current_settings, normaliser
from plugins.enrollments.api.rowsets import rowset
from plugins.enrollments.api.stamping import note
from plugins.enrollments.models import ProgramCourseEnrollment, ProgramEnrollment
from plugins.enrollments.models.columns import Identifier, Key
from portal.sdk import (
    ExternalIdentity,
    NewIdentity,
    User,
    db,
    link_identities,
    savepoint,
    unlink_identities,
)

REASON = "student keys moved"
MOST = 500
_TABLE: Any = ProgramEnrollment.__table__
_ROWS: Any = ProgramCourseEnrollment.__table__
_FORM = {"id": Key, "form": Identifier}


class MovedKeys(NamedTuple):
    """What became of a mapping: how many moved or stayed, and the addresses that no one user has."""

    moved: int
    unchanged: int
    missing: list[str]


def move_identities(provider: str, keys_by_email: Mapping[str, str]) -> MovedKeys:
    """Give the users with these e-mail addresses these keys at a provider, in place of the ones they have there.

    What waits for a new key is linked. At most 500 addresses; a fixed number of statements. Needs an open transaction;
    does not commit.

    Raises:
        Conflict: a key belongs to somebody else.
        PluginReactionFailed: what waits for a key could not be linked; roll back.

    Source: ``migrate_saml_uids`` of edx-platform.
    """
    emails = list(keys_by_email)[:MOST]
    found = db.session.execute(select(User.id, User.email).where(User.email.in_(emails))).all()
    by_email: dict[str, list[int]] = {}
    for user_id, email in found:
        by_email.setdefault(str(email), []).append(user_id)
    users = {ids[0]: keys_by_email[email] for email, ids in by_email.items() if len(ids) == 1}
    known = db.session.execute(
        select(ExternalIdentity.user_id, ExternalIdentity.external_id).where(
            ExternalIdentity.provider == provider, ExternalIdentity.user_id.in_(list(users))
        )
    ).all()
    right = {user_id for user_id, key in known if users[user_id] == key}
    old = [
        NewIdentity(provider=provider, external_id=key, user_id=user_id)
        for user_id, key in known
        if user_id not in right
    ]
    new = [
        NewIdentity(provider=provider, external_id=key, user_id=user_id)
        for user_id, key in users.items()
        if user_id not in right
    ]
    if old:
        unlink_identities(old, REASON)
    if new:
        link_identities(new, REASON)
    missing = [email for email in emails if len(by_email.get(email, ())) != 1]
    return MovedKeys(len(new), len(right), missing)


def fold_keys(after: int = 0, most: int = MOST) -> tuple[int, int, list[str]]:
    """Bring compared keys of up to ``most`` enrollments beyond a number into the form that the setting asks for.

    Returns the last number looked at (0 at the end), how many changed, and the keys that stand against another one in
    the new form and stay as they are. Three statements, more where keys collide. Needs an open transaction; does not
    commit.
    """
    normalise = normaliser(current_settings())
    page = db.session.execute(
        select(_TABLE.c.id, _TABLE.c.external_user_key, _TABLE.c.external_key)
        .where(_TABLE.c.id > after, _TABLE.c.external_user_key.is_not(None))
        .order_by(_TABLE.c.id)
        .limit(most)
        .with_for_update()
    ).all()
    wrong = [(row[0], normalise(row[1]), row[1]) for row in page if normalise(row[1]) != row[2]]
    refused = _folded(wrong)
    changed = len(wrong) - len(refused)
    if changed:
        note("fold-keys", _TABLE.name, page[0][0], {"changed": changed})
        db.session.expire_all()
    return (page[-1][0] if len(page) == most else 0), changed, refused


def _folded(wrong: list[tuple[int, str, str]]) -> list[str]:
    if not wrong:
        return []
    given = rowset("given", _FORM, [(number, form) for number, form, _ in wrong])
    try:
        with savepoint():
            for table, number in ((_TABLE, _TABLE.c.id), (_ROWS, _ROWS.c.program_enrollment_id)):
                db.session.connection().execute(
                    update(table)
                    .where(number == given.c.id)
                    .values(external_key=given.c.form, version=table.c.version + 1)
                )
    except IntegrityError:
        if len(wrong) == 1:
            return [wrong[0][2]]
        middle = len(wrong) // 2
        return _folded(wrong[:middle]) + _folded(wrong[middle:])
    return []
