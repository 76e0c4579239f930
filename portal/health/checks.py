"""The portal's own health checks, and the way to run every declared one. Reads only."""

import logging
import os
import secrets
from collections.abc import Collection, Mapping

from flask import current_app
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from portal.config import current_config
from portal.files.store import current_store
from portal.hooks.declarations import CheckResult, HealthCheck
from portal.hooks.registry import current_registry
from portal.installation import migration_folders
from portal.jobs.queue import connect
from portal.jobs.queue_health import queue_health
from portal.kernel import migrations
from portal.kernel.db import db, reading
from portal.kernel.errors import PortalError
from portal.kernel.replica import current_replica

log = logging.getLogger(__name__)

ONE_DAY_SECONDS = 86_400.0


def run_checks(names: Collection[str] | None = None) -> dict[str, CheckResult]:
    """Run the declared checks, or those with the given names; return name → what it found, sorted by name.

    A check that raises has failed; its error is logged and its message is the finding.
    """
    checks = sorted(current_registry().health_checks.items())
    return {name: _find(check) for name, check in checks if names is None or name in names}


def is_ready(results: Mapping[str, CheckResult]) -> bool:
    """Say whether no critical check failed."""
    checks = current_registry().health_checks
    return all(result.ok for name, result in results.items() if checks[name].critical)


def _find(check: HealthCheck) -> CheckResult:
    try:
        return check.check()
    except Exception as error:
        # A check may be a plugin's; whatever it raises means that it did not pass.
        log.exception("the health check %s raised", check.name)
        return CheckResult(ok=False, message=f"{type(error).__name__}: {error}")


def check_database() -> CheckResult:
    """Say whether the database answers."""
    try:
        with reading() as session:
            session.execute(text("SELECT 1"))
    except SQLAlchemyError as error:
        return CheckResult(
            ok=False, message=f"The database does not answer: {error}. Check PORTAL_DATABASE_URL."
        )
    return CheckResult(ok=True, message=f"{db.engine.dialect.name} answers.")


def check_migrations() -> CheckResult:
    """Say whether the tables are those that the loaded code expects."""
    try:
        waiting = migrations.pending(migration_folders())
    except SQLAlchemyError as error:
        return CheckResult(ok=False, message=f"The database does not answer: {error}.")
    if waiting:
        owners = ", ".join(f"{owner} ({len(revisions)})" for owner, revisions in waiting.items())
        return CheckResult(ok=False, message=f"Revisions are missing: {owners}. Run `portal migrate`.")
    return CheckResult(ok=True, message="Every table is up to date.")


def check_replica() -> CheckResult:
    """Say whether the copy of the database that heavy reads may use is fit for use. Not critical: the primary answers."""
    replica = current_replica()
    if replica is None:
        return CheckResult(ok=True, message="None is set; every read goes to the primary.")
    if replica.is_usable():
        return CheckResult(ok=True, message="It answers and is not too far behind.")
    return CheckResult(ok=False, message=f"It is {replica.reason}; heavy reads go to the primary meanwhile.")


def check_queue_server() -> CheckResult:
    """Say whether the queue server answers and keeps what it is given.

    Not critical: without it the relay cannot wake workers, but pages work and nothing is lost.
    """
    connection = connect(current_config())
    try:
        policy = connection.config_get("maxmemory-policy").get("maxmemory-policy", "noeviction")
    except (RedisError, OSError) as error:
        return CheckResult(
            ok=False,
            message=f"The queue server does not answer: {error}. Jobs wait until it does; nothing is lost.",
        )
    finally:
        connection.close()
    if policy != "noeviction":
        return CheckResult(ok=False, message=f"maxmemory-policy is {policy}; set it to noeviction.")
    return CheckResult(ok=True, message="The queue server answers.")


def check_workers() -> CheckResult:
    """Say whether workers are there and nothing waits for long.

    Not critical: pages work without workers, and no job is lost.
    """
    try:
        with reading():
            found = queue_health()
    except SQLAlchemyError as error:
        return CheckResult(ok=False, message=f"The database does not answer: {error}.")
    if found.trouble:
        return CheckResult(ok=False, message=found.trouble)
    stalled = f", {len(found.stalled)} stalled" if found.stalled else ""
    message = f"{len(found.workers)} alive, {found.busy_count} busy; {len(found.waiting)} jobs wait{stalled}."
    return CheckResult(ok=True, message=message)


def check_storage() -> CheckResult:
    """Say whether files can be written and there is room for more: in the home folder, or the bucket answers."""
    config = current_config()
    if config.blob_store_url:
        return _answering_bucket(config.blob_store_url)
    folder = config.blobs_dir if config.blobs_dir.exists() else config.home
    if not os.access(folder, os.W_OK):
        return CheckResult(ok=False, message=f"{folder} cannot be written by this user.")
    state = os.statvfs(folder)
    free = state.f_bavail * state.f_frsize
    if free < config.upload_max_bytes // 10:
        return CheckResult(ok=False, message=f"Only {free // 1_000_000} MB are free in {folder}. Make room.")
    return CheckResult(ok=True, message=f"{free // 1_000_000} MB are free.")


def _answering_bucket(url: str) -> CheckResult:
    try:
        current_store().missing(["0" * 64])
    except PortalError as error:
        return CheckResult(ok=False, message=error.message)
    return CheckResult(ok=True, message=f"{url} answers.")


def prove_storage() -> CheckResult:
    """Write a file, read it and remove it again, and say whether that worked. For `portal doctor`: it writes."""
    content = secrets.token_bytes(1000)
    store = current_store()
    try:
        (name,) = store.put_many([content])
        if store.read(name) != content:
            return CheckResult(ok=False, message="What was written is not what was read.")
        # Nobody else has these bytes, so they go whatever their age, and whatever the store's clock says.
        removed = store.remove_if_older(name, -ONE_DAY_SECONDS)
        if not removed or not store.missing([name]):
            return CheckResult(ok=False, message="A file was written but could not be removed.")
    except (PortalError, OSError) as error:
        return CheckResult(ok=False, message=f"A file cannot be written, read and removed: {error}")
    return CheckResult(ok=True, message="A file was written, read and removed.")


def check_plugins() -> CheckResult:
    """Say whether every installed plugin could be loaded."""
    problems = current_registry().problems
    if problems:
        return CheckResult(ok=False, message="; ".join(f"{item.name}: {item.text}" for item in problems))
    names = ", ".join(plugin.name for plugin in current_registry().plugins)
    return CheckResult(ok=True, message=f"Loaded: {names}.")


def check_secure_cookies() -> CheckResult:
    """Say whether a portal that others reach sends its session cookie over HTTPS only."""
    config = current_config()
    if config.base_url.startswith("https://") and not config.session_cookie_secure:
        return CheckResult(
            ok=False, message="Set PORTAL_SESSION_COOKIE_SECURE=true: the portal is served over HTTPS."
        )
    return CheckResult(ok=True, message=f"Served as {config.public_url} by {current_app.name}.")


CORE_CHECKS: tuple[HealthCheck, ...] = (
    HealthCheck(name="database", check=check_database),
    HealthCheck(name="migrations", check=check_migrations),
    HealthCheck(name="storage", check=check_storage),
    HealthCheck(name="read replica", check=check_replica, critical=False),
    HealthCheck(name="queue server", check=check_queue_server, critical=False),
    HealthCheck(name="workers", check=check_workers, critical=False),
    HealthCheck(name="plugins", check=check_plugins, critical=False),
    HealthCheck(name="cookies", check=check_secure_cookies, critical=False),
)
