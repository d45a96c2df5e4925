"""Traceroute with raw sockets: all methods, and all that an answer says.

Needs CAP_NET_RAW. Whole packets are sent, IP header included, so that the token can stand where
every router quotes it and nothing that a load balancer hashes is left to the kernel; answers are
read by `probe.network.incoming` from raw ICMP and TCP sockets behind a BPF filter. UDP probes leave
from the port of an ordinary socket that is held open, so that no other program uses it.
"""

from __future__ import annotations

import errno
import operator
import socket
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final, NamedTuple

from probe.network import NetworkError, NotPermitted, incoming, packet
from probe.network.addresses import send_problem
from probe.network.bpf import attach, icmp_program, tcp_program
from probe.network.linux import (
    AT_ONCE,
    IP_RECVERR,
    IPV6_RECVERR,
    IPV6_RECVHOPLIMIT,
    IPV6_RECVPKTINFO,
    ControlMessages,
    Readiness,
    arrival,
    arrived_at,
    open_socket,
)
from probe.network.matching import WholePackets
from probe.words.language import mark

if TYPE_CHECKING:
    from probe.network import Answer, Probe, Tap

# The first byte of an IPv4 header without options, which is of 20 bytes.
_PLAIN: Final = 0x45

_LARGEST: Final = 2048
_CONTROL_SPACE: Final = 256


class _Family(NamedTuple):
    """The sockets of one IP version: one sends, two receive, one holds the UDP port."""

    version: int
    sending: socket.socket
    icmp: socket.socket
    tcp: socket.socket
    port: socket.socket

    @property
    def sockets(self) -> tuple[socket.socket, ...]:
        return self.sending, self.icmp, self.tcp, self.port


class Raw(WholePackets):
    """The `Network` of raw sockets. Use `open_raw`."""

    name: Final = "raw"

    def __init__(self, families: dict[int, _Family], tap: Tap | None) -> None:
        super().__init__(
            {version: family.port.getsockname()[1] for version, family in families.items()}
        )
        self._families = families
        self._tap = tap
        # Once for each probe: a method of its own would be a second call.
        self.forget = self._matching.forget
        if tap is not None and 6 in families:
            for receiving in (families[6].icmp, families[6].tcp):
                receiving.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVPKTINFO, 1)
        self._readiness = Readiness(
            receiving
            for family in families.values()
            for receiving in (family.icmp, family.tcp, family.port)
        )

    def send(self, probe: Probe) -> None:
        """Send now, without blocking; see `probe.network.Network.send` for what it raises."""
        monotonic = time.monotonic_ns()
        made = self._matching.make(probe, monotonic)
        data = made.template.probe(probe.ttl, probe.token)
        wall = time.time_ns()
        try:
            self._families[made.version].sending.sendto(data, (made.target, 0))
        except OSError as error:
            self._matching.renew()
            raise send_problem(error, made.target) from None
        self._matching.sent(probe.token, made, data, wall, monotonic)
        if self._tap is not None:
            self._tap(packet.as_on_the_wire(data), wall)

    def fileno(self) -> int:
        """What is readable once answers may be there, for `select`."""
        return self._readiness.fileno()

    async def wait(self) -> None:
        """Return once answers may be there to `drain`. Cancellable; one task at a time."""
        await self._readiness.wait()

    def drain(self) -> list[Answer]:
        """The answers there now, without blocking, in order of arrival."""
        found: list[tuple[int, Answer]] = []
        for family in self._families.values():
            self._drain_socket(family.version, family.icmp, packet.PROTOCOL_ICMP, found)
            self._drain_socket(family.version, family.tcp, packet.PROTOCOL_TCP, found)
            self._drain_port(family)
        found.sort(key=operator.itemgetter(0))
        return [answer for _, answer in found]

    def discarded(self) -> dict[str, int]:
        """What arrived and was no answer to a probe of ours, counted by reason.

        The kernel's filter has dropped most of it before: that is not counted.
        """
        return dict(self._matching.discarded)

    def close(self) -> None:
        """Close what is open. Safe to call twice."""
        self._readiness.close()
        for family in self._families.values():
            for opened in family.sockets:
                opened.close()

    def _drain_socket(
        self,
        version: int,
        receiving: socket.socket,
        protocol: int,
        found: list[tuple[int, Answer]],
    ) -> None:
        """Read what a socket holds; adds answers with the kernel's time of each."""
        receive = receiving.recvmsg
        hear = self._matching.hear
        for _ in range(AT_ONCE):
            try:
                data, control, _, sender = receive(_LARGEST, _CONTROL_SPACE)
            except BlockingIOError:
                return
            received, ttl = arrival(control)
            if self._tap is not None:
                whole = data
                if version == 6:
                    whole = _with_header(protocol, data, control, sender[0], ttl)
                self._tap(whole, received or time.time_ns())
            at: int | None = 0
            if version == 4:
                at = 20 if len(data) >= 28 and data[0] == _PLAIN else incoming.payload_start(data)
                if at is None:
                    self._matching.discarded[incoming.Refusal.TRUNCATED] += 1
                    continue
                ttl = data[8]
            now = time.monotonic_ns()
            answer = hear(version, protocol, data, at or 0, sender[0], ttl, received, now)
            if answer is not None:
                found.append((received or time.time_ns(), answer))

    def _drain_port(self, family: _Family) -> None:
        """Throw away what hosts send to our UDP port: it cannot be told which probe it answers."""
        for _ in range(AT_ONCE):
            try:
                family.port.recv(_LARGEST)
            except BlockingIOError:
                return
            self._matching.discarded["data"] += 1


def _with_header(
    protocol: int, data: bytes, control: ControlMessages, sender: str, hop_limit: int | None
) -> bytes:
    """An IPv6 packet as it arrived, of what the kernel says about it."""
    if protocol == packet.PROTOCOL_ICMP:
        protocol = packet.PROTOCOL_ICMP6
    source = socket.inet_pton(socket.AF_INET6, sender.partition("%")[0])
    return packet.ipv6_packet(source, arrived_at(control), hop_limit or 0, protocol, data)


def _open_family(version: int) -> _Family:
    opened: list[socket.socket] = []

    def opening(kind: int, protocol: int) -> socket.socket:
        opened.append(open_socket(version, kind, protocol))
        return opened[-1]

    try:
        # IPPROTO_RAW takes packets with their IP header, in both versions, and receives nothing.
        sending = opening(socket.SOCK_RAW, socket.IPPROTO_RAW)
        icmp = opening(socket.SOCK_RAW, packet.ICMP_OF[version])
        tcp = opening(socket.SOCK_RAW, packet.PROTOCOL_TCP)
        port = opening(socket.SOCK_DGRAM, 0)
        # Else the kernel throws packets away in silence where the queue of the link is full.
        if version == 4:
            sending.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
        else:
            sending.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVERR, 1)
        if version == 6:
            port.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            for receiving in (icmp, tcp):
                receiving.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1)
        port.bind(("::" if version == 6 else "0.0.0.0", 0))  # noqa: S104 - only to hold the port
        for receiving, program in (
            (icmp, icmp_program(version, port.getsockname()[1])),
            (tcp, tcp_program(version)),
        ):
            attach(receiving, program)
            _empty(receiving)
    except OSError:
        for each in opened:
            each.close()
        raise
    return _Family(version, sending, icmp, tcp, port)


def _empty(receiving: socket.socket) -> None:
    """Throw away what arrived before the filter stood."""
    while True:
        try:
            receiving.recv(_LARGEST)
        except BlockingIOError:
            return


def open_raw(tap: Tap | None = None) -> Raw:
    """Open raw sockets for the IP versions that this machine has.

    ``tap`` is not shown what the kernel's filter drops, nor data sent to the UDP port. The kernel
    keeps the headers of IPv6 answers: they are made anew, without traffic class and flow label.

    Raises `NotPermitted` without CAP_NET_RAW, `NetworkError` when the system has no such
    sockets at all.
    """
    families: dict[int, _Family] = {}
    refused: OSError | None = None
    for version in (4, 6):
        try:
            families[version] = _open_family(version)
        except OSError as error:
            refused = refused or error
    if families:
        with ExitStack() as unowned:
            for each in (each for family in families.values() for each in family.sockets):
                unowned.enter_context(each)
            network = Raw(families, tap)
            unowned.pop_all()
        return network
    if refused is not None and refused.errno in {errno.EPERM, errno.EACCES}:
        raise NotPermitted(
            mark(
                "raw sockets were denied because they need CAP_NET_RAW: run the same command "
                "through `sudo`, or give its systemd unit `AmbientCapabilities=CAP_NET_RAW`"
            )
        )
    raise NetworkError(f"raw sockets cannot be opened here ({refused})")
