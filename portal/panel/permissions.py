"""The core's own permissions and the roles it suggests."""

from portal.hooks.declarations import Permission, Role

USERS_VIEW = "portal.users.view"
USERS_EDIT = "portal.users.edit"
ROLES_EDIT = "portal.roles.edit"
USERS_LINK = "portal.users.link"
USERS_RETIRE = "portal.users.retire"
USERS_EXPORT_DATA = "portal.users.export_data"
USERS_EXPORT = "portal.users.export"
SETTINGS_EDIT = "portal.settings.edit"
JOBS_VIEW = "portal.jobs.view"
JOBS_VIEW_ALL = "portal.jobs.view_all"
JOBS_MANAGE = "portal.jobs.manage"
JOBS_RELEASE = "portal.jobs.release"
MAINTENANCE_MANAGE = "portal.maintenance.manage"
MAINTENANCE_PASS = "portal.maintenance.pass"  # noqa: S105 - the name of a permission
AUDIT_VIEW = "portal.audit.view"
AUDIT_EXPORT = "portal.audit.export"
FILES_VIEW = "portal.files.view"
HEALTH_VIEW = "portal.health.view"
PLUGINS_VIEW = "portal.plugins.view"
SCHEDULES_MANAGE = "portal.schedules.manage"
METRICS_VIEW = "portal.metrics.view"
TOKENS_USE = "portal.tokens.use"
TOKENS_MANAGE = "portal.tokens.manage"

PERMISSIONS = (
    Permission(name=USERS_VIEW, title="See users", group="People"),
    Permission(name=USERS_EDIT, title="Make and change users, give roles", group="People"),
    Permission(name=ROLES_EDIT, title="Make and change roles", group="People"),
    Permission(name=USERS_LINK, title="Tie users to the keys of other systems", group="People"),
    Permission(name=USERS_RETIRE, title="Retire users: erase the person for good", group="People"),
    Permission(name=USERS_EXPORT_DATA, title="Hand out everything kept about a person", group="People"),
    Permission(name=USERS_EXPORT, title="Export lists of users", group="People"),
    Permission(name=SETTINGS_EDIT, title="Change settings", group="Operation"),
    Permission(name=JOBS_VIEW, title="See own jobs", group="Jobs"),
    Permission(name=JOBS_VIEW_ALL, title="See everybody's jobs", group="Jobs"),
    Permission(name=JOBS_MANAGE, title="Cancel, resume, retry and undo everybody's jobs", group="Jobs"),
    Permission(name=JOBS_RELEASE, title="Release jobs that change unusually much", group="Jobs"),
    Permission(name=MAINTENANCE_MANAGE, title="Close and open the portal", group="Operation"),
    Permission(name=MAINTENANCE_PASS, title="Work while the portal is closed", group="Operation"),
    Permission(name=AUDIT_VIEW, title="See who changed what", group="Operation"),
    Permission(name=AUDIT_EXPORT, title="Export the record of changes", group="Operation"),
    Permission(name=FILES_VIEW, title="See the list of stored files", group="Operation"),
    Permission(name=HEALTH_VIEW, title="See the health of the installation", group="Operation"),
    Permission(name=PLUGINS_VIEW, title="See the plugins", group="Operation"),
    Permission(name=SCHEDULES_MANAGE, title="See schedules, switch them, run them now", group="Operation"),
    Permission(name=TOKENS_USE, title="Have API tokens of one's own", group="REST interface"),
    Permission(
        name=TOKENS_MANAGE,
        title="See and revoke everybody's API tokens, make them for service accounts",
        group="REST interface",
    ),
    Permission(name=METRICS_VIEW, title="Read the figures for monitoring", group="Operation"),
)

ROLES = (
    Role(
        name="operator",
        title="Operator",
        permissions=frozenset(
            {
                JOBS_VIEW,
                JOBS_VIEW_ALL,
                JOBS_MANAGE,
                JOBS_RELEASE,
                MAINTENANCE_MANAGE,
                MAINTENANCE_PASS,
                AUDIT_VIEW,
                HEALTH_VIEW,
                PLUGINS_VIEW,
                SCHEDULES_MANAGE,
                TOKENS_USE,
                TOKENS_MANAGE,
            }
        ),
    ),
)
