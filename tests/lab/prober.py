"""Send every TTL of a trace at once through one backend, and print what came back as JSON.

The lab's tests run it inside a namespace (``python -m tests.lab.prober``), as root or as nobody:
the backends on real kernels without the session on top. ``--capture`` adds the probes as they
left the machine; ``--tun`` puts a small Internet with odd routers behind a TUN device first.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import socket
import struct
import subprocess
import sys
import threading

import trio

from probe.engine.session import BACKOFF
from probe.network import Method, Network, NetworkError, NoRoute, Probe, packet
from probe.network.errqueue import open_errqueue
from probe.network.raw import open_raw
from tests.lab.settled import await_own_addresses

_ALL_PROTOCOLS = 3
_TUNSETIFF = 0x400454CA
_TUN_WITHOUT_HEADER = 0x1001
_FAMILY = {4: socket.AF_INET, 6: socket.AF_INET6}


def _open(backend: str) -> Network:
    if backend == "pcap":
        from probe.network.pcap import open_pcap

        return open_pcap()
    return open_raw() if backend == "raw" else open_errqueue()


async def _send(network: Network, probe: Probe) -> None:
    """Send as a session does, later where told so: pcap asks next hops for their address."""
    while True:
        try:
            return network.send(probe)
        except BlockingIOError:
            await trio.sleep(BACKOFF)


def _ip(command: str) -> None:
    subprocess.run(["ip", *command.split()], check=True)


async def _interrupt(network: Network, probe: Probe, device: str, gateway: str) -> str:
    """Take the link down and up again around one probe; says what became of that."""
    await _send(network, probe)
    _ip(f"link set dev {device} down")
    try:
        await _send(network, probe)
    except NoRoute as refused:
        said = str(refused)
    else:
        said = "sent"
    _ip(f"link set dev {device} up")
    _ip(f"route add default via {gateway}")
    network.forget(probe.token)
    return said


async def _answers(
    network: Network, probes: list[Probe], seconds: float
) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    for probe in probes:
        with trio.fail_after(seconds):
            await _send(network, probe)
    with trio.move_on_after(seconds):
        while len(found) < len(probes):
            await network.wait()
            found += [answer._asdict() for answer in network.drain()]
    return found


def _captured(wire: socket.socket, target: str) -> list[str]:
    """The packets to this target that left through any device, from the IP header on, as hex."""
    packed = socket.inet_pton(_FAMILY[6 if ":" in target else 4], target)
    found: list[str] = []
    while True:
        try:
            data, (_, _, direction, _, _) = wire.recvfrom(2048)
        except BlockingIOError:
            return found
        place = slice(16, 20) if len(packed) == 4 else slice(24, 40)
        if direction == 4 and data[place] == packed:  # PACKET_OUTGOING
            found.append(data.hex())


def _tun_internet(style: str, odd_hop: int, length: int) -> None:
    """Routers 10.9.9.N and 2001:db8:9::N, one of them odd, and hosts behind ``length - 1`` of them.

    The odd one quotes 28 bytes (``short``), or adds an MPLS label with (``declared``) or without
    (``undeclared``) saying where it stands.
    """
    device = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(device, _TUNSETIFF, struct.pack("16sH22x", b"odd", _TUN_WITHOUT_HEADER))
    for command in (
        "addr add 10.9.8.1/24 dev odd",
        "addr add 2001:db8:8::1/64 dev odd nodad",
        "link set odd up",
        "route add 198.18.0.0/15 dev odd",
        "route add 2001:db8:18::/48 dev odd",
    ):
        _ip(command)
    await_own_addresses()

    def answer_all() -> None:
        while True:
            probe = os.read(device, 2048)
            for reply in _reply(probe, style, odd_hop, length):
                os.write(device, reply)

    threading.Thread(target=answer_all, daemon=True).start()


def _reply(probe: bytes, style: str, odd_hop: int, length: int) -> list[bytes]:
    version = probe[0] >> 4
    if version == 4:
        ttl, protocol, source, target, at = probe[8], probe[9], probe[12:16], probe[16:20], 20
        exceeded, unreachable, echo = (11, 0), (3, 3), 0
    else:
        ttl, protocol, source, target, at = probe[7], probe[6], probe[8:24], probe[24:40], 40
        exceeded, unreachable, echo = (3, 0), (1, 4), 129
    if target[:2] != (b"\xc6\x12" if version == 4 else b"\x20\x01") or target[0] == 0xFF:
        return []  # the kernel's own multicast
    if ttl >= length:
        if protocol == packet.PROTOCOL_UDP:
            return [_datagram(version, target, source, bytes((*unreachable, *bytes(6))) + probe)]
        return [_datagram(version, target, source, bytes((echo, *bytes(3))) + probe[at + 4 :])]
    router = socket.inet_pton(
        _FAMILY[version], f"{'10.9.9.' if version == 4 else '2001:db8:9::'}{ttl}"
    )
    seen = bytearray(probe)
    seen[8 if version == 4 else 7] = 1
    quote, spare = bytes(seen), bytes(4)
    if ttl == odd_hop and style == "short":
        quote = quote[: at + 8]
    elif ttl == odd_hop:
        body = struct.pack("!HBBI", 8, 1, 1, 24001 << 12 | 1 << 8 | 1)
        header = struct.pack("!HH", 0x2000, packet.checksum(b"\x20\0\0\0" + body))
        quote = quote.ljust(128, b"\0") + header + body
        if style == "declared":
            spare = bytes((0, 32, 0, 0)) if version == 4 else bytes((16, 0, 0, 0))
    return [_datagram(version, router, source, bytes((*exceeded, 0, 0)) + spare + quote)]


def _datagram(version: int, source: bytes, target: bytes, message: bytes) -> bytes:
    if version == 4:
        total = packet.checksum(message + b"\0" * (len(message) % 2))
        header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(message), 1, 0, 60, 1, 0)
        whole = header + source + target
        header = header[:10] + struct.pack("!H", packet.checksum(whole))
    else:
        pseudo = source + target + struct.pack("!II", len(message), packet.PROTOCOL_ICMP6)
        total = packet.checksum(pseudo + message + b"\0" * (len(message) % 2))
        header = struct.pack("!IHBB", 6 << 28, len(message), packet.PROTOCOL_ICMP6, 60)
    return header + source + target + message[:2] + struct.pack("!H", total) + message[4:]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("backend", choices=["raw", "errqueue", "pcap"])
    parser.add_argument("method", type=Method, choices=list(Method))
    parser.add_argument("targets", nargs="+")
    parser.add_argument("--ttls", type=int, default=7)
    parser.add_argument("--flows", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--capture", action="store_true")
    parser.add_argument("--interrupt", nargs=2, metavar=("DEVICE", "GATEWAY"))
    parser.add_argument("--tun", nargs=3, metavar=("STYLE", "HOP", "LENGTH"))
    options = parser.parse_args()
    said: dict[str, object] = {}
    if options.tun:
        _tun_internet(options.tun[0], int(options.tun[1]), int(options.tun[2]))
    wire = None
    if options.capture:
        wire = socket.socket(
            socket.AF_PACKET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK, socket.htons(_ALL_PROTOCOLS)
        )
    try:
        network = _open(options.backend)
        said["methods"] = {version: network.methods(version) for version in (4, 6)}
        probes = [
            Probe(target, ttl, flow, options.method, token)
            for token, (target, flow, ttl) in enumerate(
                (target, flow, ttl)
                for target in options.targets
                for flow in range(options.flows)
                for ttl in range(1, options.ttls + 1)
            )
        ]
        if options.interrupt:
            first = probes[0]._replace(token=65535)
            said["down"] = trio.run(_interrupt, network, first, *options.interrupt)
        said["answers"] = trio.run(_answers, network, probes, options.seconds)
        said["probes"] = {probe.token: probe._asdict() for probe in probes}
        said["discarded"] = network.discarded()
        network.close()
    except (NetworkError, trio.TooSlowError) as refused:
        said["error"] = [type(refused).__name__, str(refused)]
    if wire is not None:
        said["captured"] = _captured(wire, options.targets[0])
    sys.stdout.write(json.dumps(said))


if __name__ == "__main__":
    main()
