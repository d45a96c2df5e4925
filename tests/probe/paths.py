"""A simulated network for the commands' tests: paths out of a home in Cambodia.

Addresses are real ones of the shipped table: Viettel (Metfone) as the access network, Telekom
exits abroad, so that what a command says about them can be read and checked.
"""

from __future__ import annotations

import ipaddress
import socket
from typing import TYPE_CHECKING

import trio

from probe.engine import measuring
from probe.network.simulated import SimulatedNetwork
from probe.network.ways import DARK, End, Interface, Way
from probe.redaction.premises import Premises

if TYPE_CHECKING:
    from probe.engine.session import Session
    from probe.network import Answer, Probe

HOME = Premises(
    frozenset({"192.168.1.10", "fd00:1::10"}),
    (ipaddress.ip_network("192.168.1.0/24"), ipaddress.ip_network("fd00:1::/64")),
    frozenset({"sokha-laptop"}),
)

ROUTER, CARRIER, ACCESS, BLOCK = "192.168.1.1", "100.64.7.9", "36.37.130.77", "10.20.1.30"
ABROAD, TARGET, DARK_TARGET = "193.0.0.1", "193.0.6.139", "193.0.6.140"
ACCESS_6, ABROAD_6, TARGET_6 = "2405:8380:0:2::77", "2001:67c:2e8:100::1", "2001:67c:2e8:22::1"
UNROUTED = "8.8.4.4"


def way(*addresses: str | None, rtt: float = 0.5) -> tuple[Interface, ...]:
    return tuple(
        Interface(address, (rtt * number,)) for number, address in enumerate(addresses, start=1)
    )


def routes(target: str, flow: int) -> Way | None:
    """The way to any target but the unrouted one; the last hop is the target itself."""
    del flow
    if target == UNROUTED:
        return None
    end = DARK if target == DARK_TARGET else End(Interface(target, (6.0,)))
    if ":" in target:
        return Way(way("fd00:1::1", ACCESS_6, ABROAD_6), end)
    return Way(way(ROUTER, CARRIER, ACCESS, BLOCK, ABROAD), end)


def only_ipv4(target: str, flow: int) -> Way | None:
    """The same in a home that has no IPv6."""
    return None if ":" in target else routes(target, flow)


def all_dark(target: str, flow: int) -> Way:
    """A network that answers nothing."""
    del target, flow
    return Way((), DARK)


def silent_access(target: str, flow: int) -> Way:
    """A path on which nothing but the target answers."""
    del flow
    return Way(way(ROUTER, None, None), End(Interface(target, (6.0,))))


class Silent(SimulatedNetwork):
    """Answers nothing, and has a descriptor to wait on as networks of wires have."""

    def __init__(self) -> None:
        super().__init__(all_dark)
        self.bell, self.hammer = socket.socketpair()
        self.outstanding: set[int] = set()

    def send(self, probe: Probe) -> None:
        self.outstanding.add(probe.token)

    def fileno(self) -> int:
        return self.bell.fileno()

    def drain(self) -> list[Answer]:
        return []

    def forget(self, token: int) -> None:
        self.outstanding.discard(token)

    def close(self) -> None:
        self.bell.close()
        self.hammer.close()


def played(session: Session) -> None:
    """Measure over a network in memory, which has nothing to wait on but trio's clock."""
    trio.run(measuring.measure, session)


def network(ways: object = routes) -> SimulatedNetwork:
    """A fresh network over these ways."""
    assert callable(ways)
    return SimulatedNetwork(ways)
