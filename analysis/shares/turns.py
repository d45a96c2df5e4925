"""Whether those who pass a node always do, or by turns with somebody else.

A pair passes whoever is on most of its traces. Where flows are spread over two operators, or one is
the other's backup, the larger of them is then on the way of all, and the other on nobody's. What
becomes of such a node is not decided here, nor what a way is.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import NamedTuple

from analysis.candidates.blocks import Blocks
from analysis.evidence.observation import Cast, Observation
from analysis.evidence.votes import TOLERANCE
from analysis.owners.operators import Node
from analysis.paths.crossing import RESOLVED, Crossing
from analysis.policy import Policy


class Turn(NamedTuple):
    """Traces of one way: its end, the nodes on it, and whether it ``tells`` that no others are.

    ``abroad`` are the first two addresses abroad, where the one behind the border is an interface.
    """

    seen: Observation
    end: str
    nodes: frozenset[Node]
    tells: bool
    abroad: frozenset[str] = frozenset()


class _Day(NamedTuple):
    """What a vantage point's traces of a day to a destination say, each day weighing 1."""

    day: dt.date
    passing: float
    elsewhere: float


# Of a node, what the days of each pair of an organisation and an end say.
Telling = Callable[[Node], Mapping[tuple[str, str], Sequence[_Day]]]


def telling(turns: Sequence[Turn]) -> Telling:
    """What days tell of a node; each node is looked at once.

    A trace tells if it passes the node. A trace without silent hops also tells in two cases: it
    passes somebody who is on none of the organisation's ways over the node; or it passes nobody,
    and goes on abroad over addresses that no way over the node shows.
    """
    cast = Cast(turn.seen for turn in turns)
    return cache(lambda node: _days(node, turns, cast))


def by_turns(told: Telling, policy: Policy) -> Callable[[Node], frozenset[str]]:
    """Which organisations pass a node by turns with others; each node is looked at once.

    They do if to half of the ends that they reach over it, or more, less than ``captured`` of the
    traces that tell pass it. What comes before the first day on which the pair passes the node
    does not count: that is a move, and no turn.
    """

    @cache
    def found(node: Node) -> frozenset[str]:
        turning: dict[str, list[bool]] = defaultdict(list)
        for (organisation, _), days in told(node).items():
            since = min((one.day for one in days if one.passing), default=None)
            if since is not None:
                passing = sum(one.passing for one in days)
                elsewhere = sum(one.elsewhere for one in days if one.day >= since)
                least = policy.captured * (passing + elsewhere)
                turning[organisation].append(passing + TOLERANCE < least)
        return frozenset(name for name, told in turning.items() if 2 * sum(told) >= len(told))

    return found


def days_elsewhere(told: Telling) -> Callable[[Node], Mapping[str, frozenset[dt.date]]]:
    """Of each organisation the days on which most traces that tell do not pass a node.

    Each node is looked at once.
    """

    @cache
    def found(node: Node) -> Mapping[str, frozenset[dt.date]]:
        more: dict[str, dict[dt.date, float]] = defaultdict(lambda: defaultdict(float))
        for (organisation, _), days in told(node).items():
            for one in days:
                more[organisation][one.day] += one.elsewhere - one.passing
        return {
            organisation: frozenset(day for day, by in days.items() if by > TOLERANCE)
            for organisation, days in more.items()
        }

    return found


def _days(node: Node, turns: Iterable[Turn], cast: Cast) -> dict[tuple[str, str], list[_Day]]:
    """The days of each pair of an organisation and an end."""
    beside: dict[str, set[Node]] = defaultdict(set)
    behind: set[str] = set()
    for turn in turns:
        if node in turn.nodes:
            beside[turn.seen.organisation] |= turn.nodes
            behind |= turn.abroad
    days: dict[tuple[str, str], list[_Day]] = defaultdict(list)
    for turn in turns:
        passing = node in turn.nodes
        organisation = turn.seen.organisation
        elsewhere = (
            not beside[organisation] >= turn.nodes
            if turn.nodes
            # Behind a neighbour's address the node may hide, but where others show it before these.
            else bool(turn.abroad) and behind.isdisjoint(turn.abroad)
        )
        if passing or (turn.tells and elsewhere):
            days[organisation, turn.end] += [
                _Day(day, *((traces / of, 0.0) if passing else (0.0, traces / of)))
                for day, traces, of in cast.daily(turn.seen)
            ]
    return days


def turns_abroad(blocks: Blocks, observations: Iterable[Observation]) -> list[Turn]:
    """The ways abroad: who is at home on each."""
    return [
        _turn_abroad(blocks, seen, seen.crossing)
        for seen in observations
        if seen.crossing is not None
    ]


def _turn_abroad(blocks: Blocks, seen: Observation, crossing: Crossing) -> Turn:
    known = crossing.state in RESOLVED
    nodes = frozenset(blocks.nodes(crossing.strict)) if known else frozenset()
    # Of hops that are left out, as a block that nobody else shows, anybody may stand there.
    whole = bool(nodes) or not crossing.lenient
    tells = known and whole and not crossing.gap and not crossing.unsaid
    return Turn(seen, seen.destination, nodes, tells, _first_abroad(seen, crossing))


def _first_abroad(seen: Observation, crossing: Crossing) -> frozenset[str]:
    """The interface behind the border, and the address behind that.

    Where a router at home answers with a carrier's address, that is the one behind the border, and
    what others show there is the one behind.
    """
    if crossing.first_foreign is None or crossing.border is None:
        return frozenset()
    _, outer = crossing.border
    return frozenset(
        step.address
        for step in seen.path.frame.steps
        if step.address is not None
        and step.address != seen.destination
        and outer <= step.hop <= outer + 1
    )
