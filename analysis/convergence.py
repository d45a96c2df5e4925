"""Observations → figures: who passes whom, how concentrated, how sure.

The unit is the organisation: a figure weighs organisations alike (or by eyeballs), never traces
or volunteers, and an interval resamples organisations. An organisation's own part of the path
says nothing about others, so a candidate is judged by the organisations besides it. Grades are
given in `verdict` alone.
"""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, TypeVar

from analysis.crossing import Crossing
from analysis.operators import BlockSeen, Node, block_name, merge_blocks
from analysis.panel import Observation
from analysis.policy import Policy

T = TypeVar("T")


def captured_bounds(captured: int, of: int, confidence: float) -> tuple[float, float]:
    """One-sided Clopper–Pearson bounds of a share of organisations, each at this confidence.

    Source: Clopper and Pearson, Biometrika 26 (1934), 404–413. Nothing observed bounds nothing.

    >>> [round(bound, 3) for bound in captured_bounds(7, 7, 0.95)]  # lower is 0.05 ** (1 / 7)
    [0.652, 1.0]
    >>> captured_bounds(0, 0, 0.95)
    (0.0, 1.0)
    """
    # Processes that fold do without it, and start sooner.
    from scipy.special import betaincinv  # noqa: PLC0415

    tail = 1.0 - confidence
    lower = float(betaincinv(captured, of - captured + 1, tail)) if captured else 0.0
    upper = float(betaincinv(captured + 1, of - captured, 1.0 - tail)) if captured < of else 1.0
    return lower, upper


def effective_gateways(shares: Iterable[float]) -> float:
    """How many equally used gateways would be as concentrated as these.

    The inverse Herfindahl–Hirschman index: 1.0 when one gateway carries everything, n when n
    gateways carry 1/n each. Shares are fractions and sum to 1; no shares make 0.0.

    >>> effective_gateways([0.5, 0.5])
    2.0
    """
    squares = sum(share * share for share in shares)
    return 1.0 / squares if squares else 0.0


def coverage_bounds(share: float, coverage: float) -> tuple[float, float]:
    """Between what the national share lies when only a part of the country was measured.

    Whatever was not measured may pass the candidate wholly or not at all.

    >>> coverage_bounds(0.5, 0.5)
    (0.25, 0.75)
    """
    return coverage * share, coverage * share + 1.0 - coverage


def resampled_interval(values: Sequence[float], policy: Policy) -> tuple[float, float]:
    """Percentile interval of the mean when organisations are drawn anew, with a fixed seed.

    Two-sided with ``1 - confidence`` in each tail. One organisation has no spread to resample:
    its interval is (0, 1).

    >>> resampled_interval([1.0] * 6, Policy())
    (1.0, 1.0)
    """
    if len(values) < 2:
        return 0.0, 1.0
    draw = random.Random(policy.seed)  # noqa: S311 - a repeatable interval, not a secret
    means = sorted(
        sum(draw.choices(values, k=len(values))) / len(values) for _ in range(policy.resamples)
    )
    return percentiles(means, policy)


def percentiles(figures: Sequence[float], policy: Policy) -> tuple[float, float]:
    """The bounds that leave ``1 - confidence`` of these figures, in order, in each tail.

    >>> percentiles([1.0, 2.0, 3.0, 4.0], Policy(confidence=0.75))
    (2.0, 3.0)
    """
    cut = min(int((1.0 - policy.confidence) * len(figures)), (len(figures) - 1) // 2)
    return figures[cut], figures[-1 - cut]


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
        return len(self.shares)

    @property
    def share(self) -> float:
        """Mean over organisations of the fraction of pairs that pass the node."""
        return sum(self.shares.values()) / len(self.shares) if self.shares else 0.0

    @property
    def captured_share(self) -> float:
        return self.captured / self.of if self.of else 0.0


class Blocks:
    """Unmapped blocks merged into candidates; maps a block's node to its group's node."""

    def __init__(self, observations: Iterable[Observation]) -> None:
        merged = merge_blocks(
            BlockSeen(o.organisation, o.destination, block, at_border, successor)
            for o in observations
            if o.crossing is not None
            for block, at_border, successor in o.crossing.blocks
        )
        self._group = {
            block: Node("unmapped", block_name(group)) for block, group in merged.items()
        }
        self._blocks = {self._group[block]: group for block, group in merged.items()}

    def node(self, node: Node) -> Node | None:
        """The node itself, its group for an unmapped block, None for a block nobody shares."""
        return self._group.get(node.name) if node.kind == "unmapped" else node

    def blocks(self, node: Node) -> tuple[str, ...]:
        return self._blocks.get(node, ())

    def nodes(self, nodes: Iterable[Node]) -> list[Node]:
        """The nodes with blocks merged, in order, without repetition and without lone blocks."""
        found = (self.node(node) for node in nodes)
        return list(dict.fromkeys(node for node in found if node is not None))


_RESOLVED = frozenset({"resolved", "bracketed"})


class Tally:
    """Crossings counted by identity: traces along one way share one, and comparing is dear."""

    def __init__(self) -> None:
        self._counts: dict[int, tuple[Crossing, float]] = {}

    def add(self, crossing: Crossing, weight: float) -> None:
        known = self._counts.get(id(crossing))
        self._counts[id(crossing)] = (crossing, weight if known is None else known[1] + weight)

    def counted(self) -> list[tuple[Crossing, float]]:
        """Each crossing with the number of its traces, or the sum of their weights."""
        return list(self._counts.values())


def most_common(counts: Mapping[T, float]) -> T | None:
    """What is counted most often; of equals the first by name, whatever order they came in.

    >>> most_common({Node("organisation", "B"): 2, Node("organisation", "A"): 2, None: 2}).name
    'A'
    """

    def place(one: T) -> tuple[float, bool, Any]:
        return -round(counts[one], 9), one is None, one or ()

    return min(counts, key=place, default=None)


ALIKE = 1e-9  # sums of weights that differ by less are equal


def _passed(crossings: Iterable[tuple[list[Node], bool, float]], policy: Policy) -> frozenset[Node]:
    """The nodes that a pair's traces pass: the nodes, whether there is a gap, what they weigh.

    On more than half of the traces that tell: those that show the node and those without a gap.
    A trace with a silent hop cannot say that the node is not there, but a node has to be on
    ``pair_shown`` of all traces, lest a single one speaks for a pair that is silent otherwise.
    """
    shown: dict[Node, float] = defaultdict(float)
    whole: dict[Node, float] = defaultdict(float)
    traces = without_gap = 0.0
    for nodes, gap, weight in crossings:
        traces += weight
        without_gap += 0.0 if gap else weight
        for node in nodes:
            shown[node] += weight
            whole[node] += 0.0 if gap else weight
    return frozenset(
        node
        for node, weight in shown.items()
        if weight - ALIKE > without_gap - whole[node]
        and weight + ALIKE >= policy.pair_shown * traces
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
        if cut * most >= 1.0 - ALIKE:
            break
        # With the fullest ``cut`` days at this height each has just the share.
        height = most * rest / (1.0 - cut * most)
        if next_height <= height + ALIKE:
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

    def __init__(self, observations: Iterable[Observation], policy: Policy) -> None:
        self._cast: dict[tuple[str, str, str], Counter[dt.date]] = defaultdict(Counter)
        keys: dict[str, dict[dt.date, set[str]]] = defaultdict(lambda: defaultdict(set))
        for seen in observations:
            for day, traces in seen.daily():
                self._cast[seen.organisation, seen.destination, seen.vantage][day] += traces
                keys[seen.organisation][day].add(seen.vantage)
        self._days = {
            name: day_weights({day: len(there) for day, there in days.items()}, policy.day_weight)
            for name, days in keys.items()
        }
        self._keys = {name: len(set().union(*days.values())) for name, days in keys.items()}

    def weight(self, seen: Observation) -> float:
        cast = self._cast[seen.organisation, seen.destination, seen.vantage]
        days = self._days[seen.organisation]
        return sum(days[day] * traces / cast[day] for day, traces in seen.daily())

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
        or weight + ALIKE >= policy.pair_votes * most[organisation]
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
    pairs = []
    for organisation, destination in sorted(_well_measured(grouped, votes, policy)):
        crossings = grouped[organisation, destination].counted()
        known = [(c, weight) for c, weight in crossings if c.state in _RESOLVED]
        left = [(c, weight) for c, weight in crossings if c.state != "none"]
        exits: dict[Node | None, float] = defaultdict(float)
        upstreams: dict[Node | None, float] = defaultdict(float)
        for crossing, weight in known:
            exits[_exit(crossing, blocks)] += weight
            upstreams[crossing.upstream] += weight
        strict = _passed(((blocks.nodes(c.strict), c.gap, n) for c, n in known), policy)
        total, resolved = (sum(weight for _, weight in some) for some in (crossings, known))
        pairs.append(
            Pair(
                organisation,
                destination,
                classes[destination],
                resolved=2 * resolved - ALIKE > total,
                strict=strict,
                lenient=strict
                | _passed(((blocks.nodes(c.lenient), c.gap, n) for c, n in left), policy),
                unaided=_passed(
                    ((blocks.nodes(c.unaided), c.unaided_gap, n) for c, n in known), policy
                ),
                exit=most_common(exits),
                upstream=most_common(upstreams),
                interfaces=frozenset(
                    c.first_foreign for c, _ in known if c.first_foreign is not None
                ),
            )
        )
    return pairs


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
    captured = sum(share >= policy.captured for share in shares.values())
    lower, upper = captured_bounds(captured, len(shares), policy.confidence)
    return Candidate(node, blocks, shares, captured, lower, upper)


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
    """Nodes between each node and the border: the median over the organisations that pass it.

    Of an organisation it is the mean over its traces. Whoever sends much moves one organisation,
    and the median needs half of them.
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
    shares: dict[Node, float] = defaultdict(float)
    organisations = [name for name in grouped if name not in left_out]
    for name in organisations:
        for pair in grouped[name]:
            shares[gateway_of(pair, top)] += 1.0 / len(grouped[name]) / len(organisations)
    return dict(shares)


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
    least = max(3.0, len(grouped) / 2)
    common = {interface for interface, names in users.items() if len(names) >= least}
    meeting = sum(
        sum(bool(pair.interfaces & common) for pair in pairs) >= policy.captured * len(pairs)
        for pairs in grouped.values()
    )
    return meeting / len(grouped) if grouped else 0.0


def weighted_share(shares: Mapping[str, float], weights: Mapping[str, float]) -> float | None:
    """Mean of shares weighted by organisation; None where no weight is known.

    >>> weighted_share({"a": 1.0, "b": 0.0}, {"a": 3.0, "b": 1.0})
    0.75
    """
    total = sum(weights.get(name, 0.0) for name in shares)
    if not total:
        return None
    return sum(share * weights.get(name, 0.0) for name, share in shares.items()) / total
