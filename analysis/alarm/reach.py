"""How far a node reaches: to destinations on how many continents, and of more than one class.

Whoever sells the way to one region, or to one operator abroad, wins many networks on one day, and
where most destinations stand there it looks like a gateway. So an alarm is asked what a name is.
When a vantage point moved is not known here.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable

from analysis.alarm.waves import Wave
from analysis.candidates.blocks import Blocks
from analysis.evidence.observation import Observation
from analysis.paths.crossing import RESOLVED
from analysis.policy import Policy

# The operator and the continent of destinations.
Class = tuple[str, str]

# An organisation, and a class of destinations to which it is measured.
Towards = tuple[str, Class]


def continents(measured: Iterable[Towards], passing: Iterable[Towards], policy: Policy) -> int:
    """On how many continents half of the organisations measured to it pass a node on their way."""
    there, over = _by_continent(measured), _by_continent(passing)
    return sum(
        len(over[continent]) >= policy.concentrated * len(names)
        for continent, names in there.items()
    )


def outside(left_out: Class, those: Iterable[Towards]) -> int:
    """How many organisations are among those that go to another class."""
    return len({name for name, where in those if where != left_out})


def _by_continent(those: Iterable[Towards]) -> defaultdict[str, set[str]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for name, (_, continent) in those:
        found[continent].add(name)
    return found


def reaches_far(
    wave: Wave, observations: Iterable[Observation], blocks: Blocks, policy: Policy
) -> bool:
    """Whether most of those that moved pass the node to several continents, and to several classes.

    A continent counts if of those that moved and are measured to it since, half pass the node to a
    destination there. Without the destinations of any one class, as many must pass it as a wave
    needs.
    """
    measured, passing = _since_moved(wave, observations, blocks)
    return continents(measured, passing, policy) >= policy.continents and all(
        outside(left_out, passing) >= policy.alarm_organisations for _, left_out in passing
    )


def _since_moved(
    wave: Wave, observations: Iterable[Observation], blocks: Blocks
) -> tuple[set[Towards], set[Towards]]:
    """The classes to which those that moved are measured since, and to which they pass the node.

    They do if they pass it to one destination of the class, on most of the traces that tell.
    """
    moved = dict(wave.moved)
    told: dict[tuple[Towards, str], Counter[bool]] = defaultdict(Counter)
    for seen in observations:
        crossing, where = seen.crossing, seen.destination_class
        if crossing is None or where is None or seen.organisation not in moved:
            continue
        passes = wave.node in blocks.nodes(crossing.strict)
        silent = crossing.gap or wave.node in blocks.nodes(crossing.unsaid)
        if passes or (crossing.state in RESOLVED and not silent):
            traces = seen.traces_within(moved[seen.organisation], wave.over or dt.date.max)
            told[(seen.organisation, where), seen.destination][passes] += traces
    measured = {towards for (towards, _), said in told.items() if said.total()}
    passing = {towards for (towards, _), said in told.items() if said[True] > said[False]}
    return measured, passing
