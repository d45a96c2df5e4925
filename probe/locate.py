"""Where this machine is: its own addresses, and the access network they sit in.

Redaction has to know both for sure, and nobody outside is asked: the interfaces are read, the
user may say it, and else the first hops of the first traces tell. Where that leaves a doubt the
answer is None, and the run refuses to write. This module sends nothing and writes nothing.
"""

from __future__ import annotations

import ipaddress
import socket
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import ifaddr

from probe.attribute import majority
from probe.redact import IPNetwork, Premises

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from probe.attribute import Attributor
    from probe.record import Attribution, Trace

# How many traces, spread over the targets, have to agree on the access network.
WITNESSES = 3

_HARDWARE_DIGITS = 12


@dataclass(frozen=True)
class Access:
    """The access network, and what it was known by.

    ``country`` is that of the network's registration, None where the table does not say.
    """

    asn: int
    organisation: str
    country: str | None
    known_by: Literal["interface", "said", "first_hops"]


def premises() -> Premises:
    """This machine's addresses and subnets as its interfaces have them now, and its names.

    Loopback is left out. Nothing is looked up in the DNS. Hardware addresses are read where the
    kernel lists them in files; elsewhere those that IPv6 addresses are made of are known by them.
    """
    addresses: set[str] = set()
    networks: set[IPNetwork] = set()
    for adapter in ifaddr.get_adapters():
        for entry in adapter.ips:
            text = entry.ip if isinstance(entry.ip, str) else entry.ip[0]
            address = ipaddress.ip_address(text.partition("%")[0])
            if not address.is_loopback:
                addresses.add(str(address))
                networks.add(
                    ipaddress.ip_network(f"{address}/{entry.network_prefix}", strict=False)
                )
    name = socket.gethostname()
    names = {name, name.partition(".")[0]} - {"", "localhost"}
    return Premises(
        frozenset(addresses),
        tuple(sorted(networks, key=lambda network: (network.version, str(network)))),
        frozenset(names),
        frozenset(_hardware()),
    )


def _hardware() -> Iterator[str]:
    for path in Path("/sys/class/net").glob("*/address"):
        with suppress(OSError):
            digits = path.read_text(encoding="ascii").strip().replace(":", "").lower()
            if len(digits) == _HARDWARE_DIGITS and digits.strip("0"):
                yield digits


def access_said(asn: int, origin: Attributor) -> Access:
    """The access network as the user named it."""
    return Access(asn, origin.organisation(asn), origin.country(asn), "said")


def access_of_interfaces(premises: Premises, version: int, origin: Attributor) -> Access | None:
    """The access network, where this machine has a public address of it (IP ``version``).

    None where it has none, or has addresses of several organisations.
    """
    said = [
        origin.lookup(address)
        for address in premises.addresses
        if ipaddress.ip_address(address).version == version
    ]
    return _agreed((one for one in said if one.special is None), origin, "interface")


def access_of_traces(
    traces: Iterable[Trace], country: str | None, origin: Attributor
) -> Access | None:
    """The access network, told by the first public hops of a few attributed traces.

    They have to agree on one organisation, and on ``country`` where the user said one: behind
    an access network that stays silent the first hop that shows is somebody else's, often abroad.
    None where they do not agree or show none.
    """
    said = [first for trace in traces if (first := _first_mapped(trace)) is not None]
    found = _agreed(said, origin, "first_hops")
    if found is None or (country and found.country and country != found.country):
        return None
    return found


def _first_mapped(trace: Trace) -> Attribution | None:
    """The first hop on the way that the table knows; None past an exchange or at the target."""
    for hop in trace.hops:
        said = hop.attribution
        if said is None:
            continue
        at_target = hop is trace.hops[-1] and trace.reached
        if at_target or said.exchange is not None or majority(hop.replies) == trace.dst_addr:
            return None
        if said.asn is not None and said.special is None:
            return said
    return None


def _agreed(
    said: Iterable[Attribution],
    origin: Attributor,
    known_by: Literal["interface", "first_hops"],
) -> Access | None:
    mapped = [one for one in said if one.asn is not None]
    asns = Counter(one.asn for one in mapped if one.asn is not None)
    organisations = {origin.organisation(asn) for asn in asns}
    if len(organisations) != 1:
        return None
    asn = min(asns, key=lambda number: (-asns[number], number))
    said_country = next((one.country for one in mapped if one.asn == asn and one.country), None)
    return Access(asn, organisations.pop(), said_country or origin.country(asn), known_by)
