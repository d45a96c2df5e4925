"""Pairs → figures: who captures how many organisations, and who stands where.

The unit is the organisation: a figure weighs organisations alike (or by users), never traces or
volunteers. An organisation's own part of the path says nothing about others, so a candidate is
judged by the organisations besides it. How sure a figure is, `analysis.shares.intervals` says;
grades are given in `analysis.grading.verdict` and `analysis.home.hub` alone.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import NamedTuple

from analysis.candidates.blocks import Blocks
from analysis.evidence.observation import Observation
from analysis.evidence.votes import Tally
from analysis.owners.operators import Node
from analysis.policy import Policy
from analysis.shares.intervals import captured_bounds
from analysis.shares.pairs import Pair


@dataclass(frozen=True, slots=True)
class Candidate:
    """A node and how many of the other organisations pass it.

    ``shares`` maps each other organisation to the fraction of its pairs that pass the node;
    ``captured`` counts those at or above the policy's share. ``blocks`` are an unmapped
    candidate's blocks.
    """

    node: Node
    blocks: tuple[str, ...]
    shares: Mapping[str, float]
    captured: int
    lower: float
    upper: float

    @property
    def of(self) -> int:
        """How many organisations it is judged by."""
        return len(self.shares)

    @property
    def share(self) -> float:
        """Mean over organisations of the fraction of pairs that pass the node."""
        return sum(self.shares.values()) / len(self.shares) if self.shares else 0.0

    @property
    def captured_share(self) -> float:
        """The fraction of these that it captures, 0.0 where there are none."""
        return self.captured / self.of if self.of else 0.0

    def is_passed_by_most(self, policy: Policy) -> bool:
        """Whether it captures as large a part of them as speaks of concentration."""
        return self.captured_share >= policy.concentrated


def candidate(
    node: Node,
    blocks: tuple[str, ...],
    passes: Mapping[str, Sequence[frozenset[Node]]],
    left_out: frozenset[str],
    policy: Policy,
) -> Candidate:
    """Judge one node by the organisations besides it.

    ``passes`` maps an organisation to the node sets of its pairs; ``left_out`` are the
    organisations that the node itself is or belongs to.
    """
    shares = {
        organisation: sum(node in nodes for nodes in sets) / len(sets)
        for organisation, sets in passes.items()
        if organisation not in left_out and sets
    }
    return by_shares(node, blocks, shares, policy)


def by_shares(
    node: Node, blocks: tuple[str, ...], shares: Mapping[str, float], policy: Policy
) -> Candidate:
    """A node of which the shares are known."""
    captured = len(captured_by(shares, policy))
    lower, upper = captured_bounds(captured, len(shares), policy.confidence)
    return Candidate(node, blocks, shares, captured, lower, upper)


def rivals(
    top: Candidate, candidates: Iterable[Candidate], left_out: frozenset[str], policy: Policy
) -> int:
    """How many other candidates divide the captured organisations with this one.

    In the order given, a candidate counts if it captures an organisation that none before it
    captures. So whoever stands before or behind another on the same paths is no rival. ``left_out``
    are the organisations that ``top`` is itself.
    """
    taken = captured_by(top.shares, policy) | left_out
    number = 0
    for one in candidates:
        more = captured_by(one.shares, policy) - taken
        number += bool(more)
        taken |= more
    return number


def on_the_same_ways(
    top: Candidate, candidates: Iterable[Candidate], policy: Policy
) -> list[Candidate]:
    """Other organisations that capture all whom this candidate captures, but for themselves.

    They stand before or behind it on the same paths, or are another name of it.
    """
    behind = captured_by(top.shares, policy)
    return [
        one
        for one in candidates
        if one is not top
        and one.node.kind == "organisation"
        and behind <= captured_by(one.shares, policy) | {one.node.name}
    ]


def captured_by(shares: Mapping[str, float], policy: Policy) -> set[str]:
    """The organisations that a node with these shares captures."""
    return {name for name, share in shares.items() if share >= policy.captured}


class Among(NamedTuple):
    """How many of the organisations that a node captured something is true of."""

    networks: int
    of: int

    @property
    def most(self) -> bool:
        """Whether they are half of them or more."""
        return 2 * self.networks >= self.of


_KIND_ORDER = {"organisation": 2, "unmapped": 1, "exchange": 0}


def rank(candidates: Iterable[Candidate], nearness: Mapping[Node, float]) -> list[Candidate]:
    """Candidates, the strongest first.

    By captured share; among equals an organisation before a block before an exchange, then by
    mean share, then the one nearest to the border (``nearness``, of `border_distance`), then by
    name, so that the order never depends on the order of the input.
    """
    return sorted(
        candidates,
        key=lambda c: (
            -round(c.captured_share, 9),
            -_KIND_ORDER[c.node.kind],
            -round(c.share, 6),
            nearness.get(c.node, 0.0),
            c.node.name,
        ),
    )


def nearest_first(nearness: Mapping[Node, float]) -> list[Node]:
    """Nodes in the order in which equals are preferred: by kind, then nearest to the border."""
    return sorted(nearness, key=lambda node: (-_KIND_ORDER[node.kind], nearness[node], node.name))


def border_distance(observations: Iterable[Observation], blocks: Blocks) -> dict[Node, float]:
    """How many nodes stand between each node and the border: the median over organisations.

    For one organisation it is the mean over its traces: however many it sends, it moves no figure
    but its own.
    """
    tallies: dict[str, Tally] = defaultdict(Tally)
    for seen in observations:
        if seen.crossing is not None:
            tallies[seen.organisation].add(seen.crossing, seen.traces)
    found: dict[Node, list[float]] = defaultdict(list)
    for tally in tallies.values():
        distances: dict[Node, float] = defaultdict(float)
        traces: dict[Node, float] = defaultdict(float)
        for crossing, count in tally.counted():
            for distance, node in enumerate(reversed(blocks.nodes(crossing.strict))):
                distances[node] += distance * count
                traces[node] += count
        for node, count in traces.items():
            found[node].append(distances[node] / count)
    return {node: median(each) for node, each in found.items()}


def gateway_of(pair: Pair, top: Node | None) -> Node:
    """The gateway of a resolved pair: ``top`` where it passes it, else the node it left by.

    An organisation that is its own exit is its own gateway.
    """
    if top is not None and top in pair.strict:
        return top
    return pair.exit or Node("organisation", pair.organisation)


def exit_shares(
    grouped: Mapping[str, Sequence[Pair]], top: Node | None, left_out: frozenset[str]
) -> dict[Node, float]:
    """How the organisations' pairs divide over gateways; each organisation weighs the same.

    A pair that passes ``top`` counts for it, any other for the node it left by, or for the
    organisation itself where that is its own exit. Shares sum to 1.
    """
    return divided(
        {
            name: [gateway_of(pair, top) for pair in pairs]
            for name, pairs in grouped.items()
            if name not in left_out
        }
    )


def divided(chosen: Mapping[str, Sequence[Node | None]]) -> dict[Node, float]:
    """How the choices of organisations divide over nodes; each organisation weighs the same.

    None is a choice of nobody. Where there is none of these, shares sum to 1.

    >>> here, there = Node("organisation", "Here"), Node("organisation", "There")
    >>> divided({"a": [here, here, here, there], "b": [there]})
    {Node(kind='organisation', name='Here'): 0.375, Node(kind='organisation', name='There'): 0.625}
    """
    shares: dict[Node, float] = defaultdict(float)
    for nodes in chosen.values():
        for node in nodes:
            if node is not None:
                shares[node] += 1.0 / len(nodes) / len(chosen)
    return dict(shares)


# So many at least share an interface before it is common: two may share a carrier's router.
_FEWEST_SHARING = 3


def shared_interfaces(grouped: Mapping[str, Sequence[Pair]], policy: Policy) -> float:
    """Share of organisations that leave by first foreign interfaces which half of all share.

    A gateway whose routers are numbered from its customers' links shows no domestic node of its
    own, but the paths behind it meet on the same foreign interfaces: the sign of a thin gateway.
    """
    users: dict[str, set[str]] = defaultdict(set)
    for name, pairs in grouped.items():
        for pair in pairs:
            for interface in pair.interfaces:
                users[interface].add(name)
    least = max(_FEWEST_SHARING, len(grouped) / 2)
    common = {interface for interface, names in users.items() if len(names) >= least}
    return _share_of_most(grouped, lambda pair: bool(pair.interfaces & common), policy)


def shared_by_nobody_shown(grouped: Mapping[str, Sequence[Pair]], policy: Policy) -> float:
    """Share of organisations that leave by first foreign interfaces which others leave by as well.

    Only ways that show nobody at home count, since customers of one network share its interfaces.
    Each site of a thin gateway has interfaces of its own, so that fewer than half of all come to
    any one.
    """
    users: dict[str, set[str]] = defaultdict(set)
    for name, pairs in grouped.items():
        for pair in pairs:
            for interface in pair.bare:
                users[interface].add(name)
    common = {interface for interface, names in users.items() if len(names) >= _FEWEST_SHARING}
    return _share_of_most(grouped, lambda pair: bool(pair.bare & common), policy)


def veiled_share(grouped: Mapping[str, Sequence[Pair]], policy: Policy) -> float:
    """Share of organisations whose pairs are veiled: silence hides who stands at their border."""
    return _share_of_most(grouped, lambda pair: pair.veiled, policy)


def _share_of_most(
    grouped: Mapping[str, Sequence[Pair]], holds: Callable[[Pair], bool], policy: Policy
) -> float:
    """Share of organisations for which something holds on at least ``captured`` of their pairs."""
    found = sum(
        sum(map(holds, pairs)) >= policy.captured * len(pairs) for pairs in grouped.values()
    )
    return found / len(grouped) if grouped else 0.0


def mean_share(told: Iterable[tuple[str, bool]]) -> float:
    """The fraction of values that are true, as the mean over organisations; 0.0 without any.

    An organisation with thousands of silent destinations cannot drown all others.

    >>> mean_share([("a", True), ("b", False), ("b", False), ("b", False)])
    0.5
    """
    by_name: dict[str, list[bool]] = defaultdict(list)
    for organisation, true in told:
        by_name[organisation].append(true)
    return fmean(sum(some) / len(some) for some in by_name.values()) if by_name else 0.0


def days_of_most(measured: Mapping[str, Collection[dt.date]]) -> int:
    """On how many days all traces of most organisations were measured, at the least; 0 of nobody.

    The days are taken in order, those on which most organisations were measured first, until more
    than half of the organisations have no day besides. So one organisation that is measured for
    months does not make months of the single day on which all others were.

    >>> monday, tuesday = dt.date(2026, 1, 5), dt.date(2026, 1, 6)
    >>> days_of_most({"a": {monday, tuesday}, "b": {monday}, "c": {monday}})
    1
    >>> days_of_most({"a": {monday, tuesday}, "b": {monday, tuesday}, "c": {monday}})
    2
    """
    often = Counter(day for days in measured.values() for day in days)
    order = {day: place for place, day in enumerate(sorted(often, key=lambda d: (-often[d], d)), 1)}
    needed = sorted(max(map(order.__getitem__, days)) for days in measured.values() if days)
    return needed[len(needed) // 2] if needed else 0


def weighted_share(shares: Mapping[str, float], weights: Mapping[str, float]) -> float | None:
    """Mean of shares weighted by organisation; None where no weight is known.

    >>> weighted_share({"a": 1.0, "b": 0.0}, {"a": 3.0, "b": 1.0})
    0.75
    """
    total = sum(weights.get(name, 0.0) for name in shares)
    if not total:
        return None
    return sum(share * weights.get(name, 0.0) for name, share in shares.items()) / total
