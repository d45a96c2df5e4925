"""Unmapped blocks on the ways of several organisations, and which of them are one operator's.

A gateway that no table knows shows itself by its blocks alone, often by one for each site. But
unrelated networks number themselves alike: what is one operator's goes on over common addresses.
Who may number a network by a block, `analysis.owners.numbering` says.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence, Set
from copy import copy
from dataclasses import dataclass, field, replace
from itertools import takewhile

from analysis.candidates.passages import Passage, as_usual, mostly_together
from analysis.evidence.observation import Observation, by_vantage_days
from analysis.owners.numbering import has_one_owner, in_order, is_commonplace, neighbourhood
from analysis.owners.operators import Node
from analysis.paths.crossing import Crossing

# The share of those who see a commonplace block that must go on over one way before it may be one
# operator's.
_GOING_ON_TOGETHER = 0.8


@dataclass(frozen=True, slots=True)
class BlockSeen:
    """One sighting of an unmapped block on the domestic part of a path.

    ``successor`` is the first public address that answered behind it, unless that is the
    destination itself. ``over`` is the last network before it on the way, "" where that is the
    organisation itself. ``weight`` is what the sighting counts beside others on the way to the same
    destination.
    """

    organisation: str
    destination: str
    block: str
    at_border: bool
    successor: str | None
    over: str = ""
    weight: float = field(default=1.0, compare=False)


class _DisjointSets:
    """Which items are one group, joined directly or by others (union–find)."""

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}

    def find(self, item: str) -> str:
        root = item
        while (parent := self._parent.setdefault(root, root)) != root:
            root = parent
        while self._parent[item] != root:
            self._parent[item], item = root, self._parent[item]
        return root

    def join(self, items: Iterable[str]) -> None:
        first, *rest = items
        for item in rest:
            self._parent[self.find(item)] = self.find(first)


def _ways_on(seen: Iterable[BlockSeen]) -> list[Passage]:
    """How paths go on behind a group; customers of one network come over it.

    But where all do, it and the group stand in a row: it is no rival of others.
    """
    passages = as_usual(
        [
            Passage(
                one.organisation,
                one.destination,
                (one.successor,),
                one.over or one.organisation,
                one.weight,
            )
            for one in seen
            if one.successor is not None
        ]
    )
    if len({passage.over for passage in passages}) > 1:
        return passages
    return [passage._replace(over=passage.organisation) for passage in passages]


def _shared_way_on(ways_on: Iterable[Passage]) -> set[str]:
    """Organisations of one group that reach a destination over an address another one uses too."""
    users: dict[tuple[str, tuple[str, ...]], dict[str, str]] = defaultdict(dict)
    for passage in ways_on:
        users[passage.destination, passage.addresses][passage.organisation] = passage.over
    return set().union(*(group for group in users.values() if len(set(group.values())) > 1))


def operators_among(groups: Iterable[Sequence[BlockSeen]]) -> dict[str, tuple[str, ...]]:
    """Which unmapped blocks are one operator: block → all blocks of its group, sorted.

    A block that only one organisation sees is no candidate and is absent. Only blocks right before
    the border from which different organisations go on over the same address to the same
    destination are joined: those that alternate for one organisation, and those that are
    neighbours (one /16, IPv6 /32): one operator with many sites. Without a common way on,
    alternating blocks are the inside of a network that happens to be numbered like others. Since
    unrelated networks number themselves alike, a private block, or a public one that is used as if
    it were, is kept only if half of its organisations go on over addresses that others of them use,
    for half of their destinations and on half of the traces to each; a commonplace one (see
    `is_commonplace`) only if besides at least 80% of them go on over an address that others use to
    the same destination. Joined blocks that are not kept are looked at one by one. ``groups`` are
    those of `join_blocks`.

    >>> seen = [BlockSeen(f"org{i}", "d", f"10.20.{i}.0/24", True, "198.51.100.1") for i in (1, 2)]
    >>> operators_among(join_blocks(seen))["10.20.1.0/24"]
    ('10.20.1.0/24', '10.20.2.0/24')
    """
    return dict(_kept(groups))


def blocks_alike(groups: Iterable[Sequence[BlockSeen]]) -> list[tuple[str, ...]]:
    """Groups of blocks that several organisations show and that are not taken for one operator.

    They number themselves alike; or it is a gateway of whose ways on too few were seen. Commonplace
    blocks say neither. ``groups`` are those of `join_blocks`.

    >>> seen = [BlockSeen(f"org{i}", "d", "10.20.1.0/24", True, f"198.51.100.{i}") for i in (1, 2)]
    >>> operators_among(join_blocks(seen)), blocks_alike(join_blocks(seen))
    ({}, [('10.20.1.0/24',)])
    """
    found = []
    for seen in groups:
        blocks = _blocks_of(seen)
        several = len({sighting.organisation for sighting in seen}) > 1
        if several and not _are_commonplace(blocks) and not _are_one_operator(blocks, seen):
            found.append(blocks)
    return sorted(found)


def join_blocks(sightings: Iterable[BlockSeen]) -> Collection[Sequence[BlockSeen]]:
    """What was seen of the blocks that may be one operator's, group by group."""
    weights: dict[BlockSeen, float] = defaultdict(float)
    for sighting in sightings:
        weights[sighting] += sighting.weight
    distinct = [replace(sighting, weight=weight) for sighting, weight in weights.items()]
    ways_on: dict[tuple[str, str | None], set[str]] = defaultdict(set)
    for sighting in distinct:
        if sighting.at_border and sighting.successor is not None:
            ways_on[sighting.destination, sighting.successor].add(sighting.organisation)
    groups = _DisjointSets()
    alternating: dict[tuple[str, str], set[str]] = defaultdict(set)
    neighbours: dict[tuple[str, str, str | None], set[str]] = defaultdict(set)
    for sighting in distinct:
        groups.find(sighting.block)
        way_on = (sighting.destination, sighting.successor)
        if sighting.at_border and len(ways_on[way_on]) > 1:
            alternating[sighting.organisation, sighting.destination].add(sighting.block)
            neighbours[neighbourhood(sighting.block), *way_on].add(sighting.block)
    for blocks in (*alternating.values(), *neighbours.values()):
        groups.join(sorted(blocks))

    members: dict[str, list[BlockSeen]] = defaultdict(list)
    for sighting in distinct:
        members[groups.find(sighting.block)].append(sighting)
    return members.values()


def _blocks_of(seen: Iterable[BlockSeen]) -> tuple[str, ...]:
    return in_order(sighting.block for sighting in seen)


def _are_commonplace(blocks: Iterable[str]) -> bool:
    return all(map(is_commonplace, blocks))


def _kept(groups: Iterable[Sequence[BlockSeen]]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for seen in groups:
        blocks = _blocks_of(seen)
        if _are_one_operator(blocks, seen):
            for block in blocks:
                yield block, blocks
        elif len(blocks) > 1:
            yield from _kept([one for one in seen if one.block == block] for block in blocks)


def _are_one_operator(blocks: Sequence[str], seen: Sequence[BlockSeen]) -> bool:
    """Whether what several organisations see there may be one operator."""
    organisations = {sighting.organisation for sighting in seen}
    if len(organisations) < 2:
        return False
    ways_on = _ways_on(seen)
    together = len(_shared_way_on(ways_on))
    if _are_commonplace(blocks) and together < _GOING_ON_TOGETHER * len(organisations):
        return False
    return any(map(has_one_owner, blocks)) or mostly_together(ways_on)


def before(node: Set[Node], nodes: Iterable[Node]) -> list[str]:
    """The organisations before a node, or all the blocks of one operator, on a way, in order."""
    passed = takewhile(lambda one: one not in node, nodes)
    return [one.name for one in passed if one.kind == "organisation"]


def last_before(block: Node, nodes: Iterable[Node]) -> str:
    """The last organisation before a block among the nodes of a way; "" where there is none."""
    return ["", *before({block}, nodes)][-1]


def block_name(blocks: tuple[str, ...]) -> str:
    """How a group of blocks is called in print.

    >>> block_name(("10.20.1.0/24", "10.20.2.0/24", "10.20.9.0/24"))
    '10.20.1.0/24 … 10.20.9.0/24 (3 blocks)'
    """
    if len(blocks) == 1:
        return blocks[0]
    return f"{blocks[0]} … {blocks[-1]} ({len(blocks)} blocks)"


def _over(block: Node, crossing: Crossing) -> str:
    return last_before(block, crossing.strict if block in crossing.strict else crossing.lenient)


class Blocks:
    """Unmapped blocks merged into candidates; maps a block's node to its group's node.

    ``alike`` are the groups of blocks that several organisations show and that are no candidate all
    the same.
    """

    _apart: Collection[Node] = ()

    def __init__(self, observations: Iterable[Observation]) -> None:
        showing = [
            (seen, seen.crossing)
            for seen in observations
            if seen.crossing is not None and seen.crossing.blocks
        ]
        weights = by_vantage_days([seen for seen, _ in showing])
        groups = join_blocks(
            BlockSeen(
                seen.organisation,
                seen.destination,
                block,
                at_border,
                successor,
                _over(Node("unmapped", block), crossing),
                weight,
            )
            for (seen, crossing), weight in zip(showing, weights, strict=True)
            for block, at_border, successor in crossing.blocks
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
