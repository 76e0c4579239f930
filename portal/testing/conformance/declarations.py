"""Rule: what a plugin declares bears its name, is of the declared type, and refers only to what exists."""

import inspect
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, get_args, get_type_hints

from pydantic import ValidationError

from portal.hooks import specs
from portal.hooks.declarations import Permission, Role, Schedule, SettingsDeclaration
from portal.panel import plugin as core
from portal.testing.conformance.findings import Findings
from portal.testing.conformance.parameters import sample_parameters
from portal.testing.conformance.signatures import implementations


class Declared:
    """Everything that one plugin declares, asked for once; a hook that raises is a finding and declares nothing."""

    def __init__(self, name: str, module: ModuleType, findings: Findings) -> None:
        self.name = name
        self.module = module
        self.hooks = implementations(module)
        self._findings = findings
        self._answers: dict[str, list[Any]] = {}

    def get(self, hook: str) -> list[Any]:
        """Return what the plugin answers to a hook without arguments, as far as it is of the hook's type."""
        if hook not in self._answers:
            self._answers[hook] = self._asked(hook)
        return self._answers[hook]

    def _asked(self, hook: str) -> list[Any]:
        function = self.hooks.get(hook)
        if function is None:
            return []
        (kind,) = get_args(get_type_hints(getattr(specs, hook))["return"])
        kind = type if get_args(kind) or kind is type else kind
        answer: list[Any] = []
        with self._findings.noting(f"hook {hook}", "it raises", "A declaration is data: return it."):
            answer += function()
        right = [item for item in answer if kind is Any or isinstance(item, kind)]
        for item in answer:
            if kind is not Any and not isinstance(item, kind):
                self._findings.add(
                    f"hook {hook}", f"{item!r} is no {kind.__name__}.", f"Give {kind.__name__} objects only."
                )
        return right


def known_permissions(declared: Declared, required: Mapping[str, ModuleType], findings: Findings) -> set[str]:
    """Return the permissions that the plugin may refer to: its own, the portal's, those of plugins it requires."""
    known = {item.name for item in declared.get("portal_permissions")}
    for name, module in {"portal": core, **required}.items():
        known |= {item.name for item in Declared(name, module, findings).get("portal_permissions")}
    return known


def check_declarations(declared: Declared, known: set[str], findings: Findings) -> None:
    """Note wrong names, permissions that nobody declares, settings without default or description."""
    for hook, function in declared.hooks.items():
        if hasattr(specs, hook) and not inspect.signature(function).parameters:
            declared.get(hook)
    _check_permissions(declared, known, findings)
    _check_settings(declared, findings)
    kinds = {}
    for item in declared.get("portal_job_kinds"):
        kinds[getattr(item.kind, "name", "")] = item.kind
        _check_kind(declared.name, item.kind, known, findings)
    for schedule in declared.get("portal_schedules"):
        _check_schedule(declared.name, schedule, kinds, findings)
    for card in declared.get("portal_dashboard_cards"):
        _check_prefix(declared.name, "dashboard card", card.name, findings)
        _check_known(f"dashboard card {card.name}", card.permission, known, findings)
    for step in declared.get("portal_first_steps"):
        _check_known(f"first step {step.title!r}", step.permission, known, findings)


def check_templates(folder: Path, name: str, required: Mapping[str, ModuleType], findings: Findings) -> None:
    """Note templates outside of ``templates/<plugin>/`` that do not replace one of a required plugin."""
    root = folder / "templates"
    for path in sorted(item for item in root.rglob("*") if item.is_file()):
        inside = path.relative_to(root)
        owner = inside.parts[0]
        where = f"{folder.name}/templates/{inside.as_posix()}"
        if owner == name:
            continue
        if owner not in required:
            findings.add(
                where, f"a plugin's templates lie in templates/{name}/.", f"Move it to templates/{name}/."
            )
        elif not (Path(required[owner].__file__ or "").parent / "templates" / inside).is_file():
            findings.add(
                where,
                f"it replaces nothing: the plugin {owner} has no template {inside.as_posix()}.",
                f"Give it the name of the one that it replaces, or move it to templates/{name}/.",
            )


def _check_permissions(declared: Declared, known: set[str], findings: Findings) -> None:
    permission: Permission
    for permission in declared.get("portal_permissions"):
        _check_prefix(declared.name, "permission", permission.name, findings)
        if not permission.title:
            findings.add(
                f"permission {permission.name}", "it has no title.", "Say what it allows, for people."
            )
    role: Role
    for role in declared.get("portal_roles"):
        for wanted in sorted(role.permissions):
            _check_known(f"role {role.name}", wanted, known, findings)


def _check_settings(declared: Declared, findings: Findings) -> None:
    item: SettingsDeclaration
    for item in declared.get("portal_settings"):
        for name, field in item.model.model_fields.items():
            where = f"setting {item.model.__name__}.{name}"
            if field.is_required():
                findings.add(
                    where, "it has no default, so the portal could not start unset.", "Give it a default."
                )
            if not field.description:
                findings.add(
                    where,
                    "it has no description, and the settings page shows nothing else.",
                    "Write Field(…, description=…).",
                )


def _check_kind(plugin: str, kind: Any, known: set[str], findings: Findings) -> None:
    name = getattr(kind, "name", "") or kind.__name__
    where = f"job kind {name}"
    _check_prefix(plugin, "job kind", name, findings)
    asked = set()
    with findings.noting(
        where,
        "its permission cannot be asked",
        "permission(params) depends on params alone and answers for each of their values.",
    ):
        made = kind()
        for parameters in sample_parameters(kind.Params):
            asked.add(made.permission(parameters))
    for permission in sorted(asked):
        _check_known(where, permission, known, findings)


def _check_schedule(plugin: str, schedule: Schedule, kinds: Mapping[str, Any], findings: Findings) -> None:
    where = f"schedule {schedule.name}"
    _check_prefix(plugin, "schedule", schedule.name, findings)
    kind = kinds.get(schedule.kind)
    if kind is None:
        if schedule.kind.startswith(f"{plugin}."):
            findings.add(
                where,
                f"it starts {schedule.kind!r}, which portal_job_kinds does not declare.",
                f"Declared: {', '.join(sorted(kinds)) or 'none'}.",
            )
        return
    try:
        kind.Params.model_validate(dict(schedule.params))
    except ValidationError as error:
        refused = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        findings.add(where, f"the kind refuses its parameters ({refused}).", "Give what the kind takes.")


def _check_prefix(plugin: str, what: str, name: str, findings: Findings) -> None:
    if not name.startswith(f"{plugin}."):
        findings.add(
            f"{what} {name}", f"its name must begin with '{plugin}.'.", f"Call it '{plugin}.{name}'."
        )


def _check_known(where: str, permission: str, known: Iterable[str], findings: Findings) -> None:
    if permission not in known:
        findings.add(
            where,
            f"it needs the permission {permission!r}, which nobody declares.",
            "Declare it in portal_permissions, or name one of your own, of the portal or of a required plugin.",
        )
