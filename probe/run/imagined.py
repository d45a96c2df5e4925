"""Ways that nobody has seen: what is taken for typical where nothing was traced from here.

Their routers have addresses of their own kind, of which `Imagined` says whether they stand at home
or abroad. Knows nothing of ways that were found.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from functools import partial
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING

from probe.network.ways import DARK, End, Interface, Way, chance
from probe.record import Attribution, ip_version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from probe.origin.attribute import Attributor, Identified

# What is taken for typical where nothing was traced from here, by whether the way leaves the
# country: routers on the way, and whether the target answers. Of the public servers and networks
# abroad nearly all do, of addresses in a country's own networks about three in five.
_TYPICAL = {
    False: ((7, True), (9, False), (6, True), (8, True), (7, False)),
    True: ((11, True), (13, True), (12, True), (14, True), (12, True), (13, False), (10, True)),
}

# Milliseconds from hop to hop.
MS_A_HOP = 12.0

# Of a typical way abroad so many routers stand at home. Around the border that is behind them, each
# may be one of two.
_AT_HOME = 4
_AROUND = 1

# The country of the run where nobody knows it yet, and the one that is abroad in any case: codes
# that stand for no country (ISO 3166, user-assigned).
HOME, ABROAD = "XA", "XZ"

# Addresses of made-up routers at home and abroad. No router that answers has one of these.
_MADE_UP = {
    4: (int(IPv4Address("240.0.0.0")), int(IPv4Address("248.0.0.0"))),
    6: (int(IPv6Address("100::")), int(IPv6Address("100::8000:0:0:0"))),
}
_A_WAY = 32


class Imagined:
    """An address table in which the routers of typical ways stand at home or abroad."""

    def __init__(self, origin: Attributor, home: str) -> None:
        self._origin = origin
        self._home = home

    @property
    def snapshot(self) -> Identified:
        """That of the table behind it."""
        return self._origin.snapshot

    def lookup(self, address: str) -> Attribution:
        """Whose an address is."""
        if address.startswith(("24", "25", "100:")):
            parsed = ip_address(address)
            home, abroad = _MADE_UP[parsed.version]
            if home <= int(parsed) < 2 * abroad - home:
                return Attribution(country=self._home if int(parsed) < abroad else ABROAD)
        return self._origin.lookup(address)

    def organisation(self, asn: int) -> str:
        """That of the table behind it."""
        return self._origin.organisation(asn)

    def country(self, asn: int) -> str | None:
        """That of the table behind it."""
        return self._origin.country(asn)


def unforked(way: Way, _flow: int) -> Way:
    """A way without parallel ones: every flow takes it."""
    return way


class Typical:
    """Typical ways, one after the other, by whether they leave the country."""

    def __init__(self) -> None:
        self._next: dict[bool, Iterator[tuple[int, bool]]] = {
            leaves: itertools.cycle(ways) for leaves, ways in _TYPICAL.items()
        }

    def way(self, target: str, *, leaves: bool, of_set: int) -> Callable[[int], Way]:
        """The ways that flows take to the next target.

        The first router is that of all ways; those behind it are of the numbered set ``of_set``,
        and ways of one set share them. In set 0 none has another beside it; in others a way abroad
        has parallel ones around its border.
        """
        routers, answers = next(self._next[leaves])
        return _typical(target, routers, answers, leaves=leaves, of_set=of_set)


def _typical(
    target: str, routers: int, answers: bool, *, leaves: bool, of_set: int
) -> Callable[[int], Way]:
    line = [
        Interface(
            _stands_at(
                target, number, of_set if number > 1 else 0, abroad=leaves and number > _AT_HOME
            ),
            (MS_A_HOP * number,),
        )
        for number in range(1, routers + 1)
    ]
    end = End(Interface(target, (MS_A_HOP * (routers + 1),))) if answers else DARK
    if not (of_set and leaves):
        return partial(unforked, Way(tuple(line), end))

    def of_flow(flow: int) -> Way:
        hops = list(line)
        for number in range(_AT_HOME - _AROUND, _AT_HOME + _AROUND + 2):
            if chance(target, number, flow) < 0.5:
                other = _stands_at(target, number + _A_WAY // 2, of_set, abroad=number > _AT_HOME)
                hops[number - 1] = replace(line[number - 1], address=other)
        return Way(tuple(hops), end)

    return of_flow


def _stands_at(target: str, number: int, of_set: int, *, abroad: bool) -> str:
    version = ip_version(target)
    address = _MADE_UP[version][abroad] + of_set * _A_WAY + number
    return str(IPv6Address(address) if version == 6 else IPv4Address(address))
