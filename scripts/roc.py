"""Counts the error rates of `docs/error-rates.md`: `make roc`, or `python -m scripts.roc`.

Every draw has a seed of its own, so neither the number of processes nor an interruption changes a
result. Finished draws are kept in a work file, named after the code that made them; a later run of
the same code goes on from there. The table that ships and the page are written from all draws
there are, and both say of each row how many and by which code; rows of other cells than those
asked for stay as they were. What limits the alarm is worked out for the same draws, and kept in a
file of its own.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

from analysis.scale.engine import usable_cores
from analysis.simulated.error_rates import (
    ALARMS,
    CELLS,
    TRIED,
    Cell,
    Known,
    Outcome,
    Rate,
    Row,
    as_json,
    count,
    from_json,
    least_captured,
    limit,
    market,
)
from analysis.simulated.simulation import Churn
from analysis.simulated.trials import draws, draws_known
from analysis.simulated.world import Faults
from analysis.words.wording import outward
from probe import __version__

ROOT = Path(__file__).parent.parent
TABLE = ROOT / "data/planning/error-rates.json"
PAGE = ROOT / "docs/error-rates.md"
BEGIN, END = "<!-- the table is written by `make roc` -->", "<!-- end of the table -->"
BATCH = 50


def fingerprint() -> str:
    """Of the code that decides what a draw says: all that this program loads of ours."""
    loaded = {
        name: Path(module.__file__)
        for name, module in sys.modules.items()
        if name.partition(".")[0] in {"analysis", "probe"} and module.__file__
    }
    content = b"".join(loaded[name].read_bytes() for name in sorted(loaded))
    return hashlib.sha256(content).hexdigest()[:12]


Drawn = TypeVar("Drawn", Outcome, Known)


class WorkFile(Generic[Drawn]):
    """What was found out of each draw so far, one a line; a line cut short is made again."""

    def __init__(self, path: Path, kind: Callable[..., Drawn]) -> None:
        self.path = path
        self.drawn: dict[str, dict[int, Drawn]] = {cell.name: {} for cell in CELLS}
        if path.is_file():
            for line in path.read_text(encoding="utf-8").splitlines():
                try:
                    name, number, fields = json.loads(line)
                except ValueError:
                    continue
                self.drawn[name][number] = kind(*fields)

    @property
    def code(self) -> str:
        """The fingerprint in its name."""
        return self.path.stem.rpartition("-")[2]

    def fill(self, cell: Cell, numbers: list[int], made: Iterator[Drawn]) -> None:
        """Take down what was made of these draws, each as soon as it is there."""
        began = time.monotonic()
        with self.path.open("a", encoding="utf-8", buffering=1) as file:
            for number, drawn in zip(numbers, made, strict=True):
                self.drawn[cell.name][number] = drawn
                file.write(json.dumps([cell.name, number, list(drawn)]) + "\n")
        seen = self.drawn[cell.name].values()
        print(
            f"{self.path.stem}, {cell.name}: {sum(one.said for one in seen)} of {len(seen)}, "
            f"{len(numbers)} draws in {time.monotonic() - began:.0f} s",
            flush=True,
        )


def _percent(rate: Rate) -> str:
    if rate.rate is None:
        return "–"
    low, high = outward(*rate.bounds, ".3f")
    return f"{rate.rate:.3f} ({low}–{high})"


def _truth(cell: Cell) -> tuple[str, str]:
    if cell.question == "captured":
        return f"{cell.share:.0%} captured", str(cell.networks)
    if cell.question == "market":
        parts = ", ".join(f"{part:.0%}" for part in market(cell.share))
        return f"no gateway, transit providers of {parts}", str(cell.networks)
    return {
        "diverse": ("diverse", f"3 to {cell.networks}"),
        "quiet": ("no switch-on, ordinary churn, one year", str(cell.networks)),
        "cut": (f"a provider of {cell.share:.0%} cut off for weeks, and back", str(cell.networks)),
        "switched": ("switch-on rolled out over 60 days", str(cell.networks)),
    }[cell.question]


def _wanted(cell: Cell) -> str:
    if cell.wanted is None:
        return "told"
    return f"{'≤' if cell.at_most else '≥'} {cell.wanted:g}"


def page_table(rows: list[Row]) -> str:
    """The table in Markdown."""
    lines = [
        "| truth | networks | wanted | counted (95% interval) | limit "
        "| with just that share captured | somebody else named | draws | by code |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        cell = row.cell
        most = f"{row.known.rate:.3f}" if row.known.rate is not None else "–"
        if cell.question == "market":
            most = f"{sum(limit(cell.networks, part) for part in market(cell.share)):.3f}"
        if cell.question == "captured":
            most = f"{limit(cell.networks, cell.share):.3f}"
            if least_captured(cell.networks) is None:
                most = "0 (no number suffices)"
        exactly = _percent(row.exactly) if cell.question == "captured" else "–"
        lines.append(
            f"| {' | '.join(_truth(cell))} | {_wanted(cell)} | {_percent(row.said)} | {most} "
            f"| {exactly} | {_percent(row.wrong_name)} | {row.said.of} | {row.code} |"
        )
    found = [row for row in rows if row.cell.question == "switched" and row.onset_days is not None]
    if found:
        lines += [
            "",
            "| switch-on over 60 days | onset less first move, median | "
            "raised within 21 days after half had moved | limit of that |",
            "|---|---|---|---|",
            *(
                f"| {row.cell.networks} networks | {row.onset_days:g} days "
                f"| {_percent(row.in_time)} "
                f"| {'–' if row.known_in_time.rate is None else f'{row.known_in_time.rate:.3f}'} |"
                for row in found
            ),
        ]
    return "\n".join(lines)


def written() -> dict[str, Row]:
    """The rows of the table that ships, by cell."""
    if not TABLE.is_file():
        return {}
    rows = map(from_json, json.loads(TABLE.read_text(encoding="utf-8"))["rows"])
    return {row.cell.name: row for row in rows}


def write(rows: list[Row]) -> None:
    """Write the table that ships and the one on the page."""
    made: dict[str, Any] = {
        "version": __version__,
        "command": "make roc",
        "faults": asdict(Faults()),
        "churn": asdict(Churn()),
        "policy_changed": TRIED.changed(),
    }
    TABLE.parent.mkdir(exist_ok=True)
    fields = {"made": made, "rows": [as_json(row) for row in rows]}
    TABLE.write_text(json.dumps(fields, indent=1) + "\n", encoding="utf-8")
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n{page_table(rows)}\n{END}{after}", encoding="utf-8")


def _fill(work: WorkFile[Outcome], cells: list[Cell], most: int, processes: int) -> None:
    """Make so many draws of each cell, in rounds: an interrupted run has something of each."""
    for end in range(BATCH, most + BATCH, BATCH):
        for cell in cells:
            done = work.drawn[cell.name]
            if missing := [n for n in range(min(end, most)) if n not in done]:
                work.fill(cell, missing, draws(cell, missing, processes=processes))


def _fill_limits(
    limits: WorkFile[Known], draws_made: WorkFile[Outcome], cells: list[Cell], processes: int
) -> None:
    """Work out what limits the alarm in all draws that were made."""
    for cell in cells:
        if cell.question in ALARMS:
            missing = sorted(draws_made.drawn[cell.name].keys() - limits.drawn[cell.name].keys())
            if missing:
                limits.fill(cell, missing, draws_known(cell, missing, processes=processes))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=1500, help="how many draws a cell has")
    names = [cell.name for cell in CELLS]
    parser.add_argument(
        "--cells", nargs="+", choices=names, default=names, metavar="CELL", help="which cells"
    )
    parser.add_argument("--processes", type=int, default=usable_cores())
    parser.add_argument("--work", type=Path, default=ROOT / "build", help="where draws are kept")
    parser.add_argument(
        "--from", dest="source", type=Path, help="write from this work file, whichever code made it"
    )
    parser.add_argument(
        "--show",
        action="store_true",
        help="print the table and write none, as to compare two rules",
    )
    given = parser.parse_args()
    given.work.mkdir(exist_ok=True)
    code = fingerprint()
    if given.source is not None and not given.source.is_file():
        parser.error(f"{given.source} is not there; name a file roc-CODE.jsonl of a run")
    work = WorkFile(given.source or given.work / f"roc-{code}.jsonl", Outcome)
    limits = WorkFile(given.work / f"limits-{code}.jsonl", Known)
    chosen = [cell for cell in CELLS if cell.name in given.cells]
    if given.source is None:
        _fill(work, chosen, given.draws, given.processes)
    _fill_limits(limits, work, chosen, given.processes)
    rows = {} if given.show else written()
    for cell in chosen:
        outcomes, known = work.drawn[cell.name], limits.drawn[cell.name]
        row = count(cell, outcomes.values(), [known[n] for n in outcomes if n in known])
        rows[cell.name] = replace(row, code=work.code)
    in_order = [rows[cell.name] for cell in CELLS if cell.name in rows]
    if given.show:
        print(page_table(in_order))
    else:
        write(in_order)


if __name__ == "__main__":
    main()
