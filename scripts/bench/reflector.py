"""A network in one process: a device that answers each echo request as a row of routers would.

Kernels in a row cost more than a fast tracer does. So what a tracer can do at most is measured
against this: a TUN device, read and answered by a loop that does as little as it can. It runs on
the last core, so that the tracer has another to itself, and it does not count: the kernel does.

Usage: ``python -m scripts.bench.reflector PREFIX ROUTER…``, with the addresses of the routers in
their order; it prints ``ready`` and answers until it is stopped.
"""

from __future__ import annotations

import fcntl
import os
import socket
import struct
import subprocess
import sys
from typing import TYPE_CHECKING

from probe.network.packet import PROTOCOL_ICMP, checksum

if TYPE_CHECKING:
    from collections.abc import Sequence

DEVICE = "reflector"
SOURCE = "10.9.8.1"

_TUNSETIFF = 0x400454CA
_TUN_WITHOUT_HEADER = 0x1001

# The device's queue: a tick's worth of probes must fit, and more.
QUEUE = 10_000

TIME_EXCEEDED = 11
ECHO_REQUEST = 8

_HEADER = struct.Struct("!BBHHHBBH4s4s")


def header(length: int, source: bytes, hop: int) -> bytes:
    """An IPv4 header of an ICMP packet of so many bytes, as it comes from this hop to the tracer.

    Each hop before it has counted down what systems start from.
    """
    words = (0x45, 0, length, 0, 0, 65 - hop, PROTOCOL_ICMP)
    to = socket.inet_aton(SOURCE)
    return _HEADER.pack(*words, checksum(_HEADER.pack(*words, 0, source, to)), source, to)


def exceeded(address: str, ttl: int, length: int) -> bytes:
    """What precedes a probe of so many bytes in the Time Exceeded of the router at this TTL.

    The probe's own checksums are right, so it adds nothing to that of the message around it, but
    for the TTL, which has become 1 on the way.
    """
    total = -((TIME_EXCEEDED << 8) + (1 - ttl << 8)) % 0xFFFF
    return header(28 + length, socket.inet_aton(address), ttl) + struct.pack(
        "!BBHI", TIME_EXCEEDED, 0, total, 0
    )


def answer(probe: bytes, routers: Sequence[str], before: dict[tuple[int, int], bytes]) -> bytes:
    """What a row of routers answers to an echo request; ``before`` remembers."""
    ttl = probe[8]
    if ttl > len(routers):
        echo = b"\0\0\0\0" + probe[24:]
        total = checksum(echo + b"\0" * (len(echo) % 2)).to_bytes(2, "big")
        ends = header(len(probe), probe[16:20], len(routers) + 1)
        return ends + b"\0\0" + total + probe[24:]
    kind = ttl, len(probe)
    if kind not in before:
        before[kind] = exceeded(routers[ttl - 1], *kind)
    return before[kind] + probe[:8] + b"\1" + probe[9:]


def reflect(device: int, routers: Sequence[str]) -> None:
    """Answer for ever."""
    before: dict[tuple[int, int], bytes] = {}
    while True:
        probe = os.read(device, 2048)
        if probe[9] == PROTOCOL_ICMP and probe[20] == ECHO_REQUEST:
            os.write(device, answer(probe, routers, before))


def main(prefix: str, routers: Sequence[str]) -> None:
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    device = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(
        device, _TUNSETIFF, struct.pack("16sH22x", DEVICE.encode("ascii"), _TUN_WITHOUT_HEADER)
    )
    for command in (
        f"addr add {SOURCE}/24 dev {DEVICE}",
        f"link set {DEVICE} up txqueuelen {QUEUE}",
        f"route add {prefix} dev {DEVICE}",
    ):
        subprocess.run(["ip", *command.split()], check=True)
    print("ready", flush=True)
    reflect(device, routers)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
