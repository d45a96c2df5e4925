"""What there is to be found in a network, and how much of it a tracer found.

The truth is what the lab was built from, never what another tracer says. This module knows no
tool, no cost and no goal.
"""

from __future__ import annotations

import functools
import ipaddress
import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scripts.bench.comparison import Found

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from scripts.bench.comparison import Links, Paths, Said, Thing

# A border is taken as measured with so many hops before the first foreign one, and after it.
AROUND = 2


@dataclass(frozen=True)
class Truth:
    """The paths as they are, or the links where several paths lead to one target.

    ``border`` is the TTL of the first hop abroad.
    """

    paths: Paths = field(default_factory=dict)
    links: Links = frozenset()
    border: int | None = None

    def there(self) -> dict[Thing, int]:
        """How much there is to be found.

        >>> truth = Truth({"192.0.2.9": ("192.0.2.1", None, "192.0.2.8", "192.0.2.9")}, border=3)
        >>> truth.there()
        {'hops': 3, 'measured': 3, 'routers': 2, 'links': 1, 'border': 1}
        """
        if self.links:
            return {"routers": len(_ends(self.links)), "links": len(self.links)}
        hops = sum(address is not None for path in self.paths.values() for address in path)
        counts: dict[Thing, int] = {
            "hops": hops,
            "measured": hops,
            "routers": len(_routers(self.paths)),
            "links": len(_links(self.paths)),
        }
        if self.border is not None:
            counts["border"] = len(self.paths)
        return {thing: count for thing, count in counts.items() if count}


def judged(said: Said, truth: Truth) -> dict[Thing, Found]:
    """How much of what there is was found, and how much that is not there.

    A hop is right where its router answers at this TTL. A target that answers from farther on as
    well is neither right nor wrong. What redaction withholds is right where
    something answers: an address that is not said, and the /24 that holds the true one.

    >>> from scripts.bench.comparison import Said
    >>> truth = Truth({"192.0.2.9": ("192.0.2.1", "198.51.100.1", "192.0.2.9")}, border=2)
    >>> judged(Said({"192.0.2.9": ("", "198.51.100.0", "192.0.2.9")}), truth)["hops"]
    Found(right=3, wrong=0)
    >>> judged(Said({"192.0.2.9": ("192.0.2.7", None, "192.0.2.9", "192.0.2.9")}), truth)["hops"]
    Found(right=1, wrong=1)
    """
    if truth.links:
        return {
            "routers": _both(_ends(said.links), _ends(truth.links)),
            "links": _both(said.links, truth.links),
        }
    right: Paths = {}
    claims = 0
    for target, path in said.paths.items():
        true = truth.paths.get(target, ())
        claims += sum(address is not None for address in path[: len(true)])
        claims += sum(address not in {None, target} for address in path[len(true) :])
        right[target] = tuple(
            real if real is not None and _is(found, real) else None
            for found, real in zip(path, true, strict=False)
        )
    hops = sum(address is not None for path in right.values() for address in path)
    found: dict[Thing, Found] = {
        "hops": Found(hops, claims - hops),
        "measured": Found(hops - _inferred(right, said.inferred)),
        "routers": Found(len(_routers(right))),
        "links": Found(len(_links(right))),
    }
    if truth.border is not None:
        around = range(truth.border - AROUND, truth.border + AROUND + 1)
        found["border"] = Found(
            sum(
                _measured(real, right.get(target, ()), said.inferred.get(target, ()), around)
                for target, real in truth.paths.items()
            )
        )
    return found


def _inferred(right: Paths, inferred: Mapping[str, Collection[int]]) -> int:
    return sum(
        ttl <= len(right.get(target, ())) and right[target][ttl - 1] is not None
        for target, ttls in inferred.items()
        for ttl in ttls
    )


def _measured(
    real: tuple[str | None, ...],
    right: tuple[str | None, ...],
    inferred: Collection[int],
    ttls: range,
) -> bool:
    """Whether each of these hops that answers was found, and asked for itself."""
    return all(
        ttl <= len(right) and right[ttl - 1] is not None and ttl not in inferred
        for ttl in ttls
        if 0 < ttl <= len(real) and real[ttl - 1] is not None
    )


def _both(said: frozenset[object], there: frozenset[object]) -> Found:
    return Found(len(said & there), len(said - there))


def _ends(links: Links) -> frozenset[str]:
    return frozenset(itertools.chain.from_iterable(links))


def _routers(paths: Paths) -> set[str]:
    return {address for path in paths.values() for address in path if address} - paths.keys()


def _links(paths: Paths) -> set[tuple[str, str]]:
    """Each pair of neighbours that both answer."""
    return {
        (near, far)
        for path in paths.values()
        for near, far in itertools.pairwise(path)
        if near is not None and far is not None
    }


def _is(found: str | None, real: str) -> bool:
    return found is not None and found in {real, "", _cut(real)}


@functools.cache
def _cut(address: str) -> str:
    return str(ipaddress.ip_network(f"{address}/24", strict=False).network_address)
