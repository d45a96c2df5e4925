"""A small address table for tests: prefixes written down, special-use blocks as they are."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field

from probe.record import Attribution

_SPECIAL = {
    "10.0.0.0/8": "private",
    "172.16.0.0/12": "private",
    "192.168.0.0/16": "private",
    "100.64.0.0/10": "cgnat",
    "169.254.0.0/16": "link_local",
    "127.0.0.0/8": "loopback",
    "192.0.2.0/24": "documentation",
    "224.0.0.0/4": "multicast",
    "240.0.0.0/4": "reserved",
    "fc00::/7": "ula",
    "fe80::/10": "link_local",
    "::1/128": "loopback",
    "2001:db8::/32": "documentation",
    "ff00::/8": "multicast",
}

# Two sibling networks of one provider, a gateway, an exchange, and abroad.
PROVIDER, SIBLING, GATEWAY, ABROAD = 38623, 38624, 17726, 6453
_NAMES = {PROVIDER: "Viettel", SIBLING: "Viettel", GATEWAY: "Telecom Cambodia", ABROAD: "TATA"}


def _of(asn: int, country: str) -> Attribution:
    return Attribution(asn=asn, name=f"NET-{asn}", organisation=_NAMES[asn], country=country)


_PREFIXES = {
    "36.37.0.0/16": _of(PROVIDER, "KH"),
    "36.38.0.0/16": _of(SIBLING, "KH"),
    "2405:8380::/32": _of(PROVIDER, "KH"),
    "203.144.64.0/19": _of(GATEWAY, "KH"),
    "2001:dc0::/32": _of(GATEWAY, "KH"),
    "103.7.144.0/26": Attribution(exchange="CNX", country="KH"),
    "2001:7f8:4::/64": Attribution(exchange="LINX", country="GB"),
    "80.231.0.0/16": _of(ABROAD, "US"),
    "2001:5a0::/32": _of(ABROAD, "US"),
}


# Special-use blocks come first: they beat what a table says.
_TABLE = [
    *((ipaddress.ip_network(block), Attribution(special=said)) for block, said in _SPECIAL.items()),
    *((ipaddress.ip_network(block), said) for block, said in _PREFIXES.items()),
]


@dataclass(frozen=True)
class TableId:
    id: str = "table@2026-06-17+0123456789ab"


@dataclass
class Table:
    """Answers as `probe.origin.Origin` does, from a dozen prefixes."""

    snapshot: TableId = field(default_factory=TableId)

    def lookup(self, address: str) -> Attribution:
        parsed = ipaddress.ip_address(address.partition("%")[0])
        found = (said for block, said in _TABLE if parsed in block)
        return next(found, Attribution())

    def organisation(self, asn: int) -> str:
        return _NAMES.get(asn, f"AS{asn}")

    def country(self, asn: int) -> str | None:
        return next((said.country for said in _PREFIXES.values() if said.asn == asn), None)
