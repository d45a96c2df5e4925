"""Counts the error rates of `docs/error-rates.md`: `make roc`, or `python -m scripts.roc`.

Every draw has a seed of its own, so neither the number of processes nor an interruption changes a
result. Finished draws are kept in a work file, named after the code that made them; a later run of
the same code goes on from there. The table that ships and the page are written from all draws
there are, and both say how many.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from analysis.planning import (
    CELLS,
    TRIED,
    Cell,
    Outcome,
    Rate,
    Row,
    as_json,
    count,
    draws,
    least_captured,
    limit,
)
from analysis.simulation import Churn, Faults
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


class WorkFile:
    """The draws made so far, one a line; a line cut short is made again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.outcomes: dict[str, dict[int, Outcome]] = {cell.name: {} for cell in CELLS}
        if path.is_file():
            for line in path.read_text(encoding="utf-8").splitlines():
                try:
                    name, number, outcome = json.loads(line)
                except ValueError:
                    continue
                self.outcomes[name][number] = Outcome(*outcome)

    def add(self, cell: Cell, number: int, outcome: Outcome) -> None:
        self.outcomes[cell.name][number] = outcome
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps([cell.name, number, list(outcome)]) + "\n")

    def row(self, cell: Cell) -> Row:
        return count(cell, self.outcomes[cell.name].values())


def _percent(rate: Rate) -> str:
    if rate.rate is None:
        return "–"
    low, high = rate.bounds
    return f"{rate.rate:.3f} ({low:.3f}–{high:.3f})"


def _truth(cell: Cell) -> tuple[str, str]:
    if cell.question == "captured":
        return f"{cell.share:.0%} captured", str(cell.networks)
    return {
        "diverse": ("diverse", f"3 to {cell.networks}"),
        "quiet": ("no switch-on, ordinary churn, one year", str(cell.networks)),
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
        "| with just that share captured | somebody else named | draws |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        cell = row.cell
        most = "–"
        if cell.question == "captured":
            most = f"{limit(cell.networks, cell.share):.3f}"
            if least_captured(cell.networks) is None:
                most = "0 (no number suffices)"
        exactly = _percent(row.exactly) if cell.question == "captured" else "–"
        lines.append(
            f"| {' | '.join(_truth(cell))} | {_wanted(cell)} | {_percent(row.said)} | {most} "
            f"| {exactly} | {_percent(row.wrong_name)} | {row.said.of} |"
        )
    found = [row for row in rows if row.cell.question == "switched" and row.onset_days is not None]
    if found:
        lines += [
            "",
            "| switch-on over 60 days | onset less first move, median | "
            "raised within 21 days after half had moved |",
            "|---|---|---|",
            *(
                f"| {row.cell.networks} networks | {row.onset_days:g} days "
                f"| {_percent(row.in_time)} |"
                for row in found
            ),
        ]
    return "\n".join(lines)


def write(rows: list[Row], code: str) -> None:
    """Write the table that ships and the one on the page."""
    made: dict[str, Any] = {
        "version": __version__,
        "code": code,
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=1500, help="how many draws a cell has")
    parser.add_argument("--cells", nargs="*", default=[c.name for c in CELLS], help="which cells")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--work", type=Path, default=ROOT / "build", help="where draws are kept")
    parser.add_argument("--write-only", action="store_true", help="write from the draws there are")
    given = parser.parse_args()
    given.work.mkdir(exist_ok=True)
    code = fingerprint()
    work = WorkFile(given.work / f"roc-{code}.jsonl")
    chosen = [cell for cell in CELLS if cell.name in given.cells]
    # In rounds over all cells, so that an interrupted run has something of each.
    for end in range(BATCH, given.draws + BATCH, BATCH):
        if given.write_only:
            break
        for cell in chosen:
            began = time.monotonic()
            done = work.outcomes[cell.name]
            numbers = [n for n in range(min(end, given.draws)) if n not in done]
            for number, outcome in zip(
                numbers, draws(cell, numbers, processes=given.processes), strict=True
            ):
                work.add(cell, number, outcome)
            if numbers:
                said = work.row(cell).said
                print(
                    f"{cell.name}: {said.hits} of {said.of}, {len(numbers)} draws in "
                    f"{time.monotonic() - began:.0f} s",
                    flush=True,
                )
    write([work.row(cell) for cell in CELLS], code)


if __name__ == "__main__":
    main()
