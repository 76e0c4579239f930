"""Rule: a plugin's tables bear its name and refer to its own tables or the portal's; all of them are declared."""

from typing import Any

from portal.kernel.db import Base
from portal.testing.conformance.declarations import Declared
from portal.testing.conformance.findings import Findings


def check_tables(declared: Declared, package: str, findings: Findings) -> None:
    """Note tables of another name, foreign keys into other plugins, and models that are not declared."""
    models = declared.get("portal_models")
    for model in models:
        table = getattr(model, "__table__", None)
        if table is None:
            findings.add(
                f"hook portal_models, {model.__name__}", "it has no table.", "Declare mapped classes only."
            )
        else:
            _check_table(declared.name, table, findings)
    for mapper in Base.registry.mappers:
        model = mapper.class_
        inside = model.__module__ == package or model.__module__.startswith(f"{package}.")
        if inside and model not in models:
            findings.add(
                f"model {model.__name__} (table {mapper.local_table})",
                "portal_models does not declare it.",
                "Add it there, so that the portal knows whose it is.",
            )


def _check_table(name: str, table: Any, findings: Findings) -> None:
    if not table.name.startswith(f"{name}_"):
        findings.add(
            f"table {table.name}",
            f"a table's name begins with the plugin's, '{name}_'.",
            f"Call it {name}_{table.name}.",
        )
    for column in table.columns:
        for key in column.foreign_keys:
            target = key.target_fullname
            if not target.startswith((f"{name}_", "portal_")):
                findings.add(
                    f"table {table.name}, column {column.name}",
                    f"it refers to {target}; a foreign key leads to the plugin's own tables or the portal's, "
                    "because another plugin may be removed.",
                    "Keep the other plugin's id as a plain column, and react to its hooks.",
                )
