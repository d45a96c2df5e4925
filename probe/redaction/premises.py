"""This end of the line: what is the volunteer's own, and what would give it away.

An own address is told by more than itself: by its spellings, by an IPv6 address of the same /48 or
with the same interface identifier, by one that holds it. All of that is worked out here, once, for
whoever has to hide it or keep away from it. This module is pure: it reads no interface, which is
`probe.vantage.locate`'s part, and knows no record and no rule of redaction.
"""

from __future__ import annotations

import functools
import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from probe.redaction.spellings import (
    anywhere,
    embedded,
    held_inside,
    identifier_of_hardware,
    interface_identifier,
    named,
    parsed_address,
    spellings,
    spellings_of_hardware,
    spellings_of_site,
    told_by,
)

if TYPE_CHECKING:
    import re

    from probe.origin.attribute import Attributor
    from probe.record import Attribution

IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True)
class Premises:
    """The volunteer's own end of the line: what must never be written.

    ``addresses`` are those of this machine in canonical text, without zone; ``networks`` the
    subnets it sits in; ``host_names`` what it calls itself; ``hardware`` the addresses of its
    interfaces, twelve hexadecimal digits in lower case each; ``users`` what it calls whoever
    measures.
    """

    addresses: frozenset[str]
    networks: tuple[IPNetwork, ...] = ()
    host_names: frozenset[str] = frozenset()
    hardware: frozenset[str] = frozenset()
    users: frozenset[str] = frozenset()

    def holds(self, address: str) -> bool:
        """Whether an address is one's own or lies in one's own subnets."""
        parsed = parsed_address(address)
        return str(parsed) in self.addresses or any(
            parsed in network for network in self.networks if network.version == parsed.version
        )

    def given_away_by(self, address: str) -> bool:
        """Whether an address would tell one's own.

        One that `holds` does; in IPv6 also one of the same /48, which a provider may have given
        to this line alone, one with the same interface identifier, and one that holds such an
        IPv4 address. The IPv4 address that an own 6to4, Teredo or ISATAP address tells is own too.
        """
        return _gives_away(self, address)

    @property
    def marks(self) -> Marks:
        """What gives this end of the line away."""
        return _marks(self)

    def joined(self, other: Premises) -> Premises:
        """Both ends of the line, as one that moves from one to the other has them."""
        return Premises(
            self.addresses | other.addresses,
            tuple(dict.fromkeys((*self.networks, *other.networks))),
            self.host_names | other.host_names,
            self.hardware | other.hardware,
            self.users | other.users,
        )


@dataclass(frozen=True)
class Marks:
    """What gives this end of the line away, worked out once.

    ``addresses`` are its own and the public IPv4 ones that those tell, ``sites`` the upper 48 bits
    of its IPv6 addresses, ``identifiers`` the lower 64.
    """

    addresses: frozenset[str]
    sites: frozenset[int]
    identifiers: frozenset[int]
    spelled: re.Pattern[str]
    names: re.Pattern[str]


@functools.lru_cache(maxsize=16)
def _marks(premises: Premises) -> Marks:
    own = [parsed_address(address) for address in premises.addresses]
    own += filter(None, map(told_by, own))
    own_6 = [address for address in own if isinstance(address, ipaddress.IPv6Address)]
    sited = [address for address in own_6 if not address.is_link_local]
    spelled = {text for address in own for text in spellings(address)}
    spelled |= {text for mac in premises.hardware for text in spellings_of_hardware(mac)}
    spelled |= {text for address in sited for text in spellings_of_site(address)}
    identifiers = {interface_identifier(address) for address in own_6}
    return Marks(
        frozenset(map(str, own)),
        frozenset(int(address) >> 80 for address in sited),
        frozenset(filter(None, identifiers)) | {*map(identifier_of_hardware, premises.hardware)},
        anywhere(spelled),
        named(premises.host_names | premises.users),
    )


@functools.lru_cache(maxsize=1 << 14)
def _gives_away(premises: Premises, address: str) -> bool:
    parsed = parsed_address(address)
    marks = premises.marks
    if premises.holds(address) or str(parsed) in marks.addresses:
        return True
    if not isinstance(parsed, ipaddress.IPv6Address):
        return False
    inner = embedded(parsed)
    return (
        int(parsed) >> 80 in marks.sites
        or interface_identifier(parsed) in marks.identifiers
        or (inner is not None and premises.holds(str(inner[0])))
        or any(str(held) in marks.addresses for held in held_inside(parsed))
    )


def whose_are_own(premises: Premises, version: int, origin: Attributor) -> list[Attribution]:
    """Whose the public addresses of this machine are, of one IP version."""
    said = [
        origin.lookup(address)
        for address in premises.addresses
        if parsed_address(address).version == version
    ]
    return [one for one in said if one.special is None]
