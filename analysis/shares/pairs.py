"""Observations → pairs: who passes whom on the way from an organisation to a destination.

A pair is folded by majority of what its keys say, each with one vote a day; silence speaks for
nobody. Unmapped blocks of one operator are merged first. What follows from the pairs is not decided
here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from zlib import crc32

from analysis.candidates.blocks import Blocks
from analysis.evidence.observation import Observation
from analysis.evidence.votes import TOLERANCE, Tally, Votes, most_common
from analysis.owners.operators import Node
from analysis.paths.crossing import RESOLVED, Crossing
from analysis.policy import Policy


@dataclass(frozen=True, slots=True)
class Pair:
    """One vantage organisation and one destination, by majority of its traces.

    ``strict`` and ``lenient`` hold the nodes on more than half of those that tell, ``unaided``
    those that are so by the address table alone; ``exit`` is the node most traces left by (None:
    the organisation itself). It is ``veiled`` if nobody is on it, and most of its traces have a
    silent hop between the own network and the border. ``at_times`` are the nodes on ``pair_shown``
    of all its traces or more. If no node is on the pair, ``bare`` are the first foreign interfaces
    of as many traces that show nobody else at home; otherwise it is empty.
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
    veiled: bool = False
    at_times: frozenset[Node] = frozenset()
    bare: frozenset[str] = frozenset()

    @property
    def is_hidden(self) -> bool:
        """Whether it is left open by whom the pair left.

        Most traces show nobody behind the own network, and yet somebody is on the pair, or silent
        hops leave room for somebody. To have no ``exit`` is then no sign of an own one.
        """
        return self.exit is None and (self.veiled or bool(self.strict))


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
    shown, bare = _shown_and_bare(known, blocks)
    few = policy.pair_shown * resolved - TOLERANCE
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
        veiled=not strict and 2 * sum(n for c, n in known if c.gap) > resolved + TOLERANCE,
        at_times=frozenset(node for node, weight in shown.items() if weight >= few),
        bare=frozenset(
            interface for interface, weight in bare.items() if not strict and weight >= few
        ),
    )


def _shown_and_bare(
    known: Iterable[tuple[Crossing, float]], blocks: Blocks
) -> tuple[Mapping[Node, float], Mapping[str, float]]:
    """What the traces weigh that show a node; and those that show nobody, by their interface."""
    shown: dict[Node, float] = defaultdict(float)
    bare: dict[str, float] = defaultdict(float)
    for crossing, weight in known:
        nodes = blocks.nodes(crossing.strict)
        for node in nodes:
            shown[node] += weight
        if not nodes and crossing.first_foreign is not None:
            bare[crossing.first_foreign] += weight
    return shown, bare


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
