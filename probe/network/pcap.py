"""Traceroute through libpcap: all methods, on macOS and Windows, where there is no better way.

Frames are put on the link and heard there, so nothing is left to the system but its routes. The
probes are heard as they leave, too: both ends of a round trip are taken from one clock, which on
Windows is not the system's. Needs root, on macOS membership of access_bpf, on Windows Npcap.

It is tested on Linux, where nothing needs it, in the same lab as the other backends; that it runs
on macOS and Windows is what scapy and libpcap promise, and has not been seen. It goes past the
firewall of this machine: what that forbids is sent all the same, and a Time Exceeded that
Windows' firewall drops is heard before.
"""

from __future__ import annotations

import operator
import socket
import time
from collections import Counter
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Final, NamedTuple

from probe.network import NetworkError, incoming, packet
from probe.network.addresses import FAMILY
from probe.network.interfaces import Interfaces
from probe.network.mailbox import Mailbox
from probe.network.matching import WholePackets

if TYPE_CHECKING:
    from collections.abc import Iterable

    from probe.network import Answer, Probe, Tap
    from probe.network.matching import Made

# How many packets may wait to be drained.
_QUEUE: Final = 1 << 16


def filter_expression(udp_ports: Iterable[int]) -> str:
    """What to hear, in libpcap's words (pcap-filter(7)): probes, and what may answer them.

    Other programs' downloads may use our TCP ports, so of TCP only segments are kept that have
    SYN or RST set, or look like an ACK probe.
    """
    ports = " or ".join(f"udp port {port}" for port in udp_ports)
    echo = "icmp[0] = 0 or icmp[0] = 3 or icmp[0] = 8 or icmp[0] = 11"
    echo6 = " or ".join(f"ip6[40] = {kind}" for kind in (1, 3, 4, 128, 129))
    flags, flags6 = (
        f"{at}[{first + 13}] & 6 != 0 or "
        f"({at}[{first + 13}] = 16 and {at}[{first + 14}:2] = {packet.ACK_WINDOW})"
        for at, first in (("tcp", 0), ("ip6", 40))
    )
    return (
        f"(icmp and ({echo})) or (icmp6 and ({echo6})) or {ports} or "
        f"(tcp portrange {packet.TCP_FIRST}-65535 and "
        f"((ip and ({flags})) or (ip6 and ({flags6}))))"
    )


class Pcap(WholePackets):
    """The `Network` of libpcap. Use `open_pcap`."""

    name: Final = "pcap"

    def __init__(self, ports: dict[int, socket.socket], tap: Tap | None) -> None:
        numbers = {version: port.getsockname()[1] for version, port in ports.items()}
        super().__init__(numbers)
        self._ports = ports
        self._tap = tap
        # Probes not yet heard leaving, by their bytes; and the bytes by token.
        self._leaving: dict[bytes, _Leaving] = {}
        self._packets: dict[int, bytes] = {}
        self._own: set[bytes] = set()
        # Filled by the threads that read the interfaces.
        self._heard: Mailbox[tuple[int, bytes]] = Mailbox(_QUEUE)
        try:
            self._interfaces = Interfaces(
                filter_expression(numbers.values()), lambda *heard: self._heard.put(heard)
            )
        except NetworkError:
            self._heard.close()
            raise

    def send(self, probe: Probe) -> None:
        """Send now, without blocking; see `probe.network.Network.send` for what it raises."""
        monotonic = time.monotonic_ns()
        made = self._matching.make(probe, monotonic)
        data = packet.as_on_the_wire(made.template.probe(probe.ttl, probe.token))
        source = _source(data)
        wall = time.time_ns()
        try:
            self._interfaces.send(
                data, made.version, socket.inet_ntop(FAMILY[made.version], source), made.target
            )
        except NetworkError:
            self._matching.renew()
            raise
        self.forget(probe.token)
        self._own.add(source)
        self._matching.sent(probe.token, made, data, wall, monotonic)
        self._leaving[data] = _Leaving(probe.token, made, wall, monotonic)
        self._packets[probe.token] = data

    def fileno(self) -> int:
        """What is readable once answers may be there, for `select`."""
        return self._heard.fileno()

    async def wait(self) -> None:
        """Return once answers may be there to `drain`. Cancellable; one task at a time."""
        await self._heard.wait()

    def drain(self) -> list[Answer]:
        """All answers there now, without blocking, in order of arrival."""
        found: list[tuple[int, Answer]] = []
        for received, data in self._heard.take():
            answer = self._hear(received, data)
            if answer is not None:
                found.append((received, answer))
        found.sort(key=operator.itemgetter(0))
        return [answer for _, answer in found]

    def _hear(self, received: int, data: bytes) -> Answer | None:
        version = data[0] >> 4 if data else 0
        at = incoming.payload_start(data) if version == 4 else 40
        if version not in self._ports or at is None or len(data) < at + 8:
            self._matching.discarded[incoming.Refusal.TRUNCATED] += 1
            return None
        length = int.from_bytes(data[2:4], "big") if version == 4 else data[4] << 8 | data[5]
        data = data[: length if version == 4 else 40 + length]  # short frames are padded
        if len(data) < at + 8:
            self._matching.discarded[incoming.Refusal.TRUNCATED] += 1
            return None
        leaving = self._leaving.pop(data, None)
        if leaving is not None:
            token, made, _, monotonic = leaving
            self._matching.sent(token, made, data, received, monotonic)
            self._show(data, received)
            return None
        protocol = data[9 if version == 4 else 6]
        if _source(data) in self._own or (
            protocol == packet.ICMP_OF[version] and data[at] == packet.ECHO_REQUEST[version]
        ):
            return None  # other programs' packets on their way out, and pings to this machine
        self._show(data, received)
        if protocol == packet.PROTOCOL_UDP:
            self._matching.discarded["data"] += 1
            return None
        address = socket.inet_ntop(FAMILY[version], _source(data))
        ttl = data[8 if version == 4 else 7]
        return self._matching.hear(
            version, protocol, data, at, address, ttl, received, time.monotonic_ns()
        )

    def _show(self, data: bytes, at: int) -> None:
        if self._tap is not None:
            self._tap(data, at)

    def forget(self, token: int) -> None:
        """The session gave this probe up: the token may be used again."""
        self._matching.forget(token)
        data = self._packets.pop(token, None)
        if data is not None:
            leaving = self._leaving.pop(data, None)
            if leaving is not None:
                self._show(data, leaving.wall)

    def discarded(self) -> dict[str, int]:
        """What arrived and was no answer to a probe of ours, counted by reason.

        The filter has dropped most of it before: that is not counted.
        """
        return dict(+(self._matching.discarded + Counter(overflow=self._heard.overflown)))

    def close(self) -> None:
        """Close what is open. Safe to call twice."""
        try:
            for token in list(self._packets):
                self.forget(token)  # and show it, if it was not heard leaving
        finally:
            self._interfaces.close()
            self._heard.close()
            for port in self._ports.values():
                port.close()


class _Leaving(NamedTuple):
    """A probe that was handed over and has not been heard on the link yet."""

    token: int
    made: Made
    wall: int
    monotonic: int


def _source(data: bytes) -> bytes:
    return data[12:16] if data[0] >> 4 == 4 else data[8:24]


def open_pcap(tap: Tap | None = None) -> Pcap:
    """Open libpcap, and hold a UDP port for each IP version that this machine has.

    ``tap`` is not shown what the filter drops, nor packets of other programs that pass it.

    Raises `NotPermitted` without the privilege to capture, `NetworkError` without libpcap.
    """
    ports: dict[int, socket.socket] = {}
    for version, anywhere in ((4, "0.0.0.0"), (6, "::")):  # noqa: S104 - only to hold the port
        with suppress(OSError), ExitStack() as opened:
            port = opened.enter_context(socket.socket(FAMILY[version], socket.SOCK_DGRAM))
            if version == 6:
                port.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            port.bind((anywhere, 0))
            ports[version] = port
            opened.pop_all()
    try:
        return Pcap(ports, tap)
    except NetworkError:
        for port in ports.values():
            port.close()
        raise
