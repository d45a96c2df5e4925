"""How far a wave of moves reaches: whether those that moved pass the node to more than one region.

Whoever sells the way to one region, or to one operator abroad, wins many networks on one day, and
where most destinations stand there it looks like a gateway. So an alarm is asked what a name is:
destinations on several continents, and not of one class alone. When a vantage point moved is not
known here.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Set

from analysis.observation import Observation
from analysis.pairs import Blocks
from analysis.policy import Policy
from analysis.waves import Wave

# The operator and the continent of destinations.
_Class = tuple[str, str]


def reaches_far(
    wave: Wave, observations: Iterable[Observation], blocks: Blocks, policy: Policy
) -> bool:
    """Whether most of those that moved pass the node to several continents, and to several classes.

    A continent counts if of those that moved and are measured to it since, half pass the node to a
    destination there. Without the destinations of any one class, as many must pass it as a wave
    needs.
    """
    measured, passing = _since_moved(wave, observations, blocks)
    continents = _by_continent(passing)
    wide = sum(
        len(continents[continent]) >= policy.concentrated * len(names)
        for continent, names in _by_continent(measured).items()
    )
    return wide >= policy.continents and all(
        sum(bool(classes - {left_out}) for classes in passing.values())
        >= policy.alarm_organisations
        for left_out in set().union(*passing.values())
    )


def _by_continent(classes: Mapping[str, Set[_Class]]) -> dict[str, set[str]]:
    """Continent → the organisations that have destinations there."""
    found: dict[str, set[str]] = defaultdict(set)
    for name, some in classes.items():
        for _, continent in some:
            found[continent].add(name)
    return found


def _since_moved(
    wave: Wave, observations: Iterable[Observation], blocks: Blocks
) -> tuple[dict[str, set[_Class]], dict[str, set[_Class]]]:
    """The classes to which those that moved are measured since, and to which they pass the node.

    They do if they pass it to one destination of the class, on most of the traces that tell.
    """
    moved = dict(wave.moved)
    told: dict[tuple[str, _Class, str], Counter[bool]] = defaultdict(Counter)
    for seen in observations:
        crossing, where = seen.crossing, seen.destination_class
        if crossing is None or where is None or seen.organisation not in moved:
            continue
        passes = wave.node in blocks.nodes(crossing.strict)
        silent = crossing.gap or wave.node in blocks.nodes(crossing.unsaid)
        if passes or (crossing.state in {"resolved", "bracketed"} and not silent):
            traces = _traces(seen, moved[seen.organisation], wave.over or dt.date.max)
            told[seen.organisation, where, seen.destination][passes] += traces
    measured: dict[str, set[_Class]] = defaultdict(set)
    passing: dict[str, set[_Class]] = defaultdict(set)
    for (name, where, _), said in told.items():
        if said.total():
            measured[name].add(where)
        if said[True] > said[False]:
            passing[name].add(where)
    return measured, passing


def _traces(seen: Observation, first: dt.date, end: dt.date) -> int:
    """How many traces there are from the first day on and before the last."""
    return sum(traces for day, traces in seen.daily() if first <= day < end)
