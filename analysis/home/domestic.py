"""How the country's networks reach each other: directly, at an exchange, over a third, abroad.

A pair is two organisations, measured from the first to the second. Who is a candidate follows the
same rule of organisations as abroad; the grade is given in `analysis.home.hub`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Literal, NamedTuple

from analysis.candidates.blocks import (
    Blocks,
    BlockSeen,
    block_name,
    join_blocks,
    last_before,
    operators_among,
)
from analysis.candidates.joining import joins_ways
from analysis.candidates.meeting import meet_at_home
from analysis.candidates.passages import Passing
from analysis.evidence.observation import Observation
from analysis.evidence.votes import TOLERANCE, Votes, most_common
from analysis.owners.numbering import in_order, is_commonplace
from analysis.owners.operators import Node, Place
from analysis.paths.crossing import way_on
from analysis.paths.detour import detour, first_untold, put_at_home
from analysis.paths.path import Step
from analysis.policy import Policy
from analysis.shares.convergence import Candidate, by_shares, candidate, divided, mean_share, rank
from analysis.shares.intervals import effective_gateways
from analysis.shares.turns import Turn

Interconnection = Literal["direct", "exchange", "third_party", "abroad", "unknown"]


@dataclass(frozen=True, slots=True)
class DomesticPath:
    """What a path from one domestic organisation to another shows between the two networks.

    ``between`` are the nodes there. ``gap`` tells that a hop there is silent, that the path never
    arrived, or that it never showed its own network. ``abroad`` tells that the RTT proves a detour;
    then only nodes at home are ``between``, and ``carriers`` are the organisations abroad.
    ``ways_on`` are the unmapped blocks between by name, each with the first public address behind
    it that is not the destination's. Behind a commonplace one it is not of its network either, to
    whose border everybody comes. ``unplaced`` are those between that are registered abroad and not
    known to stand at home. ``untold`` tells that for want of an RTT nobody knows whether some of
    the hops are abroad: of these and all behind them nothing is said.
    """

    between: tuple[Node, ...]
    gap: bool
    abroad: bool
    ways_on: tuple[tuple[str, str], ...] = ()
    carriers: tuple[Node, ...] = ()
    unplaced: frozenset[Node] = frozenset()
    untold: bool = False


Walked = tuple[Observation, DomesticPath]


@dataclass(frozen=True, slots=True)
class DomesticPair:
    """Two organisations, by majority of the traces from the first to the second.

    ``passed`` are the nodes between and whoever carries the way abroad and back; an organisation
    may be both. ``usual`` is whichever of these is on more traces than any other, be they few; None
    on a way that is direct. ``apart`` are organisations of which only the numbers are between (see
    `analysis.candidates.meeting`). ``unmapped`` are the blocks between of which no table says whose
    they are, where most traces show one: many of them may be one operator's. Commonplace ones are
    left out.
    """

    organisation: str
    destination: str
    way: Interconnection
    between: frozenset[Node]
    passed: frozenset[Node] = frozenset()
    unmapped: frozenset[Node] = frozenset()
    apart: frozenset[Node] = frozenset()
    usual: Node | None = None


def domestic_path(
    seen: Observation, policy: Policy, standing: Collection[str] = ()
) -> DomesticPath:
    """What stands between the vantage organisation and the destination's.

    ``standing`` are the addresses registered abroad of which RTTs say that they stand at home.
    """
    target = Node("organisation", seen.destination_organisation)
    steps = seen.steps
    arrival = next((i for i, s in enumerate(steps) if s.sight and s.sight.node == target), None)
    leave = max((i for i, s in enumerate(steps[:arrival]) if s.own), default=None)
    first = 0 if leave is None else leave + 1
    inside = steps[first:arrival]
    away = detour(steps, policy)
    untold = first_untold(steps[:arrival])
    places = _places(steps, away or ())[first:arrival]
    placed = [
        (at, step.sight, away is not None and place == "abroad")
        for at, (step, place) in enumerate(zip(inside, places, strict=True), start=first)
        if step.sight is not None
    ]
    sights = [
        (at, sight)
        for at, sight, is_away in placed
        if not is_away and (untold is None or at < untold)
    ]
    carriers = (sight.node for _, sight, is_away in placed if is_away)
    foreign = {sight.node for _, sight in sights if sight.place == "abroad"}
    standing_here = {sight.node for at, sight in sights if steps[at].address in standing}
    ways_on = {
        sight.node.name: _successor(
            steps[at + 1 : arrival if is_commonplace(sight.node.name) else None], seen
        )
        for at, sight in sights
        if sight.node.kind == "unmapped"
    }
    return DomesticPath(
        between=tuple(dict.fromkeys(sight.node for _, sight in sights)),
        gap=arrival is None
        or leave is None
        or untold is not None
        or any(s.sight is None for s in inside),
        abroad=away is not None,
        ways_on=tuple((block, on) for block, on in ways_on.items() if on is not None),
        carriers=tuple(dict.fromkeys(one for one in carriers if one.kind == "organisation")),
        unplaced=frozenset(foreign - standing_here),
        untold=untold is not None,
    )


def _places(steps: Iterable[Step], away: Collection[int]) -> list[Place]:
    """Where each step stands; unlocated ones where the last did, and those ``away`` abroad."""
    places: list[Place] = []
    place: Place = "home"
    for i, step in enumerate(steps):
        if i in away or step.place == "abroad":
            place = "abroad"
        elif step.place == "home":
            place = "home"
        places.append(place)
    return places


def _successor(behind: Iterable[Step], seen: Observation) -> str | None:
    """The address over which a path goes on, None where there is none.

    A port of an exchange comes with the name of who comes over it: it is the peer's port, whoever
    that is, so it must not look like a way that different organisations share.
    """
    on = way_on(behind, seen.destination)
    if on is None or on.sight is None or on.sight.node.kind != "exchange":
        return on.address if on is not None else None
    return f"{on.address} from {seen.organisation}"


def way_of(path: DomesticPath, between: Sequence[Node], lans: Collection[Node]) -> Interconnection:
    """The way a path took, given the nodes between that are entities of their own.

    ``lans`` are exchanges that no list names. ``abroad`` needs an RTT step that physics demands; a
    foreign registration alone makes the router a third party at home. A gap leaves the way unknown
    unless a third network was seen.

    >>> way_of(DomesticPath((), gap=False, abroad=False), (), ())
    'direct'
    """
    if path.abroad:
        return "abroad"
    if any(node.kind != "exchange" and node not in lans for node in between):
        return "third_party"
    if path.gap:
        return "unknown"
    return "exchange" if between else "direct"


def walk(observations: Iterable[Observation], policy: Policy) -> list[Walked]:
    """What the domestic ones of these show between the two networks."""
    domestic = [seen for seen in observations if seen.kind == "domestic"]
    standing = _standing_at_home(domestic, policy)
    return [(seen, domestic_path(seen, policy, standing)) for seen in domestic]


def _standing_at_home(domestic: Iterable[Observation], policy: Policy) -> Set[str]:
    """The addresses registered abroad that stand at home by the RTTs of one network.

    Most of its traces over one have to say so. A router stands where it stands for all others too,
    however far from it these are.
    """
    told: dict[tuple[str, str], Counter[bool]] = defaultdict(Counter)
    for seen in domestic:
        steps = seen.steps
        at_home = put_at_home(steps, policy)
        for i, step in enumerate(steps):
            if step.place == "abroad" and step.address is not None:
                told[step.address, seen.organisation][i in at_home] += seen.traces
    return {address for (address, _), said in told.items() if said[True] > said[False]}


def mesh_of(
    walked: Sequence[Walked],
    blocks: Blocks,
    policy: Policy,
    *,
    lans: Collection[Node],
    apart: frozenset[Node],
) -> Mesh:
    """What domestic observations show together.

    An unmapped block that one organisation alone sees, or behind which most go on apart, is taken
    for the interior of one of the two networks; blocks that international paths proved to be one
    operator stay one. ``lans`` are exchanges that no list names, ``apart`` organisations of which
    only the numbers are between. What traces weigh is as `analysis.evidence.votes.Votes` has it.
    """
    votes = Votes([seen for seen, _ in walked], policy)
    grouped: dict[tuple[str, str], dict[DomesticPath, float]] = defaultdict(
        lambda: defaultdict(float)
    )
    for seen, path in walked:
        grouped[seen.organisation, seen.destination_organisation][path] += votes.weight(seen)
    return Mesh(walked, grouped, _Nodes(blocks, _shared_blocks(grouped), lans, apart))


def domestic_pairs(mesh: Mesh) -> list[DomesticPair]:
    """The pairs of organisations, sorted."""
    return [_pair(*key, paths, mesh.nodes) for key, paths in sorted(mesh.paths.items())]


def turns_at_home(mesh: Mesh) -> list[Turn]:
    """Who is between on each way; a direct one is the organisation's own."""
    return [
        Turn(
            seen,
            seen.destination_organisation,
            frozenset(mesh.nodes.on(path)) - mesh.nodes.apart
            or frozenset([Node("organisation", seen.organisation)]),
            tells=not path.gap,
        )
        for seen, path in mesh.walked
    ]


def _shared_blocks(
    grouped: Mapping[tuple[str, str], Mapping[DomesticPath, float]],
) -> Mapping[str, tuple[str, ...]]:
    """The unmapped blocks between that may be an operator's, as `operators_among` has them."""
    return operators_among(
        join_blocks(
            BlockSeen(
                a,
                b,
                node.name,
                False,
                dict(path.ways_on).get(node.name),
                last_before(node, path.between),
                weight,
            )
            for (a, b), paths in grouped.items()
            for path, weight in paths.items()
            for node in path.between
            if node.kind == "unmapped"
        )
    )


def passed_apart(
    doubted: Iterable[Node], walked: Sequence[Walked], policy: Policy
) -> frozenset[Node]:
    """Those doubted whom paths at home pass without meeting there."""
    return frozenset(
        node
        for node in doubted
        if not meet_at_home({node}, _passing({node}, walked), policy.link_organisations)
    )


def lines_of(
    nodes: Iterable[Node],
    walked: Sequence[Walked],
    blocks: Blocks,
    *,
    may_be_ports: Callable[[Node], bool],
) -> frozenset[Node]:
    """The networks among these that show lines and borders of others alone: no ways join there."""
    parts = {node: blocks.parts(node) for node in nodes if node.kind != "exchange"}
    return frozenset(
        node
        for node, those in parts.items()
        if not joins_ways(those, _passing(those, walked), ports=may_be_ports(node))
    )


def _passing(parts: Set[Node], walked: Sequence[Walked]) -> list[Passing]:
    return [(seen, path.between) for seen, path in walked if not parts.isdisjoint(path.between)]


class _Nodes(NamedTuple):
    """What all paths at home together tell of the nodes between.

    ``shared`` are the unmapped blocks that may be an operator's, ``lans`` exchanges that no list
    names, ``apart`` organisations of which only the numbers are between.
    """

    blocks: Blocks
    shared: Collection[str]
    lans: Collection[Node]
    apart: frozenset[Node]

    def on(self, path: DomesticPath) -> list[Node]:
        """The nodes between that are entities of their own; blocks of one operator are one."""
        return list(
            dict.fromkeys(
                self.blocks.node(node) or node
                for node in path.between
                if node.kind != "unmapped" or node.name in self.shared or self.blocks.node(node)
            )
        )

    def of_nobody_known(self, path: DomesticPath) -> set[Node]:
        """The blocks between of which no table says whose they are."""
        return {node for node in path.between if _is_anybodys(node) and node not in self.lans}


class Mesh(NamedTuple):
    """All paths at home, and those of each pair of organisations with what they weigh."""

    walked: Sequence[Walked]
    paths: Mapping[tuple[str, str], Mapping[DomesticPath, float]]
    nodes: _Nodes


def _pair(
    organisation: str, destination: str, paths: Mapping[DomesticPath, float], nodes: _Nodes
) -> DomesticPair:
    """One pair, by the weights of its paths."""
    ways: dict[Interconnection, float] = defaultdict(float)
    counts: dict[Node, float] = defaultdict(float)
    passed: dict[Node, float] = defaultdict(float)
    unmapped: set[Node] = set()
    showing = 0.0
    total = sum(paths.values())
    for path, weight in paths.items():
        between = nodes.on(path)
        nobody = nodes.apart.intersection(between)
        ways[way_of(path, [node for node in between if node not in nobody], nodes.lans)] += weight
        for node in between:
            # What is not known to stand at home is no hub there.
            if node not in path.unplaced:
                counts[node] += weight
        for node in {*between, *path.carriers} - nobody:
            passed[node] += weight
        shown = nodes.of_nobody_known(path)
        unmapped |= shown
        showing += weight if shown else 0.0
    unknown = ways.pop("unknown", 0.0)
    resolved = 2 * unknown < total - TOLERANCE
    on_most = _on_most(counts, total)
    way = (most_common(ways) if resolved else None) or "unknown"
    return DomesticPair(
        organisation,
        destination,
        way=way,
        between=on_most - nodes.apart,
        passed=_on_most(passed, total),
        unmapped=frozenset(unmapped if 2 * showing > total + TOLERANCE else ()),
        apart=on_most & nodes.apart,
        usual=most_common(passed) if way != "direct" else None,
    )


def _on_most(counts: Mapping[Node, float], total: float) -> frozenset[Node]:
    return frozenset(node for node, weight in counts.items() if 2 * weight > total + TOLERANCE)


def _is_anybodys(node: Node) -> bool:
    return node.kind == "unmapped" and not is_commonplace(node.name)


def hub_candidates(
    pairs: Iterable[DomesticPair],
    blocks: Blocks,
    own: Callable[[Node], frozenset[str]],
    policy: Policy,
) -> list[Candidate]:
    """Nodes between domestic organisations, the one that most organisations pass first.

    An organisation is judged by its pairs with others than the hub itself, on the known ways.
    ``own`` names the organisations that a node is or that run it: they say nothing about it.
    """
    known = [pair for pair in pairs if pair.way != "unknown"]
    nodes = sorted({node for pair in known for node in pair.between})
    found = []
    for node in nodes:
        passes: dict[str, list[frozenset[Node]]] = defaultdict(list)
        for pair in known:
            if pair.destination not in own(node):
                passes[pair.organisation].append(pair.between)
        found.append(candidate(node, blocks.blocks(node), passes, own(node), policy))
    return rank(found, {})


def reached_over(
    node: Node, pairs: Iterable[DomesticPair], own: Callable[[Node], frozenset[str]], policy: Policy
) -> Candidate:
    """The same node as the networks have it that were traced to: how many are reached over it.

    Each is judged by its pairs with others than the node itself, on the known ways.
    """
    passes: dict[str, list[frozenset[Node]]] = defaultdict(list)
    for pair in pairs:
        if pair.way != "unknown" and pair.organisation not in own(node):
            passes[pair.destination].append(pair.between)
    return candidate(node, (), passes, own(node), policy)


def effective_hubs(
    pairs: Iterable[DomesticPair],
    ranked: Sequence[Candidate],
    own: Callable[[Node], frozenset[str]],
) -> float:
    """How many equally used hubs would be as concentrated as the known ways; 0.0 without any.

    A pair counts for the first candidate between, in the order ``ranked``; where there is none, for
    who is usual there, or for the organisation itself if it goes direct. Each organisation weighs
    the same. What the first of all is itself says nothing.
    """
    order = {one.node: place for place, one in enumerate(ranked)}
    left_out = own(ranked[0].node) if ranked else frozenset()
    hubs: dict[str, list[Node]] = defaultdict(list)
    for pair in pairs:
        if pair.way != "unknown" and not left_out & {pair.organisation, pair.destination}:
            other = pair.usual or Node("organisation", pair.organisation)
            hubs[pair.organisation].append(min(pair.between, key=order.__getitem__, default=other))
    return effective_gateways(divided(hubs).values())


def behind_the_unmapped(pairs: Iterable[DomesticPair], policy: Policy) -> Candidate | None:
    """All unmapped blocks as if they were one operator's: how many show one on their known ways.

    None where there is no such block.
    """
    shown: dict[str, list[frozenset[Node]]] = defaultdict(list)
    for pair in pairs:
        if pair.way != "unknown":
            shown[pair.organisation].append(pair.unmapped)
    names = {node.name for sets in shown.values() for nodes in sets for node in nodes}
    if not names:
        return None
    blocks = in_order(names)
    shares = {name: sum(map(bool, sets)) / len(sets) for name, sets in shown.items()}
    return by_shares(Node("unmapped", block_name(blocks)), blocks, shares, policy)


def share_abroad(pairs: Iterable[DomesticPair]) -> float:
    """The share of an organisation's known ways that go abroad, as the mean over organisations."""
    return mean_share(
        (pair.organisation, pair.way == "abroad") for pair in pairs if pair.way != "unknown"
    )


def count_ways(pairs: Iterable[DomesticPair], hub: Node | None) -> dict[str, int]:
    """How many pairs go each way; those over ``hub``, which is no mere meeting place, as that."""
    counts = dict.fromkeys(("direct", "exchange", "third_party", "hub", "abroad", "unknown"), 0)
    for pair in pairs:
        over_hub = hub is not None and pair.way != "unknown" and hub in pair.between
        counts["hub" if over_hub else pair.way] += 1
    return counts
