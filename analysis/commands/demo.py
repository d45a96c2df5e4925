"""``gatewatch demo``: where to write, and whether to print JSON."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from analysis.commands.given import table_to_judge_by
from analysis.commands.outputs import unwritten
from analysis.commands.redo import command_line
from probe.commands.folder import Folder


@click.command()
@click.option(
    "--json", "as_json", is_flag=True, help='Print {"before": verdict, "after": verdict}.'
)
@click.option(
    "--to",
    "folder",
    type=Folder(),
    help="Where to write the traces (default: a new temporary folder).",
)
def demo(*, as_json: bool, folder: Path | None) -> None:
    """Watch a simulated country being switched to one gateway.

    The country is simulated with real Cambodian network names and AS numbers; everything else
    is the real thing: session, strategy, records, redaction, spool and judgement. Needs neither
    root nor a network.
    """
    table = table_to_judge_by(None)
    from analysis.demo import run_demo  # noqa: PLC0415 - as in analyze

    where = folder or Path(tempfile.mkdtemp(prefix="gatewatch-demo-"))
    try:
        where.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise unwritten(where, problem) from None
    run_demo(where, as_json=as_json, table=table, command=command_line())
