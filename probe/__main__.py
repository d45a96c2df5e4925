"""Where the program begins: ``gatewatch``, and ``python -m probe`` where it is not on the path."""

from probe import startup


def main() -> None:
    """Run the command line."""
    startup.begun()
    from probe.cli import main as gatewatch  # noqa: PLC0415 - most of a start

    gatewatch(prog_name="gatewatch")


if __name__ == "__main__":
    main()
