"""A small Internet of real kernels that speak BGP, and the switch that turns a gateway on in it.

Each router of a topology is a namespace with a BIRD of its own. Turning the gateway on is done
as a regulator would have it done: sessions with the gateway come up, all others of the domestic
networks go down, and BGP finds the new ways by itself. This module knows nothing of traceroute
or of verdicts.
"""

from __future__ import annotations

import fcntl
import itertools
import json
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.lab.bird import Control, Role, Session, configuration
from tests.lab.namespaces import Fabric, LabError, Namespace, User
from tests.lab.topology import CAMBODIA, OUTWARD, VERSIONS, Backend, Network, read_topology

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.lab.topology import Exchange, Interface, Topology

_MIRROR: dict[Role, Role] = {"provider": "customer", "gateway": "customer", "peer": "peer"}

LOCK = Path("/run/gwlab-internet.lock")
"""Held while an Internet stands; where only root writes, who alone may build one."""

# What a kernel was told to do by BIRD: prefix → interface.
Routes = dict[str, str]


@dataclass(frozen=True)
class Volunteer:
    """Someone who measures: from which network, where, and as whom.

    ``backend`` is what they may use: ``raw`` sockets, ``ping`` sockets, or only ``udp``.
    """

    network: Network
    namespace: Namespace
    user: User
    backend: Backend


class Internet:
    """A topology, running. Made by `internet`."""

    def __init__(self, fabric: Fabric, topology: Topology) -> None:
        self.fabric = fabric
        self.topology = topology
        self._networks = topology.owners
        self._sessions: dict[str, list[Session]] = {name: [] for name in self._networks}
        self._inner = {key: itertools.count(1) for key in topology.networks}
        self._outer = {key: itertools.count(OUTWARD) for key in topology.networks}
        self._birds: dict[str, Control] = {}

    @property
    def volunteers(self) -> list[Volunteer]:
        return [
            Volunteer(
                network,
                self.fabric[network.host],
                "root" if network.volunteer == "raw" else "nobody",
                network.volunteer,
            )
            for network in self.topology.domestic
            if network.volunteer is not None
        ]

    def build(self, timeout: float = 60.0) -> None:
        """Make the namespaces, start every BIRD, return when all networks reach each other."""
        for network in self.topology.networks.values():
            self._add_inside(network)
        for network in self.topology.networks.values():
            self._add_neighbours(network)
        servers = {
            exchange.key: self._add_exchange(exchange)
            for exchange in self.topology.exchanges.values()
        }
        self.fabric.build()
        for name, network in self._networks.items():
            router_id = network.prefixes[0][1 + network.routers.index(name)]
            self._start(name, self._sessions[name], router_id, network)
        for key, sessions in servers.items():
            self._start(key, sessions, self.topology.exchanges[key].port(1, 4).ip)
        self._await_routes(through_gateway=False, timeout=timeout)

    def switch_on(self, timeout: float = 60.0) -> float:
        """Turn the gateway on; returns how many seconds it took all routes to move."""
        return self._switch(on=True, timeout=timeout)

    def switch_off(self, timeout: float = 60.0) -> float:
        """Undo it; returns how many seconds it took all routes to leave the gateway."""
        return self._switch(on=False, timeout=timeout)

    def close(self) -> None:
        for control in self._birds.values():
            control.close()

    def _switch(self, *, on: bool, timeout: float) -> float:
        start = time.monotonic()
        for name, network in self._networks.items():
            if network.foreign:
                continue  # abroad they wait for us at any time
            for session in self._sessions[name]:
                verb = "enable" if self._wanted(network, session, on) else "disable"
                self._birds[name].say(f"{verb} {session.name}")
        self._await_routes(through_gateway=on, timeout=timeout)
        return time.monotonic() - start

    def _wanted(self, network: Network, session: Session, on: bool) -> bool:
        """Whether a session is to be up, as far as this end of it has a say.

        The decree is for the domestic networks. The gateway keeps what it had before.
        """
        if network.foreign:
            other = self._networks[session.neighbour]
            return other.foreign or self._wanted(other, session, on)
        kept = network == self.topology.gateway and not session.decreed
        return kept or session.decreed == on

    def _await_routes(self, *, through_gateway: bool, timeout: float) -> None:
        """Return once the kernels' routes are complete, as wanted, and twice running the same.

        Complete: all sessions that should be up are, and every router has a route to every other
        network, in both families. As wanted: the domestic networks' routes all lead to the
        gateway, or none of them does. Raises `LabError` with what is amiss after ``timeout``
        seconds.
        """
        deadline = time.monotonic() + timeout
        before: dict[str, Routes] = {}
        while True:
            now = {name: self._routes(name) for name in self._networks}
            amiss = [
                problem
                for name, routes in now.items()
                for problem in self._amiss(name, routes, through_gateway)
            ]
            if not amiss and now == before:
                return
            if time.monotonic() > deadline:
                raise LabError(f"routes did not settle: {amiss[:5] or 'they keep changing'}")
            before = now
            time.sleep(0.1)

    def _routes(self, router: str) -> Routes:
        routes = {}
        for version in VERSIONS:
            command = ["ip", f"-{version}", "-j", "-n", self.fabric[router].name]
            said = subprocess.run(
                [*command, "route", "show", "proto", "bird"],
                capture_output=True,
                text=True,
                check=True,
            ).stdout
            for route in json.loads(said or "[]"):
                routes[str(route["dst"])] = str(route.get("dev"))
        return routes

    def _amiss(self, router: str, routes: Routes, through_gateway: bool) -> Iterator[str]:
        here = self._networks[router]
        up = self._birds[router].established()
        for session in self._sessions[router]:
            if session.name not in up and self._wanted(here, session, through_gateway):
                yield f"{router} has no session {session.name}"
        for network in self.topology.networks.values():
            if network == here:
                continue
            for prefix in network.prefixes:
                device = routes.get(str(prefix))
                if device is None:
                    yield f"{router} has no route to {network.key} ({prefix})"
                elif here.site is not None and (device == here.site) != through_gateway:
                    yield f"{router} reaches {network.key} over {device}"

    def _add_inside(self, network: Network) -> None:
        """A network's routers, its core, its host, and the links between them."""
        fabric, first = self.fabric, network.routers[0]
        for name in network.routers:
            fabric.node(name, router=True)
        if network.core != first:
            fabric.node(network.core, router=True)
            for near, far in self._add_inner_link(network, first, network.core):
                prefix = str(network.prefix(near.version))
                fabric.route(first, prefix, str(far.ip))
                fabric.route(network.core, "default", str(near.ip))
                fabric.configure(network.core, f"route add unreachable {prefix}")
        fabric.node(network.host, ping_sockets=network.volunteer == "ping")
        lan = [network.lan(version) for version in VERSIONS]
        fabric.link(
            network.core,
            network.host,
            [str(near) for near, _ in lan],
            [str(far) for _, far in lan],
            far_device="eth0",
        )
        for near, _ in lan:
            fabric.route(network.host, "default", str(near.ip))
        for one, other in itertools.combinations(network.routers, 2):
            for near, far in self._add_inner_link(network, one, other):
                if one == first:
                    fabric.route(other, str(network.prefix(near.version)), str(near.ip))
                self._add_session((one, near), (other, far), "internal")

    def _add_inner_link(
        self, network: Network, near: str, far: str
    ) -> list[tuple[Interface, Interface]]:
        number = next(self._inner[network.key])
        ends = [network.link(number, version) for version in VERSIONS]
        self.fabric.link(near, far, [str(end) for end, _ in ends], [str(end) for _, end in ends])
        return ends

    def _add_neighbours(self, network: Network) -> None:
        """Links and sessions with a network's upstreams and peers, and with the gateway."""
        networks, first = self.topology.networks, network.routers[0]
        for key in network.upstreams:
            self._add_outer_link(networks[key].routers[0], first, "provider")
        for key in network.peers:
            self._add_outer_link(networks[key].routers[0], first, "peer")
        if network.site is not None:
            self._add_outer_link(network.site, first, "gateway", decreed=True)
        if network == self.topology.gateway:
            for router, key in self.topology.uplinks:
                self._add_outer_link(networks[key].routers[0], router, "provider", decreed=True)

    def _add_outer_link(
        self, seller: str, buyer: str, role: Role, *, decreed: bool = False
    ) -> None:
        """A link numbered by the seller, and a session on it; ``role`` is the seller's."""
        number = next(self._outer[self._networks[seller].key])
        ends = [self._networks[seller].link(number, version) for version in VERSIONS]
        self.fabric.link(
            seller,
            buyer,
            [str(near) for near, _ in ends],
            [str(far) for _, far in ends],
            delay_ms=max(self._networks[router].distance_ms for router in (seller, buyer)),
        )
        for near, far in ends:
            self._add_session((seller, near), (buyer, far), role, decreed=decreed)

    def _add_session(
        self,
        seller: tuple[str, Interface],
        buyer: tuple[str, Interface],
        role: Role,
        *,
        decreed: bool = False,
    ) -> None:
        for here, there, seen_as in (
            (buyer, seller, role),
            (seller, buyer, _MIRROR.get(role, role)),
        ):
            network = self._networks[here[0]]
            self._sessions[here[0]].append(
                Session(
                    neighbour=there[0],
                    asn=network.asn,
                    local=here[1],
                    remote=there[1],
                    remote_asn=self._networks[there[0]].asn,
                    role=seen_as,
                    decreed=decreed,
                    disabled=decreed and not network.foreign,
                )
            )

    def _add_exchange(self, exchange: Exchange) -> list[Session]:
        """A bridge with all members on it; returns the sessions of its route server."""
        fabric, key = self.fabric, exchange.key
        fabric.node(key)
        fabric.configure(key, "link add lan type bridge mcast_snooping 0", "link set dev lan up")
        for version in VERSIONS:
            nodad = " nodad" if version == 6 else ""
            fabric.configure(key, f"addr add {exchange.port(1, version)} dev lan{nodad}")
        sessions = []
        members = [n for n in self.topology.networks.values() if key in n.exchanges]
        for number, member in enumerate(members, start=10):
            router = member.routers[0]
            ports = [exchange.port(number, version) for version in VERSIONS]
            fabric.link(router, key, [str(port) for port in ports])
            fabric.configure(key, f"link set dev {router} master lan")
            for port in ports:
                server = exchange.port(1, port.version)
                self._sessions[router].append(
                    Session(key, member.asn, port, server, exchange.asn, "peer")
                )
                sessions.append(Session(router, exchange.asn, server, port, member.asn, "member"))
        return sessions

    def _start(
        self, name: str, sessions: list[Session], router_id: object, network: Network | None = None
    ) -> None:
        folder = self.fabric.folder
        prefixes = network.prefixes if network else ()
        text = configuration(sessions, router_id, folder / f"{name}.log", prefixes)
        path = self.fabric.file(f"{name}.conf", text)
        self.fabric[name].start(["bird", "-f", "-c", path, "-s", folder / f"{name}.ctl"])
        self._birds[name] = Control(folder / f"{name}.ctl")


@contextmanager
def internet(path: Path = CAMBODIA) -> Iterator[Internet]:
    """Build the Internet that a file describes, gateway off, and take it down at the end.

    One at a time on a machine, others wait: all namespaces share the kernel's table of IPv6
    neighbours, 1,024 as kernels come (``gc_thresh3``), of which an Internet needs up to 960. Two
    overflow it, and what is sent to a neighbour that finds no room is lost.
    """
    with LOCK.open("w") as lock, Fabric() as fabric:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = Internet(fabric, read_topology(path))
        try:
            made.build()
            yield made
        finally:
            made.close()
