"""Whom one would have to take over: the operators without whom a country cannot leave itself.

The ways abroad make a graph from organisations over domestic nodes to the border. Dominators say
who cannot do without whom, a minimum cut how few close everything, a smallest cover how few see
nearly everything. They describe the ways that were measured; spare ways that nobody took are
unknown, so all three are an upper bound of what a country depends on. No grade rests on them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import networkx as nx

from analysis.candidates.blocks import Blocks
from analysis.evidence.observation import Observation
from analysis.owners.operators import Node
from analysis.shares.pairs import Pair

# The part of the crossings that whoever listens or blocks would be content with.
NEARLY_ALL = 0.9

# For up to so many different ways it is looked whether a cover smaller than the greedy one exists,
# with at most so many branchings: seconds, not hours.
EXACT_UP_TO = 300
EFFORT = 30
_SOLVED = 0

_COUNTRY, _ABROAD = -1, -2
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class WayAbroad:
    """How a pair leaves the country: the organisation itself, then its domestic nodes in order.

    Weights sum to 1; each organisation weighs the same, and so does each of its pairs.
    """

    nodes: tuple[Node, ...]
    weight: float


def ways_abroad(
    observations: Iterable[Observation], blocks: Blocks, grouped: Mapping[str, Sequence[Pair]]
) -> list[WayAbroad]:
    """The way of each resolved pair: its nodes in the order of the fullest of its traces, and of
    several such orders the commonest."""
    resolved = {
        (pair.organisation, pair.destination): pair for pairs in grouped.values() for pair in pairs
    }
    orders: dict[tuple[str, str], Counter[tuple[Node, ...]]] = defaultdict(Counter)
    for seen in observations:
        pair = resolved.get((seen.organisation, seen.destination))
        if pair is not None and seen.crossing is not None:
            passed = blocks.nodes(seen.crossing.strict)
            orders[pair.organisation, pair.destination][
                tuple(node for node in passed if node in pair.strict)
            ] += seen.traces
    return [
        WayAbroad(
            (Node("organisation", name), *min(order, key=lambda o: (-len(o), -order[o], o))),
            1.0 / len(grouped) / len(grouped[name]),
        )
        for (name, _), order in sorted(orders.items())
    ]


@dataclass(frozen=True, slots=True)
class Cover:
    """A set of nodes, the share of the crossings that pass at least one of them, and whether no
    smaller set can do it (else it is the greedy rule's)."""

    nodes: tuple[Node, ...]
    share: float
    exact: bool


def _graph(ways: Iterable[WayAbroad], number: Mapping[Node, int]) -> nx.DiGraph:
    """The ways as a graph of numbers, so that nothing depends on the order of hashes."""
    graph = nx.DiGraph()
    for way in ways:
        nx.add_path(graph, [_COUNTRY, *(number[node] for node in way.nodes), _ABROAD])
    return graph


def _numbered(ways: Iterable[WayAbroad]) -> dict[Node, int]:
    return {node: i for i, node in enumerate(sorted({n for way in ways for n in way.nodes}))}


def dominators(ways: Sequence[WayAbroad]) -> dict[Node, tuple[str, ...]]:
    """Which organisations have no way abroad without a node, the node with most first.

    Dominators of the graph from abroad inward (Lengauer and Tarjan 1979). The ways may be
    recombined: a node is no dominator if a neighbour's way leads around it. An organisation does
    not dominate itself.
    """
    number = _numbered(ways)
    names = list(number)
    above = nx.immediate_dominators(_graph(ways, number).reverse(), _ABROAD) if ways else {}
    without: dict[Node, list[str]] = defaultdict(list)
    for origin in sorted({way.nodes[0] for way in ways}):
        at = above[number[origin]]
        while at != _ABROAD:
            without[names[at]].append(origin.name)
            at = above[at]
    return {
        node: tuple(cut_off)
        for node, cut_off in sorted(without.items(), key=lambda item: (-len(item[1]), item[0]))
    }


def minimum_cut(ways: Sequence[WayAbroad]) -> tuple[Node, ...]:
    """A smallest set of operators without which no way abroad is left; there may be others.

    Exact (Menger 1927, by maximum flow). Organisations can be cut off at themselves, so there
    never are more than were measured.
    """
    if not ways:
        return ()
    number = _numbered(ways)
    names = list(number)
    cut = nx.minimum_node_cut(_graph(ways, number), _COUNTRY, _ABROAD)
    return tuple(sorted(names[i] for i in cut))


def smallest_cover(
    ways: Sequence[WayAbroad], share: float = NEARLY_ALL, exact_up_to: int = EXACT_UP_TO
) -> Cover:
    """The fewest operators that together are on this share of the crossings.

    Found greedily, always the node that adds most, and then improved or proven by integer
    programming (HiGHS) for up to ``exact_up_to`` different ways, where that ends within ``EFFORT``.
    """
    sets: dict[frozenset[Node], float] = defaultdict(float)
    for way in ways:
        sets[frozenset(way.nodes)] += way.weight
    nodes = sorted({node for way in ways for node in way.nodes})
    chosen = _greedily(sets, nodes, share)
    exact = len(chosen) <= _at_least(sets, share)
    if not exact and len(sets) <= exact_up_to:
        smallest = _by_programming(sets, nodes, share)
        exact = smallest is not None
        if smallest is not None and len(smallest) < len(chosen):
            chosen = smallest
    seen = sum((weight for members, weight in sets.items() if members & chosen), 0.0)
    return Cover(tuple(node for node in nodes if node in chosen), min(seen, 1.0), exact)


def _alone(sets: Mapping[frozenset[Node], float]) -> dict[Node, float]:
    """What each node sees alone."""
    seen: dict[Node, float] = defaultdict(float)
    for one, weight in sets.items():
        for node in one:
            seen[node] += weight
    return seen


def _at_least(sets: Mapping[frozenset[Node], float], share: float) -> int:
    """So many nodes are needed at least: together they see no more than the sum of each alone."""
    missing = share * sum(sets.values()) - _ROUNDING
    count = 0
    for seen in sorted(_alone(sets).values(), reverse=True):
        if missing <= 0:
            break
        missing -= seen
        count += 1
    return count


def _by_programming(
    sets: Mapping[frozenset[Node], float], nodes: Sequence[Node], share: float
) -> set[Node] | None:
    """A smallest cover, None where the effort does not suffice to know that none is smaller."""
    # Takes half a second, and most covers are known to be smallest without it.
    from scipy.optimize import Bounds, LinearConstraint, milp  # noqa: PLC0415
    from scipy.sparse import coo_array  # noqa: PLC0415

    members = sorted(sets, key=sorted)
    column = {node: i for i, node in enumerate(nodes)}
    # One unknown a node (taken or not), then one a set (seen, between 0 and 1): a set is seen no
    # more than so many of its nodes are taken.
    holds = [(row, column[node]) for row, one in enumerate(members) for node in one]
    own = [(row, len(nodes) + row) for row in range(len(members))]
    rows, columns = zip(*holds, *own, strict=True)
    shape = (len(members), len(nodes) + len(members))
    seen_by = coo_array(([-1.0] * len(holds) + [1.0] * len(own), (rows, columns)), shape=shape)
    found = milp(
        c=[1.0] * len(nodes) + [0.0] * len(members),
        integrality=[1] * len(nodes) + [0] * len(members),
        bounds=Bounds(0, 1),
        constraints=[
            LinearConstraint(seen_by, ub=0),
            LinearConstraint(
                [[0.0] * len(nodes) + [sets[one] for one in members]],
                lb=share * sum(sets.values()) - _ROUNDING,
            ),
        ],
        options={"node_limit": EFFORT},
    )
    if found.status != _SOLVED:
        return None
    return {node for node, part in zip(nodes, found.x, strict=False) if part > 0.5}


def _greedily(
    sets: Mapping[frozenset[Node], float], nodes: Sequence[Node], share: float
) -> set[Node]:
    chosen: set[Node] = set()
    unseen = dict(sets)
    allowed = (1.0 - share) * sum(sets.values()) + _ROUNDING
    while sum(unseen.values()) > allowed:
        gain = _alone(unseen)
        best = min(nodes, key=lambda node: (-round(gain.get(node, 0.0), 12), node))
        chosen.add(best)
        unseen = {one: weight for one, weight in unseen.items() if best not in one}
    return chosen
