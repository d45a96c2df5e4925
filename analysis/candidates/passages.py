"""Whether organisations go to their destinations over the same addresses.

This tells one operator from many where many networks use a block, and where a network's numbers
stand on the lines of others. Where on a path the addresses are looked for is not decided here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from analysis.evidence.observation import Observation, by_vantage_days
from analysis.evidence.votes import TOLERANCE, most_common
from analysis.owners.operators import Node

# A way that passes a node, and the nodes between the vantage point and the destination on it.
Passing = tuple[Observation, Sequence[Node]]


class Passage(NamedTuple):
    """How an organisation goes to one destination past a node: the addresses that it shows there.

    ``over`` is whose customer it is there: its own, or that of the last network before the node; at
    home it may name the two networks that the node stands between. ``weight`` is what the passage
    counts beside others to the same destination.
    """

    organisation: str
    destination: str
    addresses: tuple[str, ...]
    over: str
    weight: float = 1.0


def passages_of(ways: Iterable[tuple[Observation, list[str], str]]) -> list[Passage]:
    """A passage for each way that shows an address.

    ``ways`` are those that pass a node: the addresses of each, and over whom it goes.
    """
    telling = [way for way in ways if way[1]]
    weights = by_vantage_days([seen for seen, _, _ in telling])
    return [
        Passage(seen.organisation, seen.destination, tuple(addresses), over, weight)
        for (seen, addresses, over), weight in zip(telling, weights, strict=True)
    ]


def as_usual(passages: Sequence[Passage]) -> list[Passage]:
    """The passages, each over whom its organisation mostly comes by the same first address.

    Now and then a hop is silent, and a customer looks as if it came by itself.

    >>> shown, silent = (Passage("a", "d", ("198.51.100.1",), over) for over in ("rival", "a"))
    >>> [passage.over for passage in as_usual([shown, shown, silent])]
    ['rival', 'rival', 'rival']
    """
    over: dict[tuple[str, tuple[str, ...]], dict[str, float]] = defaultdict(
        lambda: defaultdict(float)
    )
    for passage in passages:
        over[passage.organisation, passage.addresses[:1]][passage.over] += passage.weight
    usual = {by: most_common(counts) for by, counts in over.items()}
    return [
        passage._replace(over=usual[passage.organisation, passage.addresses[:1]] or passage.over)
        for passage in passages
    ]


def by_themselves(passages: Sequence[Passage], others: int = 1) -> dict[str, bool]:
    """For each organisation, whether it shares its addresses with fewer than ``others`` others.

    It does not go by itself if, to half of its destinations, half of its passages show an address
    that at least so many others use. Users are told apart by ``over``: the customers of one network
    are one user.

    >>> by_themselves([Passage(f"org{i}", "d", ("198.51.100.1",), f"org{i}") for i in (1, 2)])
    {'org1': False, 'org2': False}
    >>> by_themselves([Passage(f"org{i}", "d", (f"198.51.100.{i}",), f"org{i}") for i in (1, 2)])
    {'org1': True, 'org2': True}
    >>> by_themselves([Passage(f"org{i}", "d", ("198.51.100.1",), "org1") for i in (1, 2)])
    {'org1': True, 'org2': True}
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
    return {
        name: 2 * sum(more > -TOLERANCE for more in destinations.values()) < len(destinations)
        for name, destinations in ways.items()
    }


def mostly_together(passages: Sequence[Passage], others: int = 1) -> bool:
    """Whether no more than half of the organisations go `by_themselves`.

    So it is where no address is seen at all.
    """
    alone = by_themselves(passages, others)
    return 2 * sum(alone.values()) <= len(alone)
