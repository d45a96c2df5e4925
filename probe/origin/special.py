"""Blocks that no network announces and every network may use, told apart by class.

They stand before the address table because tables are wrong about them: a leaked route can put
an AS number on 10.0.0.0/8. This module knows nothing of tables.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address

# What a NAT64 writes before the IPv4 address that stands behind it (RFC 6052).
_NAT64 = IPv6Network("64:ff9b::/96")

# The IANA special-purpose registries (RFC 6890, 6598, 5737, 3849, 9637, 2544, 4193), in the order
# in which they are asked: 127/8 and 0/8 are common in no trace and come last. Blocks that hide in
# them: 192.0.0.0/24 numbers the inside of DS-Lite and of a phone's CLAT (RFC 6333, 7335),
# 64:ff9b:1::/48 a network's own NAT64 (RFC 8215), 5f00::/16 segments (RFC 9602), 100::/64 is a
# drain (RFC 6666), 2001:2::/48 is for benchmarks (RFC 5180), fec0::/10 was for sites (RFC 3879).
_CLASSES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("private", ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")),
    ("cgnat", ("100.64.0.0/10",)),
    ("link_local", ("169.254.0.0/16", "fe80::/10")),
    ("ula", ("fc00::/7",)),
    (
        "documentation",
        ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20"),
    ),
    ("multicast", ("224.0.0.0/4", "ff00::/8")),
    ("loopback", ("127.0.0.0/8", "::1/128")),
    (
        "reserved",
        (
            "0.0.0.0/8",
            "192.0.0.0/24",
            "198.18.0.0/15",
            "240.0.0.0/4",
            "::/128",
            "64:ff9b:1::/48",
            "100::/64",
            "2001:2::/48",
            "5f00::/16",
            "fec0::/10",
        ),
    ),
)


def _table(version: type[IPv4Network] | type[IPv6Network]) -> tuple[tuple[int, int, str], ...]:
    wanted = ":" if version is IPv6Network else "."
    return tuple(
        (int(block.network_address), int(block.netmask), name)
        for name, blocks in _CLASSES
        for block in (version(text) for text in blocks if wanted in text)
    )


_V4 = _table(IPv4Network)
_V6 = _table(IPv6Network)


def unwrapped(text: str) -> Address:
    """The address, IPv4 where IPv6 only wraps it: ``::ffff:0:0/96``, or behind a NAT64.

    Raises ValueError where the text is no address.

    >>> unwrapped("64:ff9b::808:808")
    IPv4Address('8.8.8.8')
    """
    address = ip_address(text)
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def special_class(address: Address) -> str | None:
    """The class of a special-use address, None for an ordinary one.

    ``private`` (RFC 1918), ``cgnat`` (RFC 6598), ``link_local``, ``ula`` (RFC 4193),
    ``documentation``, ``multicast``, ``loopback``, or ``reserved`` (0/8, 240/4, and what is set
    aside for benchmarks and protocols).

    >>> special_class(IPv4Address("100.100.1.1")), special_class(IPv4Address("8.8.8.8"))
    ('cgnat', None)
    """
    value = int(address)
    for network, mask, name in _V4 if address.version == 4 else _V6:
        if value & mask == network:
            return name
    return None
