"""Options that several of the analyst's commands have, each said once."""

from __future__ import annotations

from pathlib import Path

import click

address_table = click.option(
    "--origin",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Address table to use: an .mmdb or a pyasn .dat file.",
)

malformed = click.option(
    "--malformed",
    type=click.Choice(["warn", "fail", "ignore"]),
    default="warn",
    show_default=True,
    help="What to do about lines and files that cannot be read; they are counted in any case.",
)
