"""Which modules are public, and where the text of each one's surface is kept."""

from pathlib import Path

from portal.testing.surface import SDK_MODULES, TESTING_MODULES, public_modules, surface_lines

FOLDER = Path(__file__).parent / "surface"
BUNDLED = ("plugins.admissions", "plugins.enrollments", "plugins.submissions")


def public_surface() -> dict[str, str]:
    """File name → what the module of that name offers now, one name or member a line."""
    modules = [
        *SDK_MODULES,
        *TESTING_MODULES,
        "portal.hooks.specs",
        *(name for plugin in BUNDLED for name in public_modules(plugin)),
    ]
    return {f"{name}.txt": "\n".join(surface_lines(name)) + "\n" for name in modules}


def accepted_surface() -> dict[str, str]:
    """File name → what was accepted."""
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.txt"))}
