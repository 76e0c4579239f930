"""Hook implementations of the admissions plugin; no logic."""

from collections.abc import Sequence
from typing import Any

from portal.sdk import (
    Command,
    JobKind,
    MigrationSource,
    Permission,
    Role,
    SettingsDeclaration,
    hookimpl,
)
from plugins.admissions import commands, hooks, jobs, permissions
from plugins.admissions.models import MODELS
from plugins.admissions.settings import AdmissionsSettings

PORTAL_API = "1"
NAME = "admissions"
TITLE = "Admissions"


@hookimpl
def portal_models() -> Sequence[type]:
    return MODELS


@hookimpl
def portal_migrations() -> Sequence[MigrationSource]:
    return (MigrationSource(package="plugins.admissions"),)


@hookimpl
def portal_permissions() -> Sequence[Permission]:
    return permissions.PERMISSIONS


@hookimpl
def portal_roles() -> Sequence[Role]:
    return permissions.ROLES


@hookimpl
def portal_settings() -> Sequence[SettingsDeclaration]:
    return (SettingsDeclaration(title=TITLE, model=AdmissionsSettings),)


@hookimpl
def portal_hookspecs() -> Sequence[Any]:
    return (hooks,)


@hookimpl
def portal_job_kinds() -> Sequence[JobKind]:
    return tuple(
        JobKind(kind=kind)
        for kind in (jobs.ImportApplicants, jobs.CreateStudents, jobs.PrintActivationLetters)
    )


@hookimpl
def portal_commands() -> Sequence[Command]:
    return tuple(Command(command=command) for command in commands.COMMANDS)
