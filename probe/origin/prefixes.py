"""Values by prefix: what lists kept by hand and tables of routes say, and what is not to be probed.

This module knows neither files nor what a value means.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable
    from ipaddress import IPv4Network, IPv6Network

    from probe.origin.special import Address

T = TypeVar("T")

_BITS = {4: 32, 6: 128}


class PrefixMap(Generic[T]):
    """Values by prefix; the longest prefix that holds an address answers.

    That takes as long as there are lengths of prefixes, however many have one.

    >>> from ipaddress import ip_address, ip_network
    >>> wide, near = ip_network("192.0.2.0/24"), ip_network("192.0.2.8/29")
    >>> told = PrefixMap([(wide, "wide"), (near, "near")])
    >>> told.get(ip_address("192.0.2.9")), told.get(ip_address("192.0.3.9"))
    ('near', None)
    """

    def __init__(self, entries: Iterable[tuple[IPv4Network | IPv6Network, T]]) -> None:
        self._fill(
            (prefix.version, int(prefix.network_address), prefix.prefixlen, value)
            for prefix, value in entries
        )

    @classmethod
    def of_numbers(cls, entries: Iterable[tuple[int, int, int, T]]) -> PrefixMap[T]:
        """Of (version of IP, an address, length of its prefix, value): a million in seconds.

        >>> from ipaddress import ip_address
        >>> PrefixMap.of_numbers([(4, 0xC0000209, 24, 64500)]).get(ip_address("192.0.2.1"))
        64500
        """
        made = cls(())
        made._fill(entries)
        return made

    def _fill(self, entries: Iterable[tuple[int, int, int, T]]) -> None:
        by_length: dict[int, list[dict[int, T]]] = {
            version: [{} for _ in range(bits + 1)] for version, bits in _BITS.items()
        }
        for version, address, length, value in entries:
            free = _BITS[version] - length
            by_length[version][length][address >> free << free] = value
        # The longest prefix, which has the largest mask, first.
        self._by_mask = {
            version: {
                ((1 << length) - 1) << (_BITS[version] - length): networks
                for length, networks in reversed([*enumerate(lengths)])
                if networks
            }
            for version, lengths in by_length.items()
        }

    def get(self, address: Address) -> T | None:
        """The value of the longest prefix that holds an address, None where none does."""
        value = int(address)
        for mask, networks in self._by_mask[address.version].items():
            found = networks.get(value & mask)
            if found is not None:
                return found
        return None
