"""An imagined Internet of networks, so that a whole country can be probed without a packet.

Who buys from whom and who meets where is given; from that follow the routes (by the rules real
operators follow) and from the routes the routers that a probe meets, with the habits that make
real traceroutes hard to read: link addresses that belong to the neighbour, exchange LANs,
silent routers, private numbers, carrier-grade NAT. It makes the `Way`s that the simulated
network plays, and knows nothing of probes, days or verdicts.
"""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING

from probe.network.ways import DARK, SILENT, End, Interface, Way, chance

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True, slots=True)
class Site:
    """A place where a network has routers: what numbers them, and how far away it is.

    `rtt` is milliseconds there and back, counted from the middle of the country.
    """

    block: IPv4Network
    rtt: float


@dataclass(frozen=True, slots=True)
class System:
    """A network: its sites (the first holds its core routers) and its relations, by name.

    `ports` says at which site a neighbour is connected, the first where it does not say.
    `numbers_link_to` are upstreams whose link is numbered from this network's block, against
    custom. `peers` may be named on either side.
    """

    name: str
    asn: int
    sites: Mapping[str, Site]
    upstreams: tuple[str, ...] = ()
    peers: tuple[str, ...] = ()
    exchanges: tuple[str, ...] = ()
    ports: Mapping[str, str] = field(default_factory=dict)
    numbers_link_to: tuple[str, ...] = ()
    cores: int = 2

    @property
    def main(self) -> str:
        """The site at which a neighbour is connected where nothing else is said."""
        return next(iter(self.sites))


@dataclass(frozen=True, slots=True)
class Line:
    """Where somebody sits: a line into a network, `rtt` milliseconds from its first router.

    `home` is the address of the router at home. Behind `nat`, a carrier's own translator, comes
    another private hop.
    """

    system: str
    name: str
    home: str
    address: str
    rtt: float
    nat: bool = False


@dataclass(frozen=True, slots=True)
class Host:
    """A target: a host in a network, `dark` where a firewall hides it."""

    system: str
    address: str
    dark: bool = False


class Numbering:
    """Who has which address. Shared by the states of one country, so routers keep theirs."""

    def __init__(self) -> None:
        self._given: dict[tuple[IPv4Network, str], str] = {}
        self._count: dict[IPv4Network, int] = {}

    def address(self, block: IPv4Network, label: str) -> str:
        """The address of what bears this label: the next free one, in steps of a link's four.

        >>> numbering, block = Numbering(), IPv4Network("192.0.2.0/24")
        >>> [numbering.address(block, label) for label in ("a", "b", "a")]
        ['192.0.2.1', '192.0.2.5', '192.0.2.1']
        """
        if (block, label) not in self._given:
            nth = self._count.get(block, 0)
            self._count[block] = nth + 1
            self._given[block, label] = str(block[1 + 4 * nth])
        return self._given[block, label]


class Internet:
    """Networks in one state of their relations.

    `exchanges` maps an exchange's name to its LAN. `silence` is the share of routers that never
    answer, `loss` the probability that any one probe is lost.
    """

    def __init__(
        self,
        systems: Iterable[System],
        exchanges: Mapping[str, IPv4Network],
        numbering: Numbering,
        *,
        silence: float = 0.0,
        loss: float = 0.0,
    ) -> None:
        self.systems = {system.name: system for system in systems}
        self._exchanges = exchanges
        self._numbering = numbering
        self._silence = silence
        self._loss = loss
        self._customers: dict[str, list[str]] = {name: [] for name in self.systems}
        self._peers: dict[str, list[str]] = {name: [] for name in self.systems}
        for system in self.systems.values():
            for upstream in system.upstreams:
                self._customers[upstream].append(system.name)
            for other in self.systems.values():
                if other.name != system.name and (
                    other.name in system.peers
                    or system.name in other.peers
                    or set(system.exchanges) & set(other.exchanges)
                ):
                    self._peers[system.name].append(other.name)
        self._next: dict[tuple[str, int], dict[str, str]] = {}

    # -- routes -----------------------------------------------------------------------------

    def path(self, source: str, destination: str, *, season: int = 0) -> tuple[str, ...] | None:
        """The networks from source to destination, both included; None where there is no route.

        As operators do it (Gao and Rexford, IEEE/ACM ToN 9 (2001)): a route learnt from a
        customer is told to all, any other only to customers; customers' routes are preferred to
        peers' to upstreams', then short ones to long ones. What is equal then is decided by
        chance, anew each `season`.
        """
        towards = self._routes(destination, season)
        path = [source]
        while path[-1] != destination:
            if path[-1] not in towards:
                return None
            path.append(towards[path[-1]])
        return tuple(path)

    def _routes(self, destination: str, season: int) -> dict[str, str]:
        """Each network's next one towards the destination."""
        key = (destination, season)
        if key not in self._next:
            self._next[key] = self._find_routes(destination, season)
        return self._next[key]

    def _find_routes(self, destination: str, season: int) -> dict[str, str]:
        def best(name: str, offers: Iterable[str], lengths: Mapping[str, int]) -> str:
            return min(offers, key=lambda by: (lengths[by], chance(season, name, destination, by)))

        lengths = self._upwards(destination)
        towards = {
            name: best(name, (by for by in self._customers[name] if by in lengths), lengths)
            for name in lengths
            if name != destination
        }
        from_peers = {
            name: best(name, offers, lengths)
            for name in self.systems
            if name not in lengths and (offers := [by for by in self._peers[name] if by in lengths])
        }
        lengths |= {name: lengths[by] + 1 for name, by in from_peers.items()}
        known = {*lengths}
        self._downwards(lengths)
        from_upstreams = {
            name: best(name, (by for by in self.systems[name].upstreams if by in lengths), lengths)
            for name in lengths
            if name not in known
        }
        return towards | from_peers | from_upstreams

    def _upwards(self, destination: str) -> dict[str, int]:
        """The networks that have the destination among their customers, and how far it is."""
        lengths = {destination: 0}
        queue = deque([destination])
        while queue:
            name = queue.popleft()
            for upstream in self.systems[name].upstreams:
                if upstream not in lengths:
                    lengths[upstream] = lengths[name] + 1
                    queue.append(upstream)
        return lengths

    def _downwards(self, lengths: dict[str, int]) -> None:
        """Add the networks that learn the route from an upstream, nearest first."""
        queue = [(length, name) for name, length in lengths.items()]
        heapq.heapify(queue)
        while queue:
            length, name = heapq.heappop(queue)
            for customer in self._customers[name]:
                if customer not in lengths:
                    lengths[customer] = length + 1
                    heapq.heappush(queue, (length + 1, customer))

    # -- routers ----------------------------------------------------------------------------

    def way(self, line: Line, host: Host, *, flow: int = 0, season: int = 0) -> Way | None:
        """What packets of a flow meet between a line and a host; None where there is no route."""
        path = self.path(line.system, host.system, season=season)
        if path is None:
            return None
        # (address, label, milliseconds): the home's own router never keeps silent.
        met = [(line.home, "home", 0.5)]
        if line.nat:
            met.append(("100.64.0.1", f"nat {line.system}", line.rtt))
        own = self.systems[line.system]
        label = f"access {line.name}"
        met.append((str(IPv4Network(f"{line.address}/24", strict=False)[1]), label, line.rtt))
        met.append(self._core(own, host, flow, line.rtt))
        for here, there in itertools.pairwise(path):
            met.extend(self._step(here, there, line.rtt))
            met.append(self._core(self.systems[there], host, flow, line.rtt))
        hops = []
        rtt = 0.0
        for address, label, distance in met:
            rtt = max(rtt + 0.2, distance + 0.8 * chance("distance", label))
            silent = label != "home" and chance("silence", label) < self._silence
            hops.append(SILENT if silent else Interface(address, (rtt,), self._loss))
        end = DARK if host.dark else End(Interface(host.address, (rtt + 0.5,), self._loss))
        return Way(tuple(hops), end)

    def _core(
        self, system: System, host: Host, flow: int, line_rtt: float
    ) -> tuple[str, str, float]:
        """One of the network's core routers, which share the flows."""
        site = system.sites[system.main]
        which = int(chance("core", system.name, host.address, flow) * system.cores)
        label = f"core {system.name} {which}"
        return self._numbering.address(site.block, label), label, line_rtt + site.rtt

    def _step(self, here: str, there: str, line_rtt: float) -> list[tuple[str, str, float]]:
        """The routers on the way from one network's core into the next network.

        Where the neighbour is connected at another site than the core's, that site's router
        comes first. Then the next network's router, by the address of the link's far side.
        """
        leaving, entering = self.systems[here], self.systems[there]
        met = []
        port = leaving.ports.get(there, leaving.main)
        if port != leaving.main:
            site = leaving.sites[port]
            label = f"border {here} {port}"
            met.append((self._numbering.address(site.block, label), label, line_rtt + site.rtt))
        far = entering.sites[entering.ports.get(here, entering.main)]
        block, label = self._link(leaving, entering)
        met.append((self._numbering.address(block, label), label, line_rtt + far.rtt))
        return met

    def _link(self, leaving: System, entering: System) -> tuple[IPv4Network, str]:
        """What numbers the far side of a link, and its label."""

        def port(of: System, towards: System) -> IPv4Network:
            return of.sites[of.ports.get(towards.name, of.main)].block

        met_at = sorted(set(leaving.exchanges) & set(entering.exchanges))
        label = f"link {leaving.name} > {entering.name}"
        if entering.name in leaving.upstreams:
            customary = entering.name not in leaving.numbers_link_to
            return port(entering, leaving) if customary else port(leaving, entering), label
        if leaving.name in entering.upstreams:
            customary = leaving.name not in entering.numbers_link_to
            return port(leaving, entering) if customary else port(entering, leaving), label
        if met_at:
            where = met_at[
                int(chance("meet", *sorted((leaving.name, entering.name))) * len(met_at))
            ]
            return self._exchanges[where], f"port {where} {entering.name}"
        first = min(leaving, entering, key=lambda system: system.name)
        return port(first, entering if first is leaving else leaving), label


def host_address(block: IPv4Network, nth: int) -> str:
    """The n-th address in the upper half of a block, which its routers do not use.

    >>> host_address(IPv4Network("198.51.100.0/22", strict=False), 10)
    '198.51.102.10'
    """
    return str(IPv4Address(int(block.network_address) + block.num_addresses // 2 + nth))
