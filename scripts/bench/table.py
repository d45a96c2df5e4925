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
from scripts.bench.goals import Check, checks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scripts.bench.comparison import Figure, Found, Measured, Result, Spread, Thing

TITLES: dict[Figure | Thing, str] = {
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


def goal(check: Check) -> str:
    """What is asked, in words.

    >>> from scripts.bench.comparison import Measured, Side
    >>> ours, peer = Measured(Side("ours")), Measured(Side("peer"))
    >>> goal(Check(ours, peer, "most", "seconds", 1.1, 1.3))
    '≤ 1.1'
    >>> goal(Check(ours, None, "most", "seconds", 0.00002, 0.00003))
    '≤ 20 µs'
    >>> goal(Check(ours, None, "least", "hops", 1.0, 1.0))
    'all'
    """
    if check.kind == "like":
        return "≥ the peer's"
    if check.kind == "often":
        return f"all in {check.wanted:.0%} of runs"
    if check.kind == "least":
        return "all" if check.wanted == 1.0 else f"≥ {check.wanted:.1%}"
    for figure in UNITS:
        if figure == check.what and check.peer is None:
            return f"≤ {quantity(check.wanted, figure)}"
    return f"≤ {check.wanted:g}"


def _wanted(check: Check) -> str:
    if check.met is None:
        return f"[dim]{goal(check)}[/]"
    return f"[green]{goal(check)} met[/]" if check.met else f"[red]{goal(check)} not met[/]"


def _cell(ours: Measured, peer: Measured | None, figure: Figure) -> str:
    found = None if peer is None else ratio(ours, peer, figure)
    mine, theirs = ours.cost(figure), None if peer is None else peer.cost(figure)
    if mine is None:
        return "–"
    if found is None or theirs is None:
        return f"\n[dim]{quantity(mine.median, figure)}[/]"
    colour = "green" if found.high < 1 else "red" if found.low > 1 else "yellow"
    return (
        f"[bold {colour}]{number(found.median)}[/] ({number(found.low)}–{number(found.high)})\n"
        f"[dim]{quantity(mine.median, figure)} / {quantity(theirs.median, figure)}[/]"
    )


def _count(found: Found | None) -> str:
    if found is None:
        return "–"
    return f"{found.right:,}" + (f" (+{found.wrong:,} wrong)" if found.wrong else "")


def _things(ours: Measured, peer: Measured | None, result: Result) -> Iterator[tuple[Thing, str]]:
    """What a row says of what was found: hops, links, and that of which something is asked."""
    shown = {"hops", "links", *(check.what for check in checks(result))}
    for thing, count in result.there.items():
        if thing in shown:
            theirs = "" if peer is None else f" / {_count(peer.found(thing))}"
            yield thing, f"{thing} {_count(ours.found(thing))}{theirs} [dim]of {count:,}[/]"


def table(results: list[Result]) -> Table:
    """One row a pair of ours and a peer's: ratios with their spread, medians and goals below.

    Below 1 gatewatch needs less.
    """
    shown = Table(box=box.SIMPLE, pad_edge=False)
    shown.add_column("comparison", style="bold", no_wrap=True)
    shown.add_column("gatewatch / peer", no_wrap=True)
    for title in TITLES.values():
        shown.add_column(title, no_wrap=True)
    shown.add_column("found", no_wrap=True)
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
    asked = checks(result)
    for ours, peer in result.pairs():
        here = [
            check
            for check in asked
            if check.ours is ours and (check.peer is None or check.peer is peer)
        ]
        # What is asked of ours alone stands in its first row.
        asked = [check for check in asked if check not in here]
        wanted = {check.what: _wanted(check) for check in here}
        cells = (
            f"{_cell(ours, peer, figure)}\n{wanted.get(figure, '')}".rstrip()
            if figure in result.comparison.figures
            else ""
            for figure in UNITS
        )
        found = "\n".join(
            f"{line} {wanted.get(thing, '')}".rstrip()
            for thing, line in _things(ours, peer, result)
        )
        beside = "" if peer is None else f"\n[dim]/[/] {peer.side.name}"
        shown.add_row(name, f"{ours.side.name}{beside}", *cells, found)
        name = ""


def unmet(results: list[Result]) -> list[str]:
    """How many goals are met, then each that is not, then those that could not be measured."""
    asked = [(result.comparison.name, check) for result in results for check in checks(result)]
    if not asked:
        return []
    lines = [f"goals: {sum(check.met is True for _, check in asked)} of {len(asked)} met"]
    unknown: dict[tuple[str, str], list[str]] = {}
    for name, check in asked:
        beside = "" if check.peer is None else f" / {check.peer.side.name}"
        what = f"{TITLES.get(check.what, check.what)} {goal(check)}"
        if check.reached is not None and not check.met:
            row = f"{name}: {check.ours.side.name}{beside}"
            lines.append(f"not met: {row}: {what}: {_reached(check, check.reached)}")
        elif check.reached is None:
            row = f"{name}: {check.ours.side.name}"
            unknown.setdefault((row, _why(check)), []).append(what)
    for (row, reason), whats in unknown.items():
        lines.append(f"not measured: {row}: {', '.join(whats)}: {reason}")
    return lines


def _reached(check: Check, reached: float) -> str:
    for figure in UNITS:
        if figure == check.what:
            return quantity(reached, figure) if check.peer is None else number(reached)
    return f"{reached:.2%}" + ("" if check.flawless else ", and some wrong")


def _why(check: Check) -> str:
    sides = [check.ours] if check.peer is None else [check.ours, check.peer]
    reasons = (side.absent or TIME_OVER for side in sides if not side.runs)
    return next(reasons, "nothing to compare")


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
        "found": [
            {thing: found._asdict() for thing, found in run.found.items()} for run in side.runs
        ],
    }


def plain(results: list[Result]) -> list[dict[str, Any]]:
    """The same for ``--json``; every key is always there."""
    return [
        {
            "name": result.comparison.name,
            "measures": result.comparison.measures,
            "skipped": result.skipped,
            "there": result.there,
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
                if peer is not None
            ],
            "goals": [
                {
                    "gatewatch": check.ours.side.name,
                    "peer": None if check.peer is None else check.peer.side.name,
                    "what": check.what,
                    "kind": check.kind,
                    "wanted": check.wanted,
                    "reached": check.reached,
                    "met": check.met,
                }
                for check in checks(result)
            ],
        }
        for result in results
    ]
