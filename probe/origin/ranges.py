"""From the rows that tables are published as to ranges that do not overlap.

Published rows are ranges of addresses that start and end anywhere and now and then overlap. Both
the shipped snapshot and the volunteer's own are made from what comes out of here. IPv4 and IPv6
share one number line, IPv4 at its lower end (``::/96``), as in the MaxMind format. This module
reads and writes no file.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from ipaddress import IPv4Network, IPv6Network
from itertools import pairwise
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from probe.origin.register import Registration

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# Where IPv4 ends and IPv6 begins on the number line.
V4_END = 1 << 32

# Prefixes listed in the register for each AS number: enough to choose a target by.
_LISTED_V4 = 4
_LISTED_V6 = 1


class Range(NamedTuple):
    """The addresses from ``first`` to ``last``, both included, and the AS that announces them."""

    first: int
    last: int
    asn: int


def disjoint(ranges: Iterable[Range]) -> list[Range]:
    """The same addresses without overlaps, in order; where ranges overlap the shortest wins.

    That is longest-prefix match, carried over to ranges that are no prefixes. Of two equal
    ranges the lower AS number wins, so that the order of the rows does not matter. Neighbours
    of the same AS are joined.

    >>> disjoint([Range(0, 9, 1), Range(4, 5, 2)])
    [Range(first=0, last=3, asn=1), Range(first=4, last=5, asn=2), Range(first=6, last=9, asn=1)]
    """
    result: list[Range] = []

    def add(one: Range) -> None:
        if result and result[-1].asn == one.asn and result[-1].last + 1 == one.first:
            one = one._replace(first=result.pop().first)
        result.append(one)

    cluster: list[Range] = []
    end = -1
    for one in sorted(ranges):
        if cluster and one.first > end:
            for piece in _settle(cluster):
                add(piece)
            cluster.clear()
        cluster.append(one)
        end = max(end, one.last)
    for piece in _settle(cluster):
        add(piece)
    return result


def _settle(cluster: list[Range]) -> Iterator[Range]:
    """Cut a run of overlapping ranges at every edge and let the shortest have each piece."""
    if len(cluster) < 2:
        yield from cluster
        return
    edges = sorted({one.first for one in cluster} | {one.last + 1 for one in cluster})
    by_length = sorted(cluster, key=lambda one: (one.last - one.first, one.asn))
    for first, after in pairwise(edges):
        owner = next((one for one in by_length if one.first <= first <= one.last), None)
        if owner is not None:
            yield Range(first, after - 1, owner.asn)


def blocks(first: int, last: int) -> Iterator[tuple[int, int]]:
    """Cut a range into prefixes: pairs of the first address and the number of free bits.

    >>> list(blocks(2, 8))
    [(2, 1), (4, 2), (8, 0)]
    """
    while first <= last:
        aligned = (first & -first).bit_length() - 1 if first else 128
        free = min(aligned, (last - first + 1).bit_length() - 1)
        yield first, free
        first += 1 << free


def prefix_text(first: int, free: int) -> str:
    """The prefix as people write it.

    >>> prefix_text(0x24258000, 15)
    '36.37.128.0/17'
    """
    if first < V4_END:
        return str(IPv4Network((first, 32 - free)))
    return str(IPv6Network((first, 128 - free)))


def registrations(
    ranges: Iterable[Range], names: dict[int, str], countries: dict[int, str]
) -> list[Registration]:
    """The register's rows for these disjoint ranges."""
    addresses: Counter[int] = Counter()
    largest: defaultdict[int, tuple[list[tuple[int, int]], list[tuple[int, int]]]] = defaultdict(
        lambda: ([], [])
    )
    for first, last, asn in ranges:
        old = first < V4_END
        if old:
            addresses[asn] += last - first + 1
        kept = largest[asn][0 if old else 1]
        for start, free in blocks(first, last):
            kept.append((-free, start))
        kept.sort()
        del kept[_LISTED_V4 if old else _LISTED_V6 :]
    return [
        Registration(
            asn,
            names[asn],
            countries.get(asn),
            addresses[asn],
            tuple(prefix_text(start, -minus) for kept in largest[asn] for minus, start in kept),
        )
        for asn in sorted(largest)
    ]


def countries_by_weight(votes: Iterable[tuple[int, str, int]]) -> dict[int, str]:
    """Each AS number's country: the one with the most addresses behind it, of rows
    (AS number, country, number of addresses). Level countries are settled by the alphabet.

    >>> countries_by_weight([(9009, "RO", 512), (9009, "US", 256), (9009, "US", 128)])
    {9009: 'RO'}
    """
    weights: defaultdict[int, Counter[str]] = defaultdict(Counter)
    for asn, country, addresses in votes:
        weights[asn][country] += addresses
    return {
        asn: min(counted.items(), key=lambda pair: (-pair[1], pair[0]))[0]
        for asn, counted in sorted(weights.items(), key=itemgetter(0))
    }
