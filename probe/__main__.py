"""``python -m probe``: the command line where no ``gatewatch`` is installed on the path."""

from probe.cli import main

if __name__ == "__main__":
    main(prog_name="gatewatch")
