"""From what a user typed to the address that is probed, or one sentence why not."""

from __future__ import annotations

import ipaddress
import socket
from typing import TYPE_CHECKING

from probe.background import Background
from probe.redaction.hostname import host_in, is_more, is_number
from probe.words.failure import BadInput, Failure, Offline
from probe.words.language import _

if TYPE_CHECKING:
    from probe.redaction.premises import Premises

# Addresses at which no single host can answer, as `unfit` names them.
NO_HOST = frozenset({"multicast", "unspecified", "broadcast"})

# The resolver was reached and says that there is no such name, or no address of that family.
_NO_SUCH_NAME = frozenset(
    number
    for number in (
        getattr(socket, name, None) for name in ("EAI_NONAME", "EAI_NODATA", "EAI_ADDRFAMILY")
    )
    if number is not None
)


def literal(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that a text is, with an IPv4 address mapped into IPv6 as what it is; or None.

    One with a zone, as ``fe80::1%eth0``, means nothing outside this machine and is none.

    >>> literal("::ffff:192.0.2.1"), literal("example.org")
    (IPv4Address('192.0.2.1'), None)
    """
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv4Address):
        return address
    return None if address.scope_id else address.ipv4_mapped or address


def resolve(host: str, version: int | None) -> str:
    """The address of a host, of IP ``version`` (4 or 6) where one is given.

    Raises `BadInput` for a name that does not exist and for what is no name, as a URL, `Offline`
    where no resolver answers, `Failure` (a wrong use) where an address of the other version was
    given. Ctrl-C ends it at once, however long the resolver takes.
    """
    if not host.strip():
        raise BadInput(_("the name of the host is empty; give a name or an address"))
    address = literal(host)
    if address is not None:
        if version is not None and address.version != version:
            raise Failure(
                _("{host} is an IPv{version} address, and you asked for -{wanted}").format(
                    host=host, version=address.version, wanted=version
                )
            )
        return str(address)
    if is_more(host) or is_number(host):  # a resolver reads 193.0.6 as 193.0.0.6
        raise _more_than_a_host(host)
    family = {None: socket.AF_UNSPEC, 4: socket.AF_INET, 6: socket.AF_INET6}[version]
    try:
        found = Background(
            lambda: socket.getaddrinfo(host, None, family, socket.SOCK_DGRAM)
        ).result()
    except socket.gaierror as problem:
        if is_no_name(problem):
            raise BadInput(
                _("there is no host {host} with an IPv{version} address; check the name").format(
                    host=host, version=version
                )
                if version
                else _("there is no host {host}; check the name").format(host=host)
            ) from problem
        raise no_resolver(host, problem) from problem
    except UnicodeError as problem:
        raise BadInput(_("{host!r} is not a host name").format(host=host)) from problem
    return str(found[0][4][0])


def is_no_name(problem: socket.gaierror) -> bool:
    """Whether a resolver was reached, and knows no such name.

    >>> is_no_name(socket.gaierror(socket.EAI_NONAME, "Name or service not known"))
    True
    >>> is_no_name(socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"))
    False
    """
    return problem.errno in _NO_SUCH_NAME


def no_resolver(host: str, problem: socket.gaierror) -> Offline:
    """The failure where a name cannot be looked up, whether or not there is such a host."""
    return Offline(
        _(
            "the name {host} could not be looked up ({reason}); check the "
            "connection, or give an address"
        ).format(host=host, reason=problem.strerror)
    )


def _more_than_a_host(text: str) -> BadInput:
    host = host_in(text)
    if host is None:
        return BadInput(
            _(
                "{text} is neither a host name nor the address of one host; give one of them "
                "alone, such as www.example.org"
            ).format(text=text)
        )
    return BadInput(
        _("{text} is more than a host name or an address; give that alone: {host}").format(
            text=text, host=host
        )
    )


def unfit(address: str, premises: Premises) -> str | None:
    """Why no single host can answer at an address, or None: multicast, unspecified, broadcast."""
    parsed = ipaddress.ip_address(address)
    if parsed.is_multicast:
        return "multicast"
    if parsed.is_unspecified:
        return "unspecified"
    broadcast = {ipaddress.IPv4Address("255.255.255.255")} | {
        network.broadcast_address
        for network in premises.networks
        if isinstance(network, ipaddress.IPv4Network) and network.prefixlen < 31
    }
    return "broadcast" if parsed in broadcast else None
