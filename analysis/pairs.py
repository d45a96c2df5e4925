"""Observations → pairs: who passes whom on the way from an organisation to a destination.

A pair is folded by majority of what its keys say, each with one vote a day; silence speaks for
nobody. Unmapped blocks of one operator are merged first. What follows from the pairs is not decided
here.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar
from zlib import crc32

from analysis.crossing import Crossing
from analysis.observation import Cast, Observation, by_vantage_days
from analysis.operators import (
    TOLERANCE,
    BlockSeen,
    Node,
    block_name,
    blocks_alike,
    has_one_owner,
    join_blocks,
    operators_among,
)
from analysis.policy import Policy

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Pair:
    """One vantage organisation and one destination, by majority of its traces.

    ``strict`` and ``lenient`` hold the nodes on more than half of those that tell, ``unaided``
    those that are so by the address table alone; ``exit`` is the node most traces left by (None:
    the organisation itself).
    """

    organisation: str
    destination: str
    destination_class: tuple[str, str]
    resolved: bool
    strict: frozenset[Node]
    lenient: frozenset[Node]
    unaided: frozenset[Node]
    exit: Node | None
    upstream: Node | None
    interfaces: frozenset[str]


class Blocks:
    """Unmapped blocks merged into candidates; maps a block's node to its group's node.

    ``alike`` are the groups of blocks that several organisations show and that are no candidate all
    the same.
    """

    _apart: Collection[Node] = ()

    def __init__(self, observations: Iterable[Observation]) -> None:
        showing = [
            (seen, seen.crossing.blocks)
            for seen in observations
            if seen.crossing is not None and seen.crossing.blocks
        ]
        weights = by_vantage_days([seen for seen, _ in showing])
        groups = join_blocks(
            BlockSeen(seen.organisation, seen.destination, block, at_border, successor, weight)
            for (seen, blocks), weight in zip(showing, weights, strict=True)
            for block, at_border, successor in blocks
        )
        merged = operators_among(groups)
        self.alike = blocks_alike(groups)
        self._group = {
            block: Node("unmapped", block_name(group)) for block, group in merged.items()
        }
        self._blocks = {self._group[block]: group for block, group in merged.items()}

    def without(self, apart: Collection[Node]) -> Blocks:
        """The same blocks, with these nodes on no way: only their numbers are there."""
        others = copy(self)
        others._apart = apart
        return others

    def node(self, node: Node) -> Node | None:
        """The node itself, or its group where it is an unmapped block.

        None for a block that only one organisation shows, and for a node left out by `without`.
        """
        found = self._group.get(node.name) if node.kind == "unmapped" else node
        return None if found in self._apart else found

    def blocks(self, node: Node) -> tuple[str, ...]:
        """The blocks that an unmapped candidate was merged of; () for any other node."""
        return self._blocks.get(node, ())

    def parts(self, node: Node) -> frozenset[Node]:
        """The nodes that paths show of a node: its blocks where it was merged, else itself."""
        return frozenset(Node("unmapped", block) for block in self.blocks(node)) or frozenset(
            {node}
        )

    def has_one_owner(self, node: Node) -> bool:
        """Whether the numbers of a node are one owner's, who may have given them to others."""
        return node.kind == "organisation" or any(map(has_one_owner, self.blocks(node)))

    def nodes(self, nodes: Iterable[Node]) -> list[Node]:
        """The nodes with blocks merged, in order, without repetition and without lone blocks."""
        found = (self.node(node) for node in nodes)
        return list(dict.fromkeys(node for node in found if node is not None))


# The states of crossings whose ways are known.
RESOLVED = frozenset({"resolved", "bracketed"})


class Tally:
    """Crossings counted by identity: traces along one way share one, and comparing is dear."""

    def __init__(self) -> None:
        self._counts: dict[int, tuple[Crossing, float]] = {}

    def add(self, crossing: Crossing, weight: float) -> None:
        """Count a crossing as so many traces, or with the weight of its traces."""
        known = self._counts.get(id(crossing))
        self._counts[id(crossing)] = (crossing, weight if known is None else known[1] + weight)

    def counted(self) -> list[tuple[Crossing, float]]:
        """Each crossing with the number of its traces, or the sum of their weights."""
        return list(self._counts.values())


def _by_name(one: object) -> Any:
    return one or ()


def most_common(counts: Mapping[T, float], among_equals: Callable[[T], Any] = _by_name) -> T | None:
    """What is counted most often; of equals the first by name, whatever order they came in.

    ``among_equals`` orders these otherwise.

    >>> most_common({Node("organisation", "B"): 2, Node("organisation", "A"): 2, None: 2}).name
    'A'
    """

    def place(one: T) -> tuple[float, bool, Any]:
        return -round(counts[one], 9), one is None, among_equals(one)

    return min(counts, key=place, default=None)


def _mixed(whose: tuple[str, str], node: Node | None) -> int:
    """An order of nodes that each pair has for itself, always the same.

    Where each pair has several that are level, the first by name would seem to carry all of them.
    """
    return crc32("\0".join([*whose, *(node or ())]).encode("utf-8", "surrogatepass"))


def _passed(
    crossings: Iterable[tuple[list[Node], list[Node], bool, float]], policy: Policy
) -> frozenset[Node]:
    """The nodes that a pair's traces pass.

    Each of the ``crossings`` comes with its nodes, with those that it leaves open, whether it has a
    gap, and with what it weighs. A pair passes a node that is on more than half of the traces that
    tell of it. A trace tells of a node if it shows it, or if it has no gap and does not leave it
    open: where a hop is silent, the node may be there. But a node has to be on ``pair_shown`` of
    all traces, lest a single one speaks for a pair that is silent otherwise.
    """
    shown: dict[Node, float] = defaultdict(float)
    whole: dict[Node, float] = defaultdict(float)
    traces = without_gap = 0.0
    for nodes, unsaid, gap, weight in crossings:
        traces += weight
        without_gap += 0.0 if gap else weight
        for node in nodes:
            shown[node] += weight
        for node in {*nodes, *unsaid}:
            whole[node] += 0.0 if gap else weight
    return frozenset(
        node
        for node, weight in shown.items()
        if weight - TOLERANCE > without_gap - whole[node]
        and weight + TOLERANCE >= policy.pair_shown * traces
    )


def day_weights(votes: Mapping[Hashable, int], most: float) -> dict[Hashable, float]:
    """What a vote of each day weighs, so that no day has more than the share ``most`` of all.

    ``votes`` counts them by day. The fullest days are cut to one height, all others keep their
    votes whole; where there are too few days for that, all weigh alike.

    >>> day_weights({1: 1, 2: 1, 3: 1, 4: 4}, 0.25)  # four votes that weigh as much as one
    {1: 1.0, 2: 1.0, 3: 1.0, 4: 0.25}
    """
    heights = sorted(votes.values(), reverse=True)
    if not heights:
        return {}
    height: float = heights[-1]
    rest = sum(heights)
    for cut, next_height in enumerate(heights):
        # With the fullest ``cut`` days at this height each has just the share.
        height = most * rest / (1.0 - cut * most)
        if next_height <= height + TOLERANCE:
            break
        rest -= next_height
    else:
        height = heights[-1]
    height = max(height, heights[-1])
    return {day: min(1.0, height / count) for day, count in votes.items()}


class Votes:
    """What traces weigh within their organisation.

    A key has one vote a day and destination, however many traces it sent, and no day has more
    than ``day_weight`` of an organisation's votes.
    """

    def __init__(self, observations: Sequence[Observation], policy: Policy) -> None:
        self._cast = Cast(observations)
        keys: dict[str, dict[dt.date, set[str]]] = defaultdict(lambda: defaultdict(set))
        for seen in observations:
            for day in seen.days:
                keys[seen.organisation][day].add(seen.vantage)
        self._days = {
            name: day_weights({day: len(there) for day, there in days.items()}, policy.day_weight)
            for name, days in keys.items()
        }
        self._keys = {name: len(set().union(*days.values())) for name, days in keys.items()}

    def weight(self, seen: Observation) -> float:
        """The votes of an observation within its pair: over all its days, at most one for each."""
        days = self._days[seen.organisation]
        return sum(days[day] * traces / of for day, traces, of in self._cast.daily(seen))

    def keys(self, organisation: str) -> int:
        """How many keys measured in an organisation."""
        return self._keys[organisation]


_SEVERAL = 3  # of two keys neither is a minority


def _well_measured(
    tallies: Mapping[tuple[str, str], Tally], votes: Votes, policy: Policy
) -> set[tuple[str, str]]:
    """The pairs that enough of an organisation's keys measured.

    Otherwise one key among many could outweigh all others with destinations that only it has.
    """
    weights = {
        pair: sum(weight for _, weight in tally.counted()) for pair, tally in tallies.items()
    }
    most: dict[str, float] = defaultdict(float)
    for (organisation, _), weight in weights.items():
        most[organisation] = max(most[organisation], weight)
    return {
        (organisation, destination)
        for (organisation, destination), weight in weights.items()
        if votes.keys(organisation) < _SEVERAL
        or weight + TOLERANCE >= policy.pair_votes * most[organisation]
    }


def make_pairs(observations: Iterable[Observation], blocks: Blocks, policy: Policy) -> list[Pair]:
    """Fold international observations into pairs, sorted by organisation and destination.

    A destination that only few of an organisation's keys measured makes no pair.
    """
    grouped: dict[tuple[str, str], Tally] = defaultdict(Tally)
    classes: dict[str, tuple[str, str]] = {}
    international = [seen for seen in observations if seen.crossing is not None]
    votes = Votes(international, policy)
    for seen in international:
        if seen.crossing is not None and seen.destination_class is not None:
            grouped[seen.organisation, seen.destination].add(seen.crossing, votes.weight(seen))
            classes[seen.destination] = seen.destination_class
    return [
        _pair(whose, classes[whose[1]], grouped[whose].counted(), blocks, policy)
        for whose in sorted(_well_measured(grouped, votes, policy))
    ]


def _pair(
    whose: tuple[str, str],
    destination_class: tuple[str, str],
    crossings: Sequence[tuple[Crossing, float]],
    blocks: Blocks,
    policy: Policy,
) -> Pair:
    """The pair of an organisation and a destination, by the weights of its crossings."""
    known = [(c, weight) for c, weight in crossings if c.state in RESOLVED]
    left = [(c, weight) for c, weight in crossings if c.state != "none"]
    exits: dict[Node | None, float] = defaultdict(float)
    upstreams: dict[Node | None, float] = defaultdict(float)
    for crossing, weight in known:
        exits[_exit(crossing, blocks)] += weight
        upstreams[crossing.upstream] += weight
    unsaid = {id(c): blocks.nodes(c.unsaid) for c, _ in left}
    strict = _passed(((blocks.nodes(c.strict), unsaid[id(c)], c.gap, n) for c, n in known), policy)
    lenient = _passed(((blocks.nodes(c.lenient), unsaid[id(c)], c.gap, n) for c, n in left), policy)
    unaided = _passed(
        ((blocks.nodes(c.unaided), unsaid[id(c)], c.unaided_gap, n) for c, n in known), policy
    )
    total, resolved = (sum(weight for _, weight in some) for some in (crossings, known))
    return Pair(
        *whose,
        destination_class,
        resolved=2 * resolved - TOLERANCE > total,
        strict=strict,
        lenient=strict | lenient,
        unaided=unaided,
        exit=most_common(exits),
        upstream=most_common(upstreams, partial(_mixed, whose)),
        interfaces=frozenset(c.first_foreign for c, _ in known if c.first_foreign is not None),
    )


def _exit(crossing: Crossing, blocks: Blocks) -> Node | None:
    nodes = blocks.nodes(crossing.strict)
    return nodes[-1] if nodes else None


def by_organisation(pairs: Iterable[Pair]) -> dict[str, list[Pair]]:
    """Resolved pairs of each organisation."""
    grouped: dict[str, list[Pair]] = defaultdict(list)
    for pair in pairs:
        if pair.resolved:
            grouped[pair.organisation].append(pair)
    return dict(grouped)
