"""Two address tables, the same traces: which crossings differ, and whether the grade does.

A verdict that hangs on one table's word for a few addresses is worth less than one that stands
under both. What is compared are two panels, so neither files nor traces are known here.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from analysis.evidence.observation import Observation
from analysis.evidence.panel import Panel
from analysis.tables import crossing_row

_WHAT = (
    "organisation",
    "destination_organisation",
    "destination_continent",
    "state",
    "exit",
    "upstream",
    "candidates",
    "candidates_lenient",
)
_EXAMPLES = 20

# Columns that differ, each with what the one table says and the other; "" is nothing.
_Differences = tuple[tuple[str, str, str], ...]


def _crossings(panel: Panel) -> dict[int, list[Observation]]:
    """The observations with a crossing, by the number of what was given."""
    found: dict[int, list[Observation]] = defaultdict(list)
    for number, seen in zip(panel.numbers, panel.observations, strict=True):
        if seen.crossing is not None:
            found[number].append(seen)
    return found


class _Beside(NamedTuple):
    """Traces of a day, and what they are in either panel; None where they have no crossing."""

    day: dt.date
    traces: int
    used: Observation | None
    other: Observation | None


def _beside(used: Panel, other: Panel) -> Iterator[_Beside]:
    """The traces of both panels that have a crossing in one of them at least."""
    here, there = _crossings(used), _crossings(other)
    for number in here.keys() | there.keys():
        ours, theirs = (
            {day: (seen, traces) for seen in some.get(number, ()) for day, traces in seen.daily()}
            for some in (here, there)
        )
        for day in ours.keys() | theirs.keys():
            (mine, traces), (its, as_many) = (some.get(day, (None, 0)) for some in (ours, theirs))
            yield _Beside(day, traces or as_many, mine, its)


def _differences(used: Observation, other: Observation) -> _Differences:
    said = [
        crossing_row(seen, seen.crossing) for seen in (used, other) if seen.crossing is not None
    ]
    both = ((name, *(row[name] or "" for row in said)) for name in _WHAT)
    return tuple((name, one, two) for name, one, two in both if one != two)


def compare_crossings(used: Panel, other: Panel) -> dict[str, Any]:
    """What differs between the crossings of two panels that were given the same traces.

    ``compared`` counts the traces that have a crossing in both, ``only_used`` and ``only_other``
    those that have one in one of them only, ``changed`` those compared that differ in any column
    of ``columns`` (see `analysis.tables`); ``examples`` are up to 20 such differences.
    """
    counts: Counter[str] = Counter()
    columns: Counter[str] = Counter()
    changes: set[tuple[str, int, str, str, _Differences]] = set()
    known: dict[tuple[int, int], _Differences] = {}
    for day, traces, mine, its in _beside(used, other):
        if mine is None or its is None:
            counts["only_other" if mine is None else "only_used"] += traces
            continue
        counts["compared"] += traces
        differences = known.get((id(mine), id(its)))
        if differences is None:
            differences = known[id(mine), id(its)] = _differences(mine, its)
        if differences:
            counts["changed"] += traces
            for name, _, _ in differences:
                columns[name] += traces
            what = mine.vantage, mine.family, day.isoformat(), mine.destination, differences
            changes.add(what)
    return {
        "compared": counts["compared"],
        "only_used": counts["only_used"],
        "only_other": counts["only_other"],
        "changed": counts["changed"],
        "columns": {name: columns[name] for name in _WHAT if name in columns},
        "examples": [
            {
                "vantage": vantage,
                "destination": destination,
                "day": day,
                **{name: [one or None, two or None] for name, one, two in differences},
            }
            for vantage, _, day, destination, differences in sorted(changes)[:_EXAMPLES]
        ],
    }


def compare_verdicts(used: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """What two verdicts on the same traces say differently: [under the one, under the other].

    ``rejected`` has the reasons whose counts differ.
    """
    counts = Counter(used["rejected"]), Counter(other["rejected"])
    return {
        "tables": [used["provenance"]["snapshots"], other["provenance"]["snapshots"]],
        "grade": [used["grade"], other["grade"]],
        "gateway": [_named(used["gateway"]), _named(other["gateway"])],
        "captured": [used["captured"], other["captured"]],
        "domestic": [used["domestic"]["grade"], other["domestic"]["grade"]],
        "hub": [_named(used["domestic"]["hub"]), _named(other["domestic"]["hub"])],
        "alarm": [used["timeline"]["onset"], other["timeline"]["onset"]],
        "alarm_of": [_named(used["timeline"]["gateway"]), _named(other["timeline"]["gateway"])],
        "rejected": {
            reason: [counts[0][reason], counts[1][reason]]
            for reason in sorted(counts[0] | counts[1])
            if counts[0][reason] != counts[1][reason]
        },
    }


def _named(gateway: Mapping[str, Any] | None) -> str | None:
    return None if gateway is None else f"{gateway['kind']}:{gateway['name']}"


def sentences(comparison: Mapping[str, Any]) -> list[str]:
    """What a reader must know of it."""
    table = ", ".join(comparison["tables"][1])
    return [
        _of_the_grade(comparison, table),
        *_of_the_domestic_grade(comparison, table),
        *_of_the_alarm(comparison, table),
    ]


def _of_the_grade(comparison: Mapping[str, Any], table: str) -> str:
    used, other = comparison["grade"]
    crossings = comparison["crossings"]
    counted = (
        f"crossings that differ: {crossings['changed']} of {crossings['compared']}, seen under one "
        f"table only: {crossings['only_used'] + crossings['only_other']}."
    )
    named, others = comparison["gateway"]
    if used == other and named == others:
        return f"Under the table {table} the grade is the same: {counted}"
    if used == other:
        return f"Under the table {table} the grade is the same, but of {_bare(others)}: {counted}"
    if others is not None:
        return f"Under the table {table} the grade is {other}, of {_bare(others)}: {counted}"
    return f"Under the table {table} the grade is {other}: {counted}"


def _of_the_domestic_grade(comparison: Mapping[str, Any], table: str) -> list[str]:
    (used, other), (hub, others) = comparison["domestic"], comparison["hub"]
    if used == other and hub == others:
        return []
    if used == other:
        return [f"Under the table {table} the domestic grade is the same, but of {_bare(others)}."]
    if others is not None:
        return [f"Under the table {table} the domestic grade is {other}, of {_bare(others)}."]
    return [f"Under the table {table} the domestic grade is {other}."]


def _of_the_alarm(comparison: Mapping[str, Any], table: str) -> list[str]:
    (used, other), (alarm, others) = comparison["alarm"], comparison["alarm_of"]
    if used == other and alarm == others:
        return []
    if other is None:
        return [f"Under the table {table} there is no alarm."]
    if alarm != others:
        return [f"Under the table {table} there is an alarm, of {other}: {_bare(others)}."]
    return [f"Under the table {table} there is an alarm, of {other}."]


def _bare(named: str) -> str:
    return named.partition(":")[2]
