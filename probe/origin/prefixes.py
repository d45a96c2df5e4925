"""Values by prefix: what the lists kept by hand say of addresses, and what is not to be probed.

This module knows neither files nor what a value means.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable
    from ipaddress import IPv4Network, IPv6Network

    from probe.origin.special import Address

T = TypeVar("T")


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
        self._by_mask: dict[int, dict[int, dict[int, T]]] = {4: {}, 6: {}}
        for prefix, value in entries:
            masks = self._by_mask[prefix.version]
            masks.setdefault(int(prefix.netmask), {})[int(prefix.network_address)] = value
        # The longest prefix has the largest mask.
        self._by_mask = {
            version: dict(sorted(masks.items(), reverse=True))
            for version, masks in self._by_mask.items()
        }

    def get(self, address: Address) -> T | None:
        """The value of the longest prefix that holds an address, None where none does."""
        value = int(address)
        for mask, networks in self._by_mask[address.version].items():
            found = networks.get(value & mask)
            if found is not None:
                return found
        return None
