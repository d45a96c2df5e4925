"""Whether organisations go to their destinations over the same addresses.

Of a block that many networks use, and of a network whose numbers stand on the lines of others, this
tells one operator from many. Where the addresses are looked for on a path is not decided here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from analysis.evidence.votes import TOLERANCE, most_common


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
