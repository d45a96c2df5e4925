"""Where this machine is: its own addresses, and the access network they sit in.

Redaction has to know both for sure, and nobody outside is asked: the interfaces are read, the
user may say it, and else the first hops of the first traces tell. Where that leaves a doubt the
answer is None, and the run refuses to write. This module sends nothing and writes nothing.
"""

from __future__ import annotations

import errno
import getpass
import ipaddress
import os
import socket
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

import ifaddr

from probe.origin.attribute import majority
from probe.redaction.premises import IPNetwork, Premises, whose_are_own
from probe.vantage.adapter import adapters
from probe.words.failure import PermissionDenied
from probe.words.language import _

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from probe.origin.attribute import Attributor
    from probe.record import Attribution, Trace

# How many traces, spread over the targets, have to agree on the access network; and how often
# those are made again that may be at odds because an answer was lost.
WITNESSES = 3
AGAIN = 4

# Users of systems, and of the system's timer, who are nobody; the first stands in names of servers.
_ANYBODY = frozenset({"root", "nobody", "gatewatch"})


# By what a system says that this program, or any, may not ask for them: Linux tells them over a
# netlink socket, which a service's unit, a container or a telephone may refuse.
_NOT_TOLD = frozenset({errno.EACCES, errno.EPERM, errno.EAFNOSUPPORT})


@dataclass(frozen=True)
class Access:
    """The access network, and what it was known by.

    ``country`` is that of the network's registration, None where the table does not say.
    """

    asn: int
    organisation: str
    country: str | None
    known_by: Literal["interface", "said", "first_hops"]


def own_addresses() -> Iterator[tuple[str, ipaddress.IPv4Interface | ipaddress.IPv6Interface]]:
    """Each address that this machine has, with its subnet, by the name of its interface.

    Raises `PermissionDenied` where the system tells this program none, as in a sandbox.
    """
    try:
        told = ifaddr.get_adapters()
    except OSError as problem:
        if problem.errno not in _NOT_TOLD:
            raise
        raise PermissionDenied(
            _(
                "the addresses of this machine, which must not be kept, cannot be read ({reason}); "
                "let this program open netlink sockets (in a unit of systemd: "
                "RestrictAddressFamilies=AF_NETLINK)"
            ).format(reason=problem.strerror)
        ) from problem
    for adapter in told:
        for entry in adapter.ips:
            text = entry.ip if isinstance(entry.ip, str) else entry.ip[0]
            address = text.partition("%")[0]
            yield adapter.name, ipaddress.ip_interface(f"{address}/{entry.network_prefix}")


def read_premises() -> Premises:
    """This machine's addresses and subnets as its interfaces have them now, and its names.

    Loopback is left out. Nothing is looked up in the DNS. Hardware addresses are those that the
    kernel tells; elsewhere those that IPv6 addresses are made of are known by them. Users are who
    runs this, and who called sudo.
    """
    addresses: set[str] = set()
    networks: set[IPNetwork] = set()
    for _device, own in own_addresses():
        if not own.ip.is_loopback:
            addresses.add(str(own.ip))
            networks.add(own.network)
    name = socket.gethostname()
    names = {name, name.partition(".")[0]} - {"", "localhost"}
    return Premises(
        frozenset(addresses),
        tuple(sorted(networks, key=lambda network: (network.version, str(network)))),
        frozenset(names),
        frozenset(one.hardware for one in adapters() if one.hardware is not None),
        _users() - _ANYBODY,
    )


def _users() -> frozenset[str]:
    users = {os.environ.get("SUDO_USER", "")} - {""}
    # Who has a number and no name, as in a container, has none to hide.
    with suppress(KeyError, OSError):
        users.add(getpass.getuser())
    return frozenset(users)


def access_said(asn: int, origin: Attributor) -> Access:
    """The access network as the user named it."""
    return Access(asn, origin.organisation(asn), origin.country(asn), "said")


def access_of_interfaces(
    premises: Premises, version: int, origin: Attributor, leaving: str | None
) -> Access | None:
    """The access network, where packets leave from a public address of it (IP ``version``).

    ``leaving`` is the address that they leave from, None where it is not known. None where that
    is not public, as beside a VPN into one network only, or where this machine has addresses of
    several organisations.
    """
    if leaving is None or origin.lookup(leaving).special is not None:
        return None
    return _agreed(whose_are_own(premises, version, origin), origin, "interface")


def access_of_traces(
    traces: Iterable[Trace], country: str | None, origin: Attributor
) -> Access | None:
    """The access network, told by the first public hops of a few attributed traces.

    They have to agree on one organisation, and on ``country`` where the user said one: behind
    an access network that stays silent the first hop that shows is somebody else's, often abroad.
    Several traces to one target are tries of one path. None where they do not agree or show none.
    """
    said = [first.said for tries in _by_target(traces) for first in _told(tries, origin)]
    found = _agreed(said, origin, "first_hops")
    if found is None or (country and found.country and country != found.country):
        return None
    return found


def in_doubt(traces: Iterable[Trace], origin: Attributor) -> list[str]:
    """The targets to trace to again: loss alone may have set their traces at odds with others.

    Such a trace first shows another network than the others do, and has heard nothing from the hop
    at which the others first show theirs.
    """
    by_target = _by_target(traces)
    told = [_told(tries, origin) for tries in by_target]
    nearest = min((first.number for firsts in told for first in firsts), default=0)
    near = {
        _organisation(first.said, origin)
        for firsts in told
        for first in firsts
        if first.number == nearest
    }
    return [
        tries[-1].dst_addr
        for tries, firsts in zip(by_target, told, strict=True)
        if any(_organisation(first.said, origin) not in near for first in firsts)
        and any(_is_silent(trace, nearest) for trace in tries)
    ]


def _is_silent(trace: Trace, number: int) -> bool:
    return not any(hop.number == number and majority(hop.replies) for hop in trace.hops)


class First(NamedTuple):
    """The first hop on the way that the table knows, and whose it is."""

    number: int
    said: Attribution


def _by_target(traces: Iterable[Trace]) -> list[list[Trace]]:
    tries: dict[str, list[Trace]] = {}
    for trace in traces:
        tries.setdefault(trace.dst_addr, []).append(trace)
    return list(tries.values())


def _told(tries: list[Trace], origin: Attributor) -> list[First]:
    """The first hop that the table knows on a path; several where its tries are at odds.

    A try that lost the nearest of them does not count where one that shows it goes on as that
    does: then both took one path.
    """
    firsts = [first for trace in tries if (first := first_mapped(trace)) is not None]
    nearest = min((first.number for first in firsts), default=0)
    full = [
        {hop.number: hop.attribution for hop in trace.hops if hop.attribution is not None}
        for trace in tries
        if (first := first_mapped(trace)) is not None and first.number == nearest
    ]
    return [
        first
        for first in firsts
        if first.number == nearest
        or not any(
            _organisation(hops.get(first.number), origin) == _organisation(first.said, origin)
            for hops in full
        )
    ]


def _organisation(said: Attribution | None, origin: Attributor) -> str | None:
    return None if said is None or said.asn is None else origin.organisation(said.asn)


def first_mapped(trace: Trace) -> First | None:
    """The first hop on the way that the table knows; None past an exchange or at the target."""
    for hop in trace.hops:
        said = hop.attribution
        if said is None:
            continue
        at_target = hop is trace.hops[-1] and trace.reached
        if at_target or said.exchange is not None or majority(hop.replies) == trace.dst_addr:
            return None
        if said.asn is not None and said.special is None:
            return First(hop.number, said)
    return None


def beyond(trace: Trace) -> tuple[int, str] | None:
    """Where a recorded path first shows another network than its access network: hop and address.

    None past an exchange or at the target.
    """
    assert trace.vantage is not None
    for hop in trace.hops:
        said, address = hop.attribution, majority(hop.replies)
        if said is None or address is None:
            continue
        if said.exchange is not None or address == trace.dst_addr:
            return None
        own = said.organisation == trace.vantage.organisation
        if said.asn is not None and said.special is None and not own:
            return hop.number, address
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
