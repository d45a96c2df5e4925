"""Traceroute with raw sockets: all methods, and all that an answer says.

Needs CAP_NET_RAW. Whole packets are sent, IP header included, so that the token can stand where
every router quotes it and nothing that a load balancer hashes is left to the kernel; answers
are read by `probe.packet` from raw ICMP and TCP sockets behind a BPF filter. UDP probes leave
from the port of an ordinary socket that is held open, so that no other program uses it.
"""

from __future__ import annotations

import errno
import operator
import secrets
import socket
import time
from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

from probe import packet
from probe.network import Answer, Capability, Kind, Method, NetworkError, NoRoute, NotPermitted
from probe.network.bpf import attach, icmp_program, tcp_program
from probe.network.linux import (
    FAMILY,
    IPV6_RECVHOPLIMIT,
    Readiness,
    Sent,
    arrival,
    canonical,
    is_own_voice,
    open_socket,
    round_trip,
    send_problem,
    source_towards,
)

if TYPE_CHECKING:
    from probe.network import Probe

_LARGEST: Final = 2048
_CONTROL_SPACE: Final = 256

# Addresses and routes of a laptop change: templates, which hold our address, are made anew
# after this time (ns). It also keeps their number small.
_TEMPLATE_LIFE: Final = 10_000_000_000

_SEES: Final = frozenset(
    {
        Capability.REPLY_TTL,
        Capability.QUOTED_TTL,
        Capability.EXTENSIONS,
        Capability.KERNEL_TIME,
        Capability.PARIS,
    }
)

_METHODS: Final = (Method.ICMP, Method.UDP, Method.TCP)


class _Family(NamedTuple):
    """The sockets of one IP version: one sends, two receive, one holds the UDP port."""

    version: int
    identity: packet.Identity
    sending: socket.socket
    icmp: socket.socket
    tcp: socket.socket
    port: socket.socket

    @property
    def sockets(self) -> tuple[socket.socket, ...]:
        return self.sending, self.icmp, self.tcp, self.port


class Raw:
    """The `Network` of raw sockets. Use `open_raw`."""

    name: Final = "raw"

    def __init__(self, families: dict[int, _Family]) -> None:
        self._families = families
        self._sent: dict[int, Sent] = {}
        self._templates: dict[tuple[str, Method, int], tuple[_Family, str, packet.Template]] = {}
        self._templates_until = 0
        self._discarded: Counter[str] = Counter()
        self._readiness = Readiness(
            receiving
            for family in families.values()
            for receiving in (family.icmp, family.tcp, family.port)
        )

    def methods(self, version: int) -> tuple[Method, ...]:
        """All three, where this machine has the IP version."""
        return _METHODS if version in self._families else ()

    def sees(self, method: Method, version: int) -> frozenset[Capability]:  # noqa: ARG002 - all alike
        """All but the changes to a probe on its way."""
        return _SEES

    def probe_size(self, method: Method, version: int) -> int:
        """Bytes of one probe on the wire, from its IP header on."""
        return packet.probe_size(method, version)

    def send(self, probe: Probe) -> None:
        """Send now, without blocking; see `probe.network.Network.send` for what it raises."""
        now = time.monotonic_ns()
        if now > self._templates_until:
            self._templates.clear()
            self._templates_until = now + _TEMPLATE_LIFE
        key = probe.target, probe.method, probe.flow
        made = self._templates.get(key)
        if made is None:
            made = self._templates[key] = self._make(*key)
        family, target, template = made
        data = template.probe(probe.ttl, probe.token)
        wall, monotonic = time.time_ns(), time.monotonic_ns()
        try:
            family.sending.sendto(data, (target, 0))
        except OSError as error:
            self._templates.clear()
            raise send_problem(error, target) from None
        port = 0
        if probe.method is Method.UDP:
            port = packet.udp_port(probe.flow)
        elif probe.method is Method.TCP:
            port = packet.tcp_port(probe.flow, family.identity)
        self._sent[probe.token] = Sent(probe.method, target, port, wall, monotonic)

    def _make(self, text: str, method: Method, flow: int) -> tuple[_Family, str, packet.Template]:
        version, target = canonical(text)
        if version not in self._families:
            raise NoRoute(f"this machine has no IPv{version} to reach {target} with")
        source = source_towards(target, version)
        family = self._families[version]
        number = FAMILY[version]
        template = packet.Template(
            method,
            socket.inet_pton(number, source.partition("%")[0]),
            socket.inet_pton(number, target),
            flow,
            family.identity,
        )
        return family, target, template

    async def wait(self) -> None:
        """Return once answers may be there to `drain`. Cancellable; one task at a time."""
        await self._readiness.wait()

    def drain(self) -> list[Answer]:
        """All answers there now, without blocking, in order of arrival."""
        found: list[tuple[int, Answer]] = []
        for family in self._families.values():
            found += self._drain_socket(family, family.icmp, packet.PROTOCOL_ICMP)
            found += self._drain_socket(family, family.tcp, packet.PROTOCOL_TCP)
            self._drain_port(family)
        found.sort(key=operator.itemgetter(0))
        return [answer for _, answer in found]

    def forget(self, token: int) -> None:
        """The session gave this probe up: the token may be used again."""
        self._sent.pop(token, None)

    def discarded(self) -> dict[str, int]:
        """What arrived and was no answer to a probe of ours, counted by reason.

        The kernel's filter has dropped most of it before: that is not counted.
        """
        return dict(self._discarded)

    def close(self) -> None:
        """Close what is open. Safe to call twice."""
        self._readiness.close()
        for family in self._families.values():
            for opened in family.sockets:
                opened.close()

    def _drain_socket(
        self, family: _Family, receiving: socket.socket, protocol: int
    ) -> list[tuple[int, Answer]]:
        """Read a socket until it is empty; answers with the kernel's time of each."""
        version, identity = family.version, family.identity
        found: list[tuple[int, Answer]] = []
        while True:
            try:
                data, control, _, sender = receiving.recvmsg(_LARGEST, _CONTROL_SPACE)
            except BlockingIOError:
                return found
            received, ttl = arrival(control)
            if version == 4:
                stripped = packet.parse_ipv4(data)
                if isinstance(stripped, packet.Refusal):
                    self._discarded[stripped] += 1
                    continue
                ttl, data = stripped.ttl, stripped.payload
            heard = (
                packet.parse_tcp(data, identity)
                if protocol == packet.PROTOCOL_TCP
                else packet.parse_icmp(version, data, identity)
            )
            if isinstance(heard, packet.Refusal):
                self._discarded[heard] += 1
                continue
            address = str(sender[0])
            matched = self._match(heard, address)
            if matched is None:
                continue
            token, sent = matched
            answer = Answer(
                token=token,
                address=address,
                kind=heard.kind,
                rtt=round_trip(sent, received, time.monotonic_ns()),
                ttl=ttl,
                size=len(data),
                quoted_ttl=heard.quoted_ttl,
                err=heard.err,
                extensions=heard.extensions,
            )
            found.append((received or time.time_ns(), answer))

    def _match(self, heard: packet.Heard, address: str) -> tuple[int, Sent] | None:
        """The probe that this answers; duplicates find it too, until it is forgotten."""
        token = heard.token
        if token == 0xFFFF and token not in self._sent:
            token = 0  # which has the same IP identification
        sent = self._sent.get(token)
        if (
            sent is None
            or sent.method is not heard.method
            or (heard.port is not None and heard.port != sent.port)
            or (heard.target is not None and _text(heard.target) != sent.target)
        ):
            self._discarded["unexpected"] += 1
            return None
        if heard.kind is Kind.UNREACHABLE and is_own_voice(address, sent.target):
            self._discarded["own_address"] += 1
            return None
        return token, sent

    def _drain_port(self, family: _Family) -> None:
        """Throw away what hosts send to our UDP port: it cannot be told which probe it answers."""
        while True:
            try:
                family.port.recv(_LARGEST)
            except BlockingIOError:
                return
            self._discarded["data"] += 1


def _text(packed: bytes) -> str:
    return socket.inet_ntop(socket.AF_INET if len(packed) == 4 else socket.AF_INET6, packed)


def _open_family(version: int) -> _Family:
    opened: list[socket.socket] = []

    def opening(kind: int, protocol: int) -> socket.socket:
        opened.append(open_socket(version, kind, protocol))
        return opened[-1]

    try:
        # IPPROTO_RAW takes packets with their IP header, in both versions, and receives nothing.
        sending = opening(socket.SOCK_RAW, socket.IPPROTO_RAW)
        icmp = opening(
            socket.SOCK_RAW, packet.PROTOCOL_ICMP if version == 4 else packet.PROTOCOL_ICMP6
        )
        tcp = opening(socket.SOCK_RAW, packet.PROTOCOL_TCP)
        port = opening(socket.SOCK_DGRAM, 0)
        if version == 6:
            port.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            for receiving in (icmp, tcp):
                receiving.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1)
        port.bind(("::" if version == 6 else "0.0.0.0", 0))  # noqa: S104 - only to hold the port
        identity = packet.Identity(
            echo_id=secrets.randbelow(0x10000),
            udp_port=port.getsockname()[1],
            tag=1 + secrets.randbelow(0xFFFE),
        )
        for receiving, program in (
            (icmp, icmp_program(version, identity)),
            (tcp, tcp_program(version)),
        ):
            attach(receiving, program)
            _empty(receiving)
    except OSError:
        for each in opened:
            each.close()
        raise
    return _Family(version, identity, sending, icmp, tcp, port)


def _empty(receiving: socket.socket) -> None:
    """Throw away what arrived before the filter stood."""
    while True:
        try:
            receiving.recv(_LARGEST)
        except BlockingIOError:
            return


def open_raw() -> Raw:
    """Open raw sockets for the IP versions that this machine has.

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
        return Raw(families)
    if refused is not None and refused.errno in {errno.EPERM, errno.EACCES}:
        raise NotPermitted(
            "raw sockets were denied because they need CAP_NET_RAW: run the same command through "
            "`sudo`, or give its systemd unit `AmbientCapabilities=CAP_NET_RAW`"
        )
    raise NetworkError(f"raw sockets cannot be opened here ({refused})")
