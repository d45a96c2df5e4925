"""``make bench``: makes the comparisons that were asked for, and prints them."""

from __future__ import annotations

import compileall
import datetime as dt
import json
import os
import platform
import signal
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console

from analysis.scale import edition
from analysis.scale.engine import usable_cores
from probe import __version__
from scripts.bench.comparison import Result, compare
from scripts.bench.declared import COMPARISONS
from scripts.bench.table import missing, plain, table, unmet, width

if TYPE_CHECKING:
    from types import FrameType

# Seconds for the whole run; what is left out then is named.
BUDGET = 2400.0

_PROJECT = Path(__file__).resolve().parents[2]


def compile_all() -> None:
    """Compile what is measured, as an install does: a checkout may be told not to keep that."""
    for package in ("probe", "analysis", "scripts"):
        compileall.compile_dir(_PROJECT / package, quiet=2)


def machine() -> dict[str, object]:
    """What figures depend on; ``load`` is how many processes wanted a core just before."""
    return {
        "cores": usable_cores(),
        "load": round(os.getloadavg()[0], 1),
        "kernel": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "gatewatch": __version__,
        "code": edition.code(),
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
    }


def _stop(_: int, __: FrameType | None) -> None:
    """End at once, but let nothing disturb the removal of namespaces and files."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


@click.command()
@click.option(
    "--only",
    multiple=True,
    type=click.Choice([comparison.name for comparison in COMPARISONS]),
    help="Make this comparison alone; may be given several times.",
)
@click.option(
    "--rounds",
    type=click.IntRange(1, 60),
    help="How often everything is run; what is slow keeps to its own number.",
)
@click.option("--json", "as_json", is_flag=True, help="Print all figures as JSON.")
def main(*, only: tuple[str, ...], rounds: int | None, as_json: bool) -> None:
    """Compare gatewatch with other tools, in one run, on this machine.

    Ratios are gatewatch's cost over the peer's: below 1 it needs less. Comparisons of tracers
    need root and send packets in network namespaces of their own only.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    about = machine()
    compile_all()
    began = time.monotonic()
    chosen = [
        one if rounds is None else replace(one, repetitions=rounds)
        for one in COMPARISONS
        if not only or one.name in only
    ]
    results: list[Result] = []
    progress = Console(stderr=True, highlight=False)
    with tempfile.TemporaryDirectory(prefix="gatewatch-bench-") as folder:
        for nth, comparison in enumerate(chosen, start=1):
            line = f"[{nth}/{len(chosen)}] {comparison.name}: {comparison.measures}"
            progress.print(line, markup=False, soft_wrap=True)
            results.append(
                compare(comparison, Path(folder), lambda: BUDGET - (time.monotonic() - began))
            )
    about = {**about, "seconds": round(time.monotonic() - began, 1)}
    if as_json:
        click.echo(json.dumps({**about, "comparisons": plain(results)}, ensure_ascii=False))
        return
    console = Console(highlight=False)
    shown = table(results)
    console.width = max(console.width, width(shown))
    console.print(
        "gatewatch's cost / the peer's: below 1 gatewatch needs less. Median of the rounds "
        "(least–greatest), medians of both below, then the goal where there is one."
    )
    console.print(shown)
    for line in (*unmet(results), *missing(results)):
        console.print(line, markup=False, soft_wrap=True)
    console.print(", ".join(f"{key} {value}" for key, value in about.items()))


if __name__ == "__main__":
    main()
