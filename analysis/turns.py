"""Whether those who pass a node always do, or by turns with somebody else at home.

A pair passes whoever is on most of its traces. Where flows are spread over two operators, or one is
the other's backup, the larger of them is then on the way of all, and the other on nobody's. What
becomes of such a node is not decided here.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import NamedTuple

from analysis.observation import Cast, Observation
from analysis.operators import TOLERANCE, Node
from analysis.pairs import RESOLVED, Blocks
from analysis.policy import Policy


class _Day(NamedTuple):
    """What a vantage point's traces of a day to a destination say, each day weighing 1."""

    day: dt.date
    passing: float
    elsewhere: float


def by_turns(
    blocks: Blocks, observations: Sequence[Observation], policy: Policy
) -> Callable[[Node], frozenset[str]]:
    """Which organisations pass a node by turns with others; each node is looked at once.

    They do if to half of the destinations that they reach over it, or more, less than ``captured``
    of the traces that tell pass it. A trace tells if it passes the node, or if, without silence, it
    passes somebody else at home who is not on the organisation's ways over the node. Those before
    the first day on which the pair passes the node do not count: that is a move, and no turn.
    """
    international = [seen for seen in observations if seen.crossing is not None]

    @cache
    def found(node: Node) -> frozenset[str]:
        turns: dict[str, list[bool]] = defaultdict(list)
        for (organisation, _), days in _days(node, international, blocks).items():
            since = min((one.day for one in days if one.passing), default=None)
            if since is not None:
                passing = sum(one.passing for one in days)
                elsewhere = sum(one.elsewhere for one in days if one.day >= since)
                least = policy.captured * (passing + elsewhere)
                turns[organisation].append(passing + TOLERANCE < least)
        return frozenset(name for name, told in turns.items() if 2 * sum(told) >= len(told))

    return found


def _days(
    node: Node, international: Sequence[Observation], blocks: Blocks
) -> dict[tuple[str, str], list[_Day]]:
    """The days of each pair of an organisation and a destination."""
    cast = Cast(international)
    ways = list(_ways(international, blocks))
    beside = _beside(node, ways)
    days: dict[tuple[str, str], list[_Day]] = defaultdict(list)
    for seen, nodes in ways:
        passing = node in nodes
        if passing or (_tells_who_is_not_there(seen) and not beside[seen.organisation] >= nodes):
            days[seen.organisation, seen.destination] += [
                _Day(day, *((traces / of, 0.0) if passing else (0.0, traces / of)))
                for day, traces, of in cast.daily(seen)
            ]
    return days


def _beside(node: Node, ways: Iterable[tuple[Observation, set[Node]]]) -> dict[str, set[Node]]:
    """Who else is at home on each organisation's ways over a node."""
    found: dict[str, set[Node]] = defaultdict(set)
    for seen, nodes in ways:
        if node in nodes:
            found[seen.organisation] |= nodes
    return found


def _ways(
    international: Sequence[Observation], blocks: Blocks
) -> Iterator[tuple[Observation, set[Node]]]:
    """Each whose way is known, with the nodes at home on it."""
    for seen in international:
        if seen.crossing is not None and seen.crossing.state in RESOLVED:
            yield seen, set(blocks.nodes(seen.crossing.strict))


def _tells_who_is_not_there(seen: Observation) -> bool:
    return seen.crossing is not None and not seen.crossing.gap and not seen.crossing.unsaid
