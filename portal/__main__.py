"""Where every process of the portal begins: ``portal …`` and ``python -m portal …``."""

from portal.kernel.collector import collector_off


def main() -> None:
    """Load the command line and run it."""
    with collector_off():
        from portal.cli import main as run
    run()


if __name__ == "__main__":
    main()
