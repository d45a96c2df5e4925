"""A small Internet of real packets: what a scenario file describes, behind a TUN device.

Kernels do none of the odd things that routers do, so here a program is all routers and hosts: it
reads the IP packets that leave, finds their fate by target, flow and TTL, and writes the answers
as bytes. It shares with the simulated network who answers whom, and nothing of what a packet
looks like: it takes a probe as it comes and knows no token, tag or template. Run as a program
(``python -m tests.lab.tun FILE``) it serves the network namespace that it is started in.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Self

import trio

from probe.network import Kind, Method
from probe.network.scenario import load
from probe.network.ways import Fates, Packet
from tests.lab.settled import await_own_addresses

if TYPE_CHECKING:
    from collections.abc import Iterable

    from probe.network.ways import Interface, Reaction

_TUNSETIFF = 0x400454CA
_TUN_WITHOUT_HEADER = 0x1001
_CLONE_NEWNET = 0x40000000
_DEVICE = "internet"
_LARGEST = 2048

_FAMILY = {4: socket.AF_INET, 6: socket.AF_INET6}
_SOURCE = {4: "10.9.8.1/24", 6: "2001:db8:9:8::1/64"}
_IP_HEADER = {4: 20, 6: 40}
_ICMP, _TCP, _UDP, _ICMP6 = 1, 6, 17, 58
_ECHO_REQUEST, _ECHO_REPLY = {4: 8, 6: 128}, {4: 0, 6: 129}
_TIME_EXCEEDED, _UNREACHABLE, _PORT = {4: 11, 6: 3}, {4: 3, 6: 1}, {4: 3, 6: 4}
_CODES = {
    4: {"N": 0, "H": 1, "P": 2, "p": 3, "A": 13},
    6: {"N": 0, "A": 1, "h": 2, "H": 3, "p": 4},
}
_PARAMETER_PROBLEM_6, _UNKNOWN_HEADER = 4, 1
_SYN, _RST, _ACK = 0x02, 0x04, 0x10

# What tells the flow of a probe: where its first port is counted from.
_FIRST_UDP, _FIRST_TCP, _FIRST_ACK = 33434, 61000, 63268

# RFC 4884: where extensions begin in a quote, and the units in which its length is declared.
_PADDED, _UNIT = 128, {4: 4, 6: 8}


def enter_own_network() -> None:
    """Give this thread a network of its own, without any device; it goes when the thread does."""
    if ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "no network namespace")


def allow_ping_sockets() -> None:
    """Let everybody in this network namespace open ping sockets."""
    Path("/proc/sys/net/ipv4/ping_group_range").write_text("0 2147483647", encoding="ascii")


def _checksum(data: bytes) -> int:
    return -int.from_bytes(data + b"\0" * (len(data) % 2), "big") % 0xFFFF


@dataclass(frozen=True)
class Arrived:
    """A packet that came out of the machine; only probes are made into one."""

    data: bytes
    version: int
    protocol: int
    ttl: int
    source: bytes
    target: bytes
    method: Method
    flow: int

    @classmethod
    def read(cls, data: bytes) -> Self | None:
        """A probe, or None for all else that a kernel sends, such as its own resets."""
        version = data[0] >> 4
        if version == 4:
            ttl, protocol, source, target = data[8], data[9], data[12:16], data[16:20]
        else:
            ttl, protocol, source, target = data[7], data[6], data[8:24], data[24:40]
        body = data[_IP_HEADER[version] :]
        if protocol in {_ICMP, _ICMP6} and body[0] == _ECHO_REQUEST[version]:
            sequence, word = struct.unpack_from("!HH", body, 6)
            method, flow = Method.ICMP, (sequence + word) % 0xFFFF
        elif protocol == _UDP:
            method, flow = Method.UDP, int.from_bytes(body[2:4], "big") - _FIRST_UDP
        elif protocol == _TCP and body[13] in {_SYN, _ACK}:
            method = Method.TCP if body[13] == _SYN else Method.ACK
            flow = int.from_bytes(body[:2], "big") - (_FIRST_TCP, _FIRST_ACK)[body[13] == _ACK]
        else:
            return None
        return cls(data, version, protocol, ttl, source, target, method, flow)

    @property
    def packet(self) -> Packet:
        """What decides on its fate."""
        text = socket.inet_ntop(_FAMILY[self.version], self.target)
        return Packet(text, self.flow, self.method, self.ttl)

    def answered(self, reaction: Reaction) -> bytes:
        """The packet that comes back."""
        body = self.data[_IP_HEADER[self.version] :]
        if reaction.kind is Kind.DESTINATION and self.method is Method.ICMP:
            message = bytes((_ECHO_REPLY[self.version], 0, 0, 0)) + body[4:]
        elif reaction.kind is Kind.DESTINATION and self.protocol == _TCP:
            return self._datagram(reaction, _TCP, _tcp_answer(body, reaction.closed))
        else:
            message = self._error(reaction)
        return self._datagram(reaction, _ICMP if self.version == 4 else _ICMP6, message)

    def _error(self, reaction: Reaction) -> bytes:
        who, version = reaction.who, self.version
        if reaction.kind is Kind.TIME_EXCEEDED:
            kind, code = _TIME_EXCEEDED[version], 0
        elif reaction.kind is Kind.DESTINATION:
            kind, code = _UNREACHABLE[version], _PORT[version]
        elif version == 6 and reaction.err == "P":
            kind, code = _PARAMETER_PROBLEM_6, _UNKNOWN_HEADER
        else:
            err = reaction.err
            code = err if isinstance(err, int) else _CODES[version][str(err)]
            kind = _UNREACHABLE[version]
        quote, length = self._as_met(reaction)[: who.quote], 0
        attached = _extensions(who)
        if attached:
            quote = quote[:_PADDED].ljust(_PADDED, b"\0") + attached
            length = _PADDED // _UNIT[version] if who.declared else 0
        said = bytes((0, length, 0, 0)) if version == 4 else bytes((length, 0, 0, 0))
        return bytes((kind, code, 0, 0)) + said + quote

    def _as_met(self, reaction: Reaction) -> bytes:
        """The probe as it was when it got to whoever answers, or as a forger thinks it was."""
        data, version, start = bytearray(self.data), self.version, _IP_HEADER[self.version]
        for name in reaction.rewritten:
            _rewrite(data, version, self.protocol, name)
        if reaction.forged:
            _guess_tag(memoryview(data)[start:], self.method)
        if version == 4:
            data[1], data[8] = reaction.tos, reaction.left
            data[10:12] = bytes(2)
            data[10:12] = _checksum(bytes(data[:20])).to_bytes(2, "big")
        else:
            data[0], data[1] = 6 << 4 | reaction.tos >> 4, reaction.tos << 4 & 0xF0 | data[1] & 0x0F
            data[7] = reaction.left
        return bytes(data)

    def _datagram(self, reaction: Reaction, protocol: int, message: bytes) -> bytes:
        source = socket.inet_pton(_FAMILY[self.version], reaction.address)
        return datagram(source, self.source, protocol, message, reaction.ttl)


def datagram(source: bytes, target: bytes, protocol: int, message: bytes, ttl: int = 60) -> bytes:
    """An IP packet that carries this ICMP message or TCP segment, its checksums filled in."""
    at = 16 if protocol == _TCP else 2
    covered = message
    if protocol != _ICMP:
        covered = source + target + struct.pack("!II", len(message), protocol) + message
    filled = _checksum(covered).to_bytes(2, "big")
    message = message[:at] + filled + message[at + 2 :]
    if len(source) == 16:
        return (
            struct.pack("!IHBB", 6 << 28, len(message), protocol, ttl) + source + target + message
        )
    header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(message), 1, 0, ttl, protocol, 0)
    header += source + target
    return header[:10] + _checksum(header).to_bytes(2, "big") + header[12:] + message


def _tcp_answer(segment: bytes, closed: bool) -> bytes:
    """What a host says to a SYN, or to an ACK of what it never sent (RFC 9293, 3.10.7)."""
    ours, theirs, sequence, acknowledged = struct.unpack_from("!HHII", segment)
    expected = (sequence + 1) & 0xFFFFFFFF
    if segment[13] == _ACK:
        fields = (theirs, ours, acknowledged, 0, 5 << 4, _RST, 0, 0, 0)
        return struct.pack("!HHIIBBHHH", *fields)
    if closed:
        fields = (theirs, ours, 0, expected, 5 << 4, _RST | _ACK, 0, 0, 0)
        return struct.pack("!HHIIBBHHH", *fields)
    fields = (theirs, ours, 0x12345678, expected, 6 << 4, _SYN | _ACK, 65160, 0, 0)
    return struct.pack("!HHIIBBHHH", *fields) + bytes((2, 4, 0x05, 0xB4))


def _extensions(who: Interface) -> bytes:
    """The extension structure that this interface attaches (RFC 4884), or nothing."""
    objects = b""
    if who.mpls:
        bottom = len(who.mpls) - 1
        objects = struct.pack("!HBB", 4 + 4 * len(who.mpls), 1, 1) + b"".join(
            struct.pack("!I", entry.label << 12 | entry.exp << 9 | (nth == bottom) << 8 | entry.ttl)
            for nth, entry in enumerate(who.mpls)
        )
    for each in who.extensions:
        objects += struct.pack("!HBB", 4 + len(each.payload), each.number, each.kind) + each.payload
    if not objects:
        return b""
    return b"\x20\0" + _checksum(b"\x20\0\0\0" + objects).to_bytes(2, "big") + objects


# Where fields stand that something on the way may rewrite: the byte of the IP header whose last
# bits are flipped, or that of what follows, by protocol.
_IN_IP = {
    4: {"id": 5, "flags": 6, "source": 15, "destination": 19},
    6: {"flow": 3, "source": 23, "destination": 39},
}
_BEHIND = {
    _ICMP: {"identifier": 5, "checksum": 3, "payload": -1},
    _ICMP6: {"identifier": 5, "checksum": 3, "payload": -1},
    _UDP: {"ports": 3, "checksum": 7, "payload": -1},
    _TCP: {"ports": 3, "window": 15, "checksum": 17, "options": -1},
}


def _rewrite(data: bytearray, version: int, protocol: int, name: str) -> None:
    """Change a field of a packet; one that such a packet does not have is left out."""
    if name in _IN_IP[version]:
        data[_IN_IP[version][name]] ^= 0x40
    elif name in _BEHIND[protocol]:
        at = _BEHIND[protocol][name]
        data[at if at < 0 else _IP_HEADER[version] + at] ^= 0x0F


def _guess_tag(body: memoryview, method: Method) -> None:
    """Replace all in which a secret may be hidden and that does not choose a path."""
    for at in {Method.ICMP: (4, 10), Method.UDP: (10,)}.get(method, (6, 10)):
        body[at : at + 2] = b"\x5e\xed"


def strays(version: int, target: bytes, count: int) -> Iterable[bytes]:
    """ICMP messages as every machine gets them now and then, about nothing that we sent."""
    other = socket.inet_pton(_FAMILY[version], "192.0.2.254" if version == 4 else "2001:db8::fe")
    protocol = _ICMP if version == 4 else _ICMP6
    question = datagram(target, other, _UDP, struct.pack("!HHHHI", 5353, 53, 12, 0, 0xCAFE))
    browsing = datagram(target, other, _TCP, struct.pack("!HHIIBBHHH", 443, 50123, *(0,) * 7))
    messages = (
        bytes((_ECHO_REPLY[version], 0, 0, 0, 0x12, 0x34, 0, 1)) + b"somebody else's ping",
        bytes((_TIME_EXCEEDED[version], 0, 0, 0, 0, 0, 0, 0)) + question,
        bytes((_UNREACHABLE[version], 1, 0, 0, 0, 0, 0, 0)) + browsing,
        bytes((_TIME_EXCEEDED[version], 1, 0, 0, 0, 0, 0, 0)),
    )
    for nth in range(count):
        yield datagram(other, target, protocol, messages[nth % len(messages)])


class Internet:
    """What is behind the TUN device of this network namespace, for as long as it is served."""

    def __init__(self, text: str) -> None:
        scenario = load(text)
        self._fates = Fates(scenario.way, seed=scenario.seed, jitter=scenario.jitter)
        self._owed = 0
        self._paid = trio.Event()
        self.lag = 0.0
        """Seconds by which an answer came later than it should have, at most."""
        self._device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        request = struct.pack("16sH22x", _DEVICE.encode(), _TUN_WITHOUT_HEADER)
        fcntl.ioctl(self._device, _TUNSETIFF, request)
        prefixes = [
            ip_network(prefix)
            for path in tomllib.loads(text)["path"]
            for prefix in ([path["to"]] if isinstance(path["to"], str) else path["to"])
        ]
        lines = [
            "link set lo up",
            f"link set {_DEVICE} up",
            f"addr add {_SOURCE[4]} dev {_DEVICE}",
            f"addr add {_SOURCE[6]} dev {_DEVICE} nodad",
            *(f"route replace {prefix} dev {_DEVICE}" for prefix in prefixes),
        ]
        subprocess.run(["ip", "-batch", "-"], input="\n".join(lines), text=True, check=True)
        await_own_addresses()

    async def serve(self) -> None:
        """Answer until cancelled."""
        async with trio.open_nursery() as nursery:
            while True:
                await trio.lowlevel.wait_readable(self._device)
                self._take_all(nursery)

    def _take_all(self, nursery: trio.Nursery) -> None:
        while True:
            try:
                data = os.read(self._device, _LARGEST)
            except BlockingIOError:
                return
            arrived = Arrived.read(data)
            if arrived is None:
                continue
            now = trio.current_time()
            for reaction in self._fates.of(arrived.packet, now):
                self._owed += 1
                nursery.start_soon(self._give, arrived, reaction, now + reaction.delay)

    async def _give(self, arrived: Arrived, reaction: Reaction, due: float) -> None:
        await trio.sleep_until(due)
        self.lag = max(self.lag, trio.current_time() - due)
        os.write(self._device, arrived.answered(reaction))
        for stray in strays(arrived.version, arrived.source, reaction.who.strays):
            os.write(self._device, stray)
        self._owed -= 1
        self._paid.set()

    async def settled(self) -> None:
        """Return once nothing is on its way any more."""
        while self._owed:
            self._paid = trio.Event()
            await self._paid.wait()

    def close(self) -> None:
        os.close(self._device)


def main() -> None:
    internet = Internet(Path(sys.argv[1]).read_text(encoding="utf-8"))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    trio.run(internet.serve)


if __name__ == "__main__":
    main()
