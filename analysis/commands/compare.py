"""``gatewatch compare``: reads two verdicts, sets them side by side, prints, exits."""

from __future__ import annotations

import json
import sys
from typing import Any

import click

from probe.words.failure import BadInput

STDIN = "-"


@click.command()
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
@click.option("--json", "as_json", is_flag=True, help="Print the comparison as one JSON object.")
def compare(old: str, new: str, *, as_json: bool) -> None:
    """Set two verdicts on a country side by side.

    Says what differs in what they find, network by network as far as the files tell, and what else
    differs that could have done it: the files that were read, the address table, the rule's
    numbers, the code. OLD and NEW are what `gatewatch analyze --json` printed; one may be - for
    standard input. Nothing is judged anew.
    """
    if old == new == STDIN:
        raise click.UsageError("only one of OLD and NEW can be standard input")

    from analysis.difference.told import VerdictError  # noqa: PLC0415 - not for --help
    from analysis.intake.inputs import InputError  # noqa: PLC0415
    from analysis.library import api  # noqa: PLC0415

    try:
        fields = api.compare(_verdict(old), _verdict(new)).to_dict()
    except (InputError, VerdictError) as problem:
        raise BadInput(str(problem)) from None
    _say(fields, as_json=as_json)


def _verdict(named: str) -> dict[str, Any] | str:
    """What comes from standard input as a verdict's fields, all else by its name."""
    if named != STDIN:
        return named
    from analysis.difference.told import parsed  # noqa: PLC0415 - as in compare

    return parsed(sys.stdin.buffer.read(), "standard input")


def _say(fields: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(fields, ensure_ascii=False).encode("utf-8", "replace"))
        return
    from rich.console import Console  # noqa: PLC0415 - not for --json

    from analysis.words.beside import (  # noqa: PLC0415
        comparison_panel,
        further,
        plain_comparison,
    )

    console = Console()
    if console.is_terminal:
        console.print(comparison_panel(fields))
        for line in further(fields):
            console.print(line, markup=False, highlight=False, soft_wrap=True)
    else:
        click.echo(plain_comparison(fields))
