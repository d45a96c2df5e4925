"""Which networks a lab's Internet has, who sells to whom, and how they number their links.

Read from TOML, so that another country is another file. Addresses follow from the data alone:
a network's hosts and inner links lie in its block, and so does the link to each of its
customers, which is why routers of real paths often answer from their provider's addresses.
This module builds nothing.
"""

from __future__ import annotations

import ipaddress
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

CAMBODIA = Path(__file__).with_name("cambodia.toml")

VERSIONS = (4, 6)

Backend = Literal["raw", "ping", "udp"]
Block = ipaddress.IPv4Network | ipaddress.IPv6Network
Interface = ipaddress.IPv4Interface | ipaddress.IPv6Interface

# Links are numbered through: inner ones from 1, those to customers and peers from here.
OUTWARD = 64


def _in(block: Block, number: int) -> Interface:
    return ipaddress.ip_interface(f"{block[number]}/{block.prefixlen}")


@dataclass(frozen=True)
class Network:
    """One AS: one or more routers that speak BGP, the first of which leads to its host.

    ``distance_ms`` is how long packets take to and from it, one way; only foreign networks have
    one. ``site`` is the router of the gateway that it is linked to. ``volunteer`` says that its
    host is a vantage point, and what that may use.
    """

    key: str
    asn: int
    prefixes: tuple[ipaddress.IPv4Network, ipaddress.IPv6Network]
    routers: tuple[str, ...]
    upstreams: tuple[str, ...] = ()
    peers: tuple[str, ...] = ()
    exchanges: tuple[str, ...] = ()
    distance_ms: float = 0.0
    site: str | None = None
    volunteer: Backend | None = None

    @property
    def foreign(self) -> bool:
        return self.distance_ms > 0

    @property
    def core(self) -> str:
        """The router between the first border router and the host; abroad there is none."""
        return self.routers[0] if self.foreign else f"{self.key}-c"

    @property
    def host(self) -> str:
        return f"{self.key}-h"

    def prefix(self, version: int) -> Block:
        return self.prefixes[VERSIONS.index(version)]

    def _subnet(self, version: int, number: int) -> Block:
        """The host's LAN is number 0, links are the others."""
        first = int(self.prefix(version).network_address)
        if version == 6:
            return ipaddress.IPv6Network((first + (number << 64), 64))
        if number == 0:
            return ipaddress.IPv4Network((first, 24))
        return ipaddress.IPv4Network((first + 256 + 4 * number, 30))

    def lan(self, version: int) -> tuple[Interface, Interface]:
        """The router's and the host's address in the host's LAN."""
        subnet = self._subnet(version, 0)
        return _in(subnet, 1), _in(subnet, 10)

    def link(self, number: int, version: int) -> tuple[Interface, Interface]:
        """Both ends of a link numbered by this network, its own end first."""
        subnet = self._subnet(version, number)
        return _in(subnet, 1), _in(subnet, 2)

    def address(self, version: int) -> str:
        """The host's address."""
        return str(self.lan(version)[1].ip)


@dataclass(frozen=True)
class Exchange:
    """A peering LAN with a route server, whose AS number shows on no path."""

    key: str
    asn: int
    lan: tuple[ipaddress.IPv4Network, ipaddress.IPv6Network]

    def port(self, number: int, version: int) -> Interface:
        """The address of a port: 1 is the route server's, members' follow."""
        return _in(self.lan[VERSIONS.index(version)], number)


@dataclass(frozen=True)
class Topology:
    """A whole Internet. ``uplinks`` are what the gateway lights when it is switched on."""

    networks: dict[str, Network]
    exchanges: dict[str, Exchange]
    gateway: Network
    uplinks: tuple[tuple[str, str], ...]

    @property
    def domestic(self) -> list[Network]:
        return [network for network in self.networks.values() if not network.foreign]

    @property
    def foreign(self) -> list[Network]:
        return [network for network in self.networks.values() if network.foreign]

    @property
    def owners(self) -> dict[str, Network]:
        """Which network a router belongs to."""
        return {name: network for network in self.networks.values() for name in network.routers}


def _blocks(said: list[str]) -> tuple[ipaddress.IPv4Network, ipaddress.IPv6Network]:
    return ipaddress.IPv4Network(said[0]), ipaddress.IPv6Network(said[1])


def _network(key: str, said: dict[str, Any]) -> Network:
    known = {entry.name for entry in fields(Network)}
    assert said.keys() <= known, f"network {key}: {sorted(said.keys() - known)} means nothing"
    lists = {name: tuple(value) for name, value in said.items() if isinstance(value, list)}
    about = {"routers": (key,), **said, **lists, "prefixes": _blocks(said["prefixes"])}
    return Network(key=key, **about)


def read_topology(path: Path = CAMBODIA) -> Topology:
    """Read a topology file; what it may say is explained at the head of ``cambodia.toml``."""
    with path.open("rb") as file:
        said = tomllib.load(file)
    networks = {key: _network(key, about) for key, about in said["networks"].items()}
    return Topology(
        networks=networks,
        exchanges={
            key: Exchange(key, about["asn"], _blocks(about["lan"]))
            for key, about in said["exchanges"].items()
        },
        gateway=networks[said["gateway"]["network"]],
        uplinks=tuple((router, upstream) for router, upstream in said["gateway"]["uplinks"]),
    )
