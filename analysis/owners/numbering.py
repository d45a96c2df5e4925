"""Blocks of addresses: which one stands for an address, and who numbers a network by it.

Some are one owner's, announced or not; others are used by whoever likes, and some of these by
nearly everybody. So it is with AS numbers. What is seen of blocks on paths is not known here.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from probe.origin import special_class, unwrapped

# Blocks that factory settings, textbooks and standards put everywhere: that two organisations use
# one of them says nothing, unless the paths behind it also run together. 192.0.0.0/24 is at the far
# end of every DS-Lite tunnel (RFC 6333), 64:ff9b::/48 and 64:ff9b:1::/48 any network's NAT64 that
# writes IPv4 otherwise than within 64:ff9b::/96 (RFC 6052, 8215), also that of private hops;
# fd00::/48 is what becomes of a random prefix that nobody drew (RFC 4193); the others are
# link-local, for benchmarks and for documents.
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


# AS numbers that are nobody's by IANA's registry: 0 (RFC 7607), AS_TRANS (RFC 6793),
# those for documents (RFC 5398), for private use (RFC 6996), and the last of 16 and 32 bits
# (RFC 7300). They are announced all the same: where somebody forgot to take them off a path, or to
# put his own in.
_NOBODYS = (
    range(1),
    range(23456, 23457),
    range(64496, 65552),
    range(4_200_000_000, 1 << 32),
)


def is_nobodys(asn: int | None) -> bool:
    """Whether an AS number is one that any network may show, so that it tells of none.

    >>> is_nobodys(64512), is_nobodys(4_200_000_001), is_nobodys(17726), is_nobodys(None)
    (True, True, False, False)
    """
    return asn is not None and any(asn in numbers for numbers in _NOBODYS)


def block_of(address: str) -> str:
    """The block that stands for an unmapped address: /24, or /48 for IPv6.

    Of IPv4 within IPv6, as a router of 6PE or a NAT64 shows it, it is that of the IPv4 address.

    >>> block_of("10.20.7.9"), block_of("fd00:1:2:3::4"), block_of("::ffff:10.20.7.9")
    ('10.20.7.0/24', 'fd00:1:2::/48', '10.20.7.0/24')
    """
    plain = unwrapped(address)
    length = 48 if plain.version == 6 else 24
    return str(ipaddress.ip_network((plain, length), strict=False))


def in_order(blocks: Iterable[str]) -> tuple[str, ...]:
    """Blocks by their numbers, IPv4 before IPv6.

    >>> in_order(["fd00:1::/48", "10.20.7.0/24", "10.3.0.0/24"])
    ('10.3.0.0/24', '10.20.7.0/24', 'fd00:1::/48')
    """
    numbers = {block: ipaddress.ip_network(block) for block in blocks}
    return tuple(sorted(numbers, key=lambda block: ipaddress.get_mixed_type_key(numbers[block])))


def is_cut(address: str) -> bool:
    """Whether an address may be what the probe left of others (see `probe.redaction.redact.cut`).

    >>> is_cut("10.20.7.0"), is_cut("fd00:1:2::"), is_cut("10.20.7.10")
    (True, True, False)
    """
    return address.endswith((".0", "::"))


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
