"""Whom to trace to, and why.

A gateway shows only where paths to different places share it, so the list that ships spreads
over continents, operators and the country's own networks; a volunteer may bring another. This
module knows addresses and reasons; it sends nothing, and decides nothing about courtesy.
"""

from __future__ import annotations

import ipaddress
import socket
import tomllib
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from probe.disk.mishap import SHORTAGE
from probe.disk.places import shipped
from probe.redaction.hostname import host_in, is_more, is_number
from probe.run.resolve import literal
from probe.words.failure import Offline
from probe.words.language import _

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from probe.origin import AutonomousSystem, Origin

Kind = Literal["anycast", "foreign", "domestic", "listed"]

# How many networks of the country are traced to, the largest: with what is abroad some 400 targets,
# which is what the month's 60 MB carry four times a day. Of some thousands, the ways abroad would
# be measured once in days.
LARGEST = 150


class TargetError(ValueError):
    """A list that cannot be used; the message is one sentence that names the file and line."""


@dataclass(frozen=True, slots=True)
class Target:
    """One address to trace to.

    ``kind``: ``anycast`` (announced from many places, so it says little about the way abroad),
    ``foreign`` (stands in one place), ``domestic`` (a network registered in the country), or
    ``listed`` (from a volunteer's own list). ``continent`` (AF, AN, AS, EU, NA, OC, SA) and
    ``operator`` are None where it is not known where or whose it is.
    """

    address: str
    name: str
    why: str
    kind: Kind = "listed"
    continent: str | None = None
    operator: str | None = None


def _shipped(name: str, kind: Kind) -> list[Target]:
    entries: list[dict[str, Any]] = tomllib.loads(
        (shipped("targets") / name).read_text(encoding="utf-8")
    )["target"]
    return [
        Target(
            address=address,
            name=entry["name"],
            why=entry["why"],
            kind=kind,
            continent=entry.get("continent"),
            operator=entry["operator"],
        )
        for entry in entries
        for address in entry["addresses"]
    ]


def root_servers() -> list[Target]:
    """The root servers of the DNS, IPv4 and IPv6; all anycast."""
    return _shipped("roots.toml", "anycast")


def foreign_networks() -> list[Target]:
    """Networks on six continents, none of them anycast; the continents take turns."""
    return _shipped("foreign.toml", "foreign")


class Listed(NamedTuple):
    """A list of targets, and how many networks of the country were too small to come into it."""

    targets: list[Target]
    smaller: int


def domestic_networks(origin: Origin, country: str) -> Listed:
    """One IPv4 address, and one IPv6 address, in each of the `LARGEST` networks of the country.

    The first usable address of a network's largest prefix that is not special and lies on no
    peering LAN: routers often answer there, and where nobody does the path is still measured up
    to the network's edge. Largest network first. Raises KeyError for what is no country code.
    """
    continent = origin.continent(country)
    networks, smaller = origin.largest_networks(country, LARGEST)
    targets = [
        Target(
            address=address,
            name=f"{network.organisation} (AS{network.asn})",
            why=f"network of {country.upper()}",
            kind="domestic",
            continent=continent,
            operator=network.organisation,
        )
        for network in networks
        for version in (4, 6)
        if (address := _address_in(network, version, origin)) is not None
    ]
    return Listed(targets, smaller)


def _address_in(network: AutonomousSystem, version: int, origin: Origin) -> str | None:
    for text in network.prefixes:
        prefix = ipaddress.ip_network(text)
        if prefix.version == version and prefix.num_addresses > 1:
            address = str(prefix.network_address + 1)
            # The open table may differ from the register, and lists beat both.
            if origin.lookup(address).asn == network.asn:
                return address
    return None


def target_list(origin: Origin, country: str | None) -> Listed:
    """What ``gatewatch run`` traces to: abroad, at home and the root servers, taking turns.

    They take turns so that any first part of the list is a fair sample, and so that probes to
    one network are spread over time. Foreign networks registered in the country itself are left
    out. Without a country there are no domestic ones. Raises `TargetError` for an unknown
    country code.
    """
    foreign = foreign_networks()
    domestic = Listed([], 0)
    if country is not None:
        try:
            domestic = domestic_networks(origin, country)
        except KeyError:
            raise TargetError(
                _(
                    "{country!r} is not a country code; use two letters of ISO 3166, such as KH"
                ).format(country=country)
            ) from None
        foreign = [
            target for target in foreign if origin.lookup(target.address).country != country.upper()
        ]
    turns = zip_longest(foreign, domestic.targets, root_servers())
    taken = [target for target in chain.from_iterable(turns) if target is not None]
    return Listed(taken, domestic.smaller)


def address_of(host: str) -> str:
    """The address of a host by the system's resolver; its first, of whichever version.

    Raises OSError where there is none.
    """
    return str(socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM)[0][4][0])


def read_targets(path: Path, resolve: Callable[[str], str]) -> list[Target]:
    """A volunteer's own list: an address or host name a line, then a name if one likes.

    What follows a ``#`` is a comment. An address that comes twice is taken once. Raises
    `TargetError`, naming file and line, for what is neither address nor known host, and for a
    list without any target; OSError where the system itself is short of files or memory. An
    `Offline` of ``resolve`` is raised with file and line before it. Looks up host names with
    ``resolve``, and only those.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as problem:
        if problem.errno in SHORTAGE:
            raise
        raise TargetError(
            _("{path} cannot be read: {reason}").format(
                path=path, reason=problem.strerror or problem
            )
        ) from None
    except UnicodeDecodeError:
        raise TargetError(_("{path} is not a text file in UTF-8").format(path=path)) from None
    targets: dict[str, Target] = {}
    for target in _parse(path, lines, resolve):
        targets.setdefault(target.address, target)
    if not targets:
        raise TargetError(
            _("{path} lists no target; write one address or host name a line").format(path=path)
        )
    return list(targets.values())


def _parse(path: Path, lines: Iterable[str], resolve: Callable[[str], str]) -> Iterable[Target]:
    for number, line in enumerate(lines, 1):
        words = line.partition("#")[0].split(maxsplit=1)
        if words:
            yield Target(
                address=_address(words[0], f"{path}:{number}", resolve),
                name=words[-1].strip(),
                why=f"listed in {path.name}",
            )


def _address(host: str, where: str, resolve: Callable[[str], str]) -> str:
    address = literal(host)
    if address is not None:
        return str(address)
    inner = host_in(host) if is_more(host) else None
    if inner is not None:
        raise TargetError(
            _(
                "{where}: {host!r} is more than a host name or an address; write that alone: "
                "{inner}"
            ).format(where=where, host=host, inner=inner)
        )
    # "10.0.0.0/8" and "192.168.1.300" are meant as addresses; no resolver should be asked.
    if is_more(host) or is_number(host):
        raise TargetError(
            _("{where}: {host!r} is not an address; write a single IPv4 or IPv6 one").format(
                where=where, host=host
            )
        )
    try:
        return resolve(host)
    except Offline as problem:
        raise Offline(f"{where}: {problem.message}") from None
    except (OSError, UnicodeError):
        raise TargetError(
            _(
                "{where}: the host {host!r} could not be looked up; check the name, "
                "the connection, or write its address"
            ).format(where=where, host=host)
        ) from None
