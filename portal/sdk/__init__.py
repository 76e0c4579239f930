"""The public surface of the portal: plugins import this package and nothing else of it. Re-exports only."""

from portal.access.policy import may, narrow, require
from portal.access.routes import public_route, requires, signed_in_only
from portal.audit.erasing import erase_changes as erase_audit
from portal.audit.erasing import former_values
from portal.audit.queries import LastWrite, last_writes
from portal.audit.recording import AuditRow, record, record_many
from portal.auth.accounts import NewUser
from portal.auth.accounts import create_many as create_users
from portal.auth.activation import codes_for as activation_codes
from portal.auth.activation import issue_many as issue_activations
from portal.auth.attaching import attach_at_sign_in
from portal.auth.identities import NewIdentity, users_by_identity
from portal.auth.identities import link_identities_many as link_identities
from portal.auth.identities import unlink_identities_many as unlink_identities
from portal.auth.models import ExternalIdentity, User, sign_in_key
from portal.auth.removal import AccountUse, account_uses, remove_users
from portal.config import current_config
from portal.files.images import ImageLimits, SafeImage, safe_image
from portal.files.models import StoredFile
from portal.files.service import NewFile
from portal.files.service import register as register_files
from portal.files.store import BlobStore, current_store
from portal.hooks.declarations import (
    AdminView,
    CheckResult,
    Command,
    DemoContext,
    DemoStep,
    DocumentDeclaration,
    HealthCheck,
    JobKind,
    MigrationSource,
    Permission,
    Role,
    Schedule,
    SettingsDeclaration,
)
from portal.hooks.events import (
    IdentitiesLinked,
    JobFinished,
    LinkedIdentity,
    MaintenanceChanged,
    RetiredUser,
    UsersRetired,
)
from portal.hooks.manager import emit_notice, emit_reaction, first_answer, is_heard
from portal.hooks.specs import hookimpl, hookspec
from portal.kernel.actor import ANONYMOUS, SYSTEM, Actor, acting_as, current_actor
from portal.kernel.clock import database_now, utc_now
from portal.kernel.db import Base, Json, UtcDateTime, Versioned, db, reading
from portal.kernel.deprecation import Deprecated, deprecated, deprecated_names
from portal.kernel.errors import (
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    PluginError,
    PluginReactionFailed,
    PortalError,
    TemporaryFailure,
    TooMany,
    UnderMaintenance,
)
from portal.kernel.ids import new_id
from portal.kernel.paging import Page, PageOrder, order_of, page_of, position_from, position_text
from portal.kernel.references import who_refers
from portal.kernel.search_indexes import (
    create_search_indexes,
    drop_search_indexes,
    search_index,
    word_indexes,
)
from portal.kernel.transaction import (
    in_transaction,
    is_temporary,
    on_commit,
    run_in_transaction,
    savepoint,
    transaction,
)
from portal.mail.forgetting import forget_mail
from portal.mail.outbox import send as send_mail
from portal.settings.store import get as get_settings
from portal.web.institution import InstitutionSettings, institution, institution_logo

__all__ = [
    "ANONYMOUS",
    "SYSTEM",
    "AccountUse",
    "Actor",
    "AdminView",
    "AuditRow",
    "Base",
    "BlobStore",
    "CheckResult",
    "Command",
    "Conflict",
    "DemoContext",
    "DemoStep",
    "Deprecated",
    "DocumentDeclaration",
    "ExternalIdentity",
    "Forbidden",
    "HealthCheck",
    "IdentitiesLinked",
    "ImageLimits",
    "InstitutionSettings",
    "InvalidInput",
    "JobFinished",
    "JobKind",
    "Json",
    "LastWrite",
    "LinkedIdentity",
    "MaintenanceChanged",
    "MigrationSource",
    "NewFile",
    "NewIdentity",
    "NewUser",
    "NotFound",
    "Page",
    "PageOrder",
    "Permission",
    "PluginError",
    "PluginReactionFailed",
    "PortalError",
    "RetiredUser",
    "Role",
    "SafeImage",
    "Schedule",
    "SettingsDeclaration",
    "StoredFile",
    "TemporaryFailure",
    "TooMany",
    "UnderMaintenance",
    "User",
    "UsersRetired",
    "UtcDateTime",
    "Versioned",
    "account_uses",
    "acting_as",
    "activation_codes",
    "attach_at_sign_in",
    "create_search_indexes",
    "create_users",
    "current_actor",
    "current_config",
    "current_store",
    "database_now",
    "db",
    "deprecated",
    "deprecated_names",
    "drop_search_indexes",
    "emit_notice",
    "emit_reaction",
    "erase_audit",
    "first_answer",
    "forget_mail",
    "former_values",
    "get_settings",
    "hookimpl",
    "hookspec",
    "in_transaction",
    "institution",
    "institution_logo",
    "is_heard",
    "is_temporary",
    "issue_activations",
    "last_writes",
    "link_identities",
    "may",
    "narrow",
    "new_id",
    "on_commit",
    "order_of",
    "page_of",
    "position_from",
    "position_text",
    "public_route",
    "reading",
    "record",
    "record_many",
    "register_files",
    "remove_users",
    "require",
    "requires",
    "run_in_transaction",
    "safe_image",
    "savepoint",
    "search_index",
    "send_mail",
    "sign_in_key",
    "signed_in_only",
    "transaction",
    "unlink_identities",
    "users_by_identity",
    "utc_now",
    "who_refers",
    "word_indexes",
]
