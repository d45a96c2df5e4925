"""Where a path leaves its country by registration: a hint for the eye, not a judgement.

The command line marks the place as hops come in. The registration country of a network is not
where its router stands, so the words say "by registration", and the analysis, which knows of
shared links, exchanges and RTTs, decides for itself. This module knows only attributed hops.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from probe.record import Hop


@dataclass(frozen=True, slots=True)
class Border:
    """Two hops, next to each other but for unlocated ones, registered in different countries.

    ``before`` is the last in the one country, ``after`` the first in the other; ``outward`` says
    that the path leaves the home country here, else it comes back to it.
    """

    before: Hop
    after: Hop
    outward: bool


def home_of(hops: Iterable[Hop]) -> str | None:
    """The registration country of the first hop that has one."""
    return next((country for hop in hops if (country := _country(hop))), None)


def borders(hops: Iterable[Hop], home: str) -> list[Border]:
    """Each change between ``home`` (ISO 3166 alpha-2) and abroad along a path, in order.

    Changes between two foreign countries are none, nor is a path whose first located hop is
    abroad: where it left cannot be seen.
    """
    found = []
    last: Hop | None = None
    for hop in hops:
        country = _country(hop)
        if country is None:
            continue
        if last is not None and (_country(last) == home) != (country == home):
            found.append(Border(last, hop, outward=_country(last) == home))
        last = hop
    return found


def leaves(hops: Iterable[Hop], home: str) -> Border | None:
    """Where the path first leaves ``home``; None where that cannot be seen."""
    return next((border for border in borders(hops, home) if border.outward), None)


def _country(hop: Hop) -> str | None:
    return hop.attribution.country if hop.attribution else None
