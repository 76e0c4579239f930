"""Whose keys a program uses: its organization, the organization's identity providers, the users behind the keys."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ScalarSelect, String, and_, or_, select

from plugins.enrollments.api.inputs import (
    Normalise,
    current_settings,
    exact,
    is_storable_key,
    normaliser,
    uuid_or_none,
)
from plugins.enrollments.api.rowsets import looked_up, rowset
from plugins.enrollments.errors import (
    BadOrganizationShortNameException,
    ProgramDoesNotExistException,
    ProgramHasNoAuthoringOrganizationException,
    ProviderConfigurationException,
    ProviderDoesNotExistException,
)
from plugins.enrollments.models import IdentityProvider, Organization, Program, ProgramAuthor
from portal.sdk import ExternalIdentity, User, db

_KEY = {"key": String(), "form": String()}


@dataclass(frozen=True, kw_only=True)
class KeySpace:
    """Where the external keys of a program are looked up: the organization and its enabled providers, oldest first."""

    organization_key: str
    providers: tuple[str, ...]


def key_space(program_uuid: object) -> KeySpace:
    """Return whose keys a program uses. One statement.

    Raises:
        ProgramDoesNotExistException: no such program, or no UUID.
        ProgramHasNoAuthoringOrganizationException: the program names no organization.
        BadOrganizationShortNameException: the organization that it names is not known.
    """
    uid = uuid_or_none(program_uuid)
    if uid is None:
        raise ProgramDoesNotExistException(program_uuid)
    rows = db.session.execute(
        select(ProgramAuthor.organization_key, Organization.id, IdentityProvider.slug)
        .select_from(Program)
        .outerjoin(ProgramAuthor, ProgramAuthor.program_id == Program.id)
        .outerjoin(Organization, Organization.short_name == ProgramAuthor.organization_key)
        .outerjoin(
            IdentityProvider,
            (IdentityProvider.organization_id == Organization.id) & IdentityProvider.is_enabled,
        )
        .where(Program.id == uid)
        .order_by(ProgramAuthor.position, IdentityProvider.id)
    ).all()
    if not rows:
        raise ProgramDoesNotExistException(program_uuid)
    key, organization_id, _ = rows[0]
    if key is None:
        raise ProgramHasNoAuthoringOrganizationException(program_uuid)
    if organization_id is None:
        raise BadOrganizationShortNameException(key)
    slugs = tuple(row.slug for row in rows if row.organization_key == key and row.slug is not None)
    return KeySpace(organization_key=key, providers=slugs)


def user_ids_by_key(providers: Sequence[str], keys: Sequence[str], normalise: Normalise) -> dict[str, int]:
    """Return external key, as given, to user id; unknown ones are absent. One statement for any number of keys.

    Where several providers know a key, the last of ``providers`` counts.
    """
    if not providers or not keys:
        return {}
    wanted = rowset("wanted", _KEY, [(key, normalise(key)) for key in keys])
    matches = ExternalIdentity.external_id == wanted.c.key
    if normalise is not exact:
        matches = or_(matches, ExternalIdentity.external_id == wanted.c.form)
    is_known = and_(ExternalIdentity.provider.in_(providers), matches)
    rows = db.session.execute(
        select(wanted.c.key, ExternalIdentity.provider, ExternalIdentity.user_id).select_from(
            looked_up(wanted, ExternalIdentity, is_known)
        )
    )
    found: dict[str, tuple[int, int]] = {}
    rank = {provider: place for place, provider in enumerate(providers)}
    for key, provider, user_id in rows.all():
        if user_id is not None:
            found[key] = max(found.get(key, (-1, 0)), (rank[provider], user_id))
    return {key: user_id for key, (_, user_id) in found.items()}


def get_users_by_external_keys(
    program_uuid: object, external_user_keys: Iterable[str]
) -> dict[str, User | None]:
    """Return external key to user, None for keys that no provider of the program's organization knows.

    Five statements at most, for any number of keys.

    Raises:
        ProgramDoesNotExistException, OrganizationDoesNotExistException: see :func:`key_space`.
        ProviderDoesNotExistException: the organization has no enabled identity provider.
    """
    space = key_space(program_uuid)
    return _users(space.organization_key, space.providers, external_user_keys)


def get_users_by_external_keys_and_org_key(
    external_user_keys: Iterable[str], org_key: str
) -> dict[str, User | None]:
    """Return external key to user for an organization, as :func:`get_users_by_external_keys` does for a program.

    Raises:
        BadOrganizationShortNameException, ProviderDoesNotExistException.
    """
    providers = get_saml_providers_by_org_key(org_key)
    return _users(org_key, [provider.slug for provider in providers], external_user_keys)


def get_org_key_for_program(program_uuid: object) -> str:
    """Return the key of the program's first authoring organization, known here or not. One statement.

    Raises:
        ProgramDoesNotExistException, ProgramHasNoAuthoringOrganizationException.
    """
    uid = uuid_or_none(program_uuid)
    row = db.session.execute(
        select(Program.id, ProgramAuthor.organization_key)
        .outerjoin(ProgramAuthor, ProgramAuthor.program_id == Program.id)
        .where(Program.id == uid)
        .order_by(ProgramAuthor.position)
        .limit(1)
    ).first()
    if row is None:
        raise ProgramDoesNotExistException(program_uuid)
    if row.organization_key is None:
        raise ProgramHasNoAuthoringOrganizationException(program_uuid)
    return str(row.organization_key)


def get_saml_providers_by_org_key(org_key: str) -> Sequence[IdentityProvider]:
    """Return the enabled identity providers of an organization, oldest first.

    Raises:
        BadOrganizationShortNameException, ProviderDoesNotExistException.
    """
    organization = db.session.scalar(select(Organization).where(Organization.short_name == org_key))
    if organization is None:
        raise BadOrganizationShortNameException(org_key)
    return get_saml_providers_for_organization(organization)


def get_saml_providers_for_organization(organization: Organization) -> Sequence[IdentityProvider]:
    """Return the enabled identity providers of an organization, oldest first.

    Raises:
        ProviderDoesNotExistException: there is none.
    """
    providers = db.session.scalars(
        select(IdentityProvider)
        .where(IdentityProvider.organization_id == organization.id, IdentityProvider.is_enabled)
        .order_by(IdentityProvider.id)
    ).all()
    if not providers:
        raise ProviderDoesNotExistException(organization.short_name)
    return providers


def get_saml_provider_for_organization(organization: Organization) -> IdentityProvider:
    """Return the one enabled identity provider of an organization.

    Raises:
        ProviderDoesNotExistException: there is none.
        ProviderConfigurationException: there are several.
    """
    providers = get_saml_providers_for_organization(organization)
    if len(providers) > 1:
        raise ProviderConfigurationException(organization.short_name)
    return providers[0]


def get_provider_slug(provider: IdentityProvider) -> str:
    """Return the slug of a provider: what external identities call it."""
    return provider.slug.removeprefix("saml-")


def first_author(program_uuid: Any) -> ScalarSelect[str]:
    """Return the scalar subquery of the key of a program's first authoring organization, for use in a statement.

    Args:
        program_uuid: A UUID or a column of UUIDs.
    """
    return (
        select(ProgramAuthor.organization_key)
        .where(ProgramAuthor.program_id == program_uuid)
        .order_by(ProgramAuthor.position)
        .limit(1)
        .scalar_subquery()
    )


def _users(
    org_key: str, providers: Sequence[str], external_user_keys: Iterable[str]
) -> dict[str, User | None]:
    if not providers:
        raise ProviderDoesNotExistException(org_key)
    keys = list(external_user_keys)
    found = user_ids_by_key(
        providers, [key for key in keys if is_storable_key(key)], normaliser(current_settings())
    )
    users: Mapping[int, User] = {}
    if found:
        ids = rowset("ids", {"id": User.__table__.c.id.type}, [(user_id,) for user_id in set(found.values())])
        users = {user.id: user for user in db.session.scalars(select(User).join(ids, ids.c.id == User.id))}
    return {key: users.get(found[key]) if key in found else None for key in keys}
