"""Results for people, as one table with the ratios first, and for scripts, as plain data.

It measures nothing and decides nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from scripts.bench.comparison import TIME_OVER, UNITS, ratio

if TYPE_CHECKING:
    from scripts.bench.comparison import Figure, Measured, Result, Spread

TITLES: dict[Figure, str] = {
    "packets": "packets",
    "seconds": "wall",
    "cpu": "CPU",
    "memory": "memory",
}


def quantity(value: float, figure: Figure) -> str:
    """A cost in the unit in which it reads best.

    >>> quantity(0.0000012, "seconds"), quantity(0.25, "cpu"), quantity(12000.0, "packets")
    ('1.2 µs', '250 ms', '12,000')
    >>> quantity(41.26, "memory"), quantity(3.5, "seconds")
    ('41.3 MiB', '3.50 s')
    """
    if figure == "packets":
        return f"{value:,.0f}"
    if figure == "memory":
        return f"{value:.1f} MiB"
    for factor, unit in ((1e-3, "µs"), (1.0, "ms")):
        if value < factor:
            scaled = value * (1e3 / factor)
            return f"{scaled:.1f} {unit}" if scaled < 10 else f"{scaled:.0f} {unit}"
    return f"{value:.2f} s"


def number(value: float) -> str:
    """A ratio to about two figures.

    >>> number(0.00412), number(0.5), number(1.07), number(34.2)
    ('0.0041', '0.50', '1.07', '34')
    """
    if value < 0.1:
        return f"{value:.2g}"
    return f"{value:.2f}" if value < 10 else f"{value:.0f}"


def _cell(ours: Measured, peer: Measured, figure: Figure) -> str:
    found = ratio(ours, peer, figure)
    mine, theirs = ours.cost(figure), peer.cost(figure)
    if found is None or mine is None or theirs is None:
        return "–"
    colour = "green" if found.high < 1 else "red" if found.low > 1 else "yellow"
    return (
        f"[bold {colour}]{number(found.median)}[/] ({number(found.low)}–{number(found.high)})\n"
        f"[dim]{quantity(mine.median, figure)} / {quantity(theirs.median, figure)}[/]"
    )


def _hops(side: Measured) -> str:
    """The fewest right hops of a run, with the most wrong ones where there are any."""
    right = [run.right for run in side.runs if run.right is not None]
    wrong = max((run.wrong or 0 for run in side.runs), default=0)
    return f"{min(right):,}" + (f" (+{wrong:,} wrong)" if wrong else "") if right else "–"


def table(results: list[Result]) -> Table:
    """One row a pair of ours and a peer's: ratios with their spread, medians below.

    Below 1 gatewatch needs less.
    """
    shown = Table(box=box.SIMPLE, pad_edge=False)
    shown.add_column("comparison", style="bold", no_wrap=True)
    shown.add_column("gatewatch / peer", no_wrap=True)
    for title in TITLES.values():
        shown.add_column(title, no_wrap=True)
    shown.add_column("hops", no_wrap=True)
    for result in results:
        _add(shown, result)
        shown.add_section()
    return shown


def width(shown: Table) -> int:
    """The columns that a table needs if no figure is to be cut short."""
    wide = Console(width=1000)
    return Measurement.get(wide, wide.options, shown).maximum


def _add(shown: Table, result: Result) -> None:
    name = result.comparison.name
    for ours, peer in result.pairs():
        cells = (
            _cell(ours, peer, figure) if figure in result.comparison.figures else ""
            for figure in TITLES
        )
        hops = ""
        if result.hops is not None:
            hops = f"{_hops(ours)} / {_hops(peer)}\n[dim]of {result.hops:,}[/]"
        shown.add_row(name, f"{ours.side.name}\n[dim]/[/] {peer.side.name}", *cells, hops)
        name = ""


def missing(results: list[Result]) -> list[str]:
    """What the table lacks and why: comparisons that were not made, sides that are absent."""
    lines = []
    for result in results:
        name = result.comparison.name
        if result.skipped is not None:
            lines.append(f"{name}: not made: {result.skipped}")
            continue
        for side in result.sides:
            rounds = side.rounds(result.comparison)
            if len(side.runs) < rounds:
                part = f"{len(side.runs)} of {rounds} rounds of" if side.runs else "without"
                lines.append(f"{name}: {part} {side.side.name}: {side.absent or TIME_OVER}")
    return lines


def _spread(spread: Spread | None) -> dict[str, float] | None:
    return None if spread is None else spread._asdict()


def _side(side: Measured, figures: tuple[Figure, ...]) -> dict[str, Any]:
    return {
        "name": side.side.name,
        "command": list(side.side.command),
        "absent": side.absent,
        "runs": len(side.runs),
        "costs": {figure: _spread(side.cost(figure)) for figure in figures},
        "hops_right": [run.right for run in side.runs],
        "hops_wrong": [run.wrong for run in side.runs],
    }


def plain(results: list[Result]) -> list[dict[str, Any]]:
    """The same for ``--json``; every key is always there."""
    return [
        {
            "name": result.comparison.name,
            "measures": result.comparison.measures,
            "skipped": result.skipped,
            "hops": result.hops,
            "seconds": round(result.seconds, 1),
            "units": {figure: UNITS[figure] for figure in result.comparison.figures},
            "gatewatch": [_side(side, result.comparison.figures) for side in result.ours],
            "peers": [_side(side, result.comparison.figures) for side in result.peers],
            "ratios": [
                {
                    "gatewatch": ours.side.name,
                    "peer": peer.side.name,
                    **{
                        figure: _spread(ratio(ours, peer, figure))
                        for figure in result.comparison.figures
                    },
                }
                for ours, peer in result.pairs()
            ],
        }
        for result in results
    ]
