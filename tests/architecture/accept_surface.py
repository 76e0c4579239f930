"""Accepts the public surface as it is now: ``python -m tests.architecture.accept_surface``."""

from tests.architecture.surfaces import FOLDER, accepted_surface, public_surface


def main() -> None:
    """Write what is offered now, and name each file that changed."""
    FOLDER.mkdir(exist_ok=True)
    before, now = accepted_surface(), public_surface()
    for name in sorted(before.keys() - now.keys()):
        (FOLDER / name).unlink()
        print(f"removed {name}")
    for name, text in now.items():
        if before.get(name) != text:
            (FOLDER / name).write_text(text, encoding="utf-8")
            print(f"wrote {name}")


if __name__ == "__main__":
    main()
