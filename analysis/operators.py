"""Addresses → what can be a gateway: organisations, exchanges, unmapped blocks, and where they are.

One `Gazetteer` serves one country and one address table; each address is looked up once.
Registration says whose a router is, not where it stands: only three places exist, ``home``,
``abroad`` and ``unlocated``, and unlocated is never taken for either.
"""

from __future__ import annotations

import ipaddress
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple, Protocol

from probe.origin import special_class
from probe.record import Attribution

Place = Literal["home", "abroad", "unlocated"]
Kind = Literal["organisation", "exchange", "unmapped"]

TOLERANCE = 1e-9  # sums of weights that differ by less are equal

# Blocks that factory settings, textbooks and standards put everywhere: that two organisations use
# one of them says nothing, unless the paths behind it also run together. 192.0.0.0/24 is at the far
# end of every DS-Lite tunnel (RFC 6333), 64:ff9b::/96 and 64:ff9b:1::/48 any network's NAT64
# (RFC 6052, 8215), which writes whatever private hop stands behind it there; fd00::/48 is what
# becomes of a random prefix that nobody drew (RFC 4193); the others are link-local, for
# benchmarks and for documents.
COMMONPLACE = tuple(
    ipaddress.ip_network(block)
    for block in (
        "10.0.0.0/23",
        "10.1.0.0/23",
        "10.10.0.0/23",
        "10.10.10.0/24",
        "10.255.255.0/24",
        "172.16.0.0/23",
        "100.64.0.0/23",
        "192.168.0.0/16",
        "169.254.0.0/16",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "64:ff9b::/48",
        "64:ff9b:1::/48",
        "2001:2::/48",
        "2001:db8::/32",
        "3fff::/20",
        "fd00::/48",
        "fe80::/10",
    )
)

# Public blocks of the American and British defence: most of them were not announced for decades,
# and many networks number their inside by them as if they were private.
SQUATTED = tuple(
    ipaddress.ip_network(f"{first}.0.0.0/8")
    for first in (6, 7, 11, 21, 22, 25, 26, 28, 29, 30, 33, 55, 214, 215)
)

# Where relays of 6to4 answer, whoever runs them (RFC 3068).
RELAYS = tuple(ipaddress.ip_network(block) for block in ("192.88.99.0/24", "2002:c058:6301::/48"))

# The share of those who see a commonplace block that must go on over one way before it may be one
# operator's.
_GOING_ON_TOGETHER = 0.8


class Node(NamedTuple):
    """What can be a gateway. The name is the organisation's, the exchange's, or the block."""

    kind: Kind
    name: str


class Sight(NamedTuple):
    """One address as the analysis sees it. ``country`` is that of registration."""

    node: Node
    place: Place
    special: str | None = None
    asn: int | None = None
    country: str | None = None


class Table(Protocol):
    """What the analysis asks of an address table (`probe.origin.Origin` is one)."""

    def lookup(self, address: str) -> Attribution:
        """Whose an address is; `probe.record.UNATTRIBUTED` where the table does not know."""


def block_of(address: str) -> str:
    """The block that stands for an unmapped address: /24, or /48 for IPv6.

    >>> block_of("10.20.7.9"), block_of("fd00:1:2:3::4")
    ('10.20.7.0/24', 'fd00:1:2::/48')
    """
    length = 48 if ":" in address else 24
    return str(ipaddress.ip_network(f"{address}/{length}", strict=False))


def neighbourhood(block: str) -> str:
    """The /16 (IPv6 /32) of a block: within it, neighbours may be one operator's sites.

    >>> neighbourhood("10.20.7.0/24"), neighbourhood("fd12:3456:789a::/48")
    ('10.20.0.0/16', 'fd12:3456::/32')
    """
    length = 32 if ":" in block else 16
    return str(ipaddress.ip_network(block).supernet(new_prefix=length))


def is_commonplace(block: str) -> bool:
    """Whether a block is one of those that unrelated networks all use.

    >>> is_commonplace("192.168.1.0/24"), is_commonplace("10.20.7.0/24")
    (True, False)
    """
    return _is_within(block, COMMONPLACE)


def _is_within(block: str, wider: Iterable[ipaddress.IPv4Network | ipaddress.IPv6Network]) -> bool:
    network = ipaddress.ip_network(block)
    return any(
        network.version == one.version and network.subnet_of(one)  # type: ignore[arg-type]
        for one in wider
    )


class Gazetteer:
    """Names and places of addresses, for one country and one table."""

    def __init__(self, table: Table, country: str) -> None:
        self._table = table
        self.country = country
        self._sights: dict[str, Sight] = {}

    def sight(self, address: str) -> Sight:
        """Whose the address is and where it counts as standing. Looked up once."""
        known = self._sights.get(address)
        if known is None:
            known = self._sights[address] = self._look(address)
        return known

    def _place(self, country: str | None) -> Place:
        if country is None:
            return "unlocated"
        return "home" if country == self.country else "abroad"

    def _look(self, address: str) -> Sight:
        found = self._table.lookup(address)
        if found.special is not None:
            return Sight(Node("unmapped", block_of(address)), "unlocated", found.special)
        if found.exchange is not None:
            node = Node("exchange", found.exchange)
        elif found.organisation is not None:
            node = Node("organisation", found.organisation)
        else:
            return Sight(Node("unmapped", block_of(address)), "unlocated")
        place = self._place(found.country)
        return Sight(node, place, asn=found.asn, country=found.country)


@dataclass(frozen=True, slots=True)
class BlockSeen:
    """One sighting of an unmapped block on the domestic part of a path.

    ``successor`` is the first public address that answered behind it, unless that is the
    destination itself. ``weight`` is what the sighting counts beside others on the way to the same
    destination.
    """

    organisation: str
    destination: str
    block: str
    at_border: bool
    successor: str | None
    weight: float = field(default=1.0, compare=False)


class Passage(NamedTuple):
    """The addresses that tell over what an organisation goes to a destination.

    ``over`` is whose customer it is there: the organisation itself, or the last one on the way; or
    between which two networks it is.
    ``weight`` is what the passage counts beside others to the same destination.
    """

    organisation: str
    destination: str
    addresses: tuple[str, ...]
    over: str
    weight: float = 1.0


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


def _shared_way_on(seen: Iterable[BlockSeen]) -> set[str]:
    """Organisations of one group that reach a destination over an address another one uses too."""
    users: dict[tuple[str, str], set[str]] = defaultdict(set)
    for sighting in seen:
        if sighting.successor is not None:
            users[sighting.destination, sighting.successor].add(sighting.organisation)
    return set().union(*(group for group in users.values() if len(group) > 1))


def mostly_together(passages: Sequence[Passage], others: int = 1) -> bool:
    """Whether half of the organisations go over addresses that so many others use.

    They do if they go so to half of their destinations, on half of their passages to each, wherever
    the others go over these addresses. Where no address is seen at all, nobody is asked.

    >>> mostly_together([Passage(f"org{i}", "d", ("198.51.100.1",), f"org{i}") for i in (1, 2)])
    True
    >>> mostly_together([Passage(f"org{i}", "d", (f"198.51.100.{i}",), f"org{i}") for i in (1, 2)])
    False
    >>> mostly_together([Passage(f"org{i}", "d", ("198.51.100.1",), "org1") for i in (1, 2)])
    False
    """
    users: dict[str, set[str]] = defaultdict(set)
    for passage in passages:
        for address in passage.addresses:
            users[address].add(passage.over)
    # Of each destination by how much more passages are shared than are not.
    ways: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for name, destination, addresses, _, weight in passages:
        shared = any(len(users[address]) > others for address in addresses)
        ways[name][destination] += weight if shared else -weight
    together = 0
    for destinations in ways.values():
        met = sum(more > -TOLERANCE for more in destinations.values())
        together += 2 * met >= len(destinations)
    return 2 * together >= len(ways)


def _mostly_go_on_together(seen: Iterable[BlockSeen]) -> bool:
    return mostly_together(
        [
            Passage(
                one.organisation, one.destination, (one.successor,), one.organisation, one.weight
            )
            for one in seen
            if one.successor is not None
        ]
    )


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
    return tuple(sorted({sighting.block for sighting in seen}, key=ipaddress.ip_network))


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
    together = len(_shared_way_on(seen))
    if _are_commonplace(blocks) and together < _GOING_ON_TOGETHER * len(organisations):
        return False
    return any(map(has_one_owner, blocks)) or _mostly_go_on_together(seen)


def has_one_owner(block: str) -> bool:
    """Whether nobody else numbers a network by a block, announced or not.

    >>> has_one_owner("45.1.2.0/24"), has_one_owner("10.20.7.0/24"), has_one_owner("11.0.5.0/24")
    (True, False, False)
    """
    network = ipaddress.ip_network(block)
    return (
        network.is_global
        and special_class(network.network_address) is None
        and not _is_within(block, (*SQUATTED, *RELAYS, *COMMONPLACE))
    )


def block_name(blocks: tuple[str, ...]) -> str:
    """How a group of blocks is called in print.

    >>> block_name(("10.20.1.0/24", "10.20.2.0/24", "10.20.9.0/24"))
    '10.20.1.0/24 … 10.20.9.0/24 (3 blocks)'
    """
    if len(blocks) == 1:
        return blocks[0]
    return f"{blocks[0]} … {blocks[-1]} ({len(blocks)} blocks)"
