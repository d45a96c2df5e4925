"""Sends ICMP messages that are about nobody's probes, as fast as a raw socket takes them.

Usage: ``python -m tests.lab.flood ADDRESS COUNT`` inside a network namespace of the lab. One in
five quotes a TCP port that probes come from, and so gets past every filter to whoever listens
there. It prints how many it sent, and ends.
"""

from __future__ import annotations

import socket
import struct
import sys

from tests.lab.tun import datagram, strays

KINDS = 5
_ICMP, _TCP = 1, 6


def passing(target: bytes) -> bytes:
    """A Time Exceeded that quotes a SYN from a port of ours, which we never sent."""
    other = socket.inet_aton("192.0.2.254")
    segment = struct.pack("!HHIIBBHHH", 61001, 443, 0x00010001, 0, 5 << 4, 2, 1024, 0, 0)
    quote = datagram(target, other, _TCP, segment, ttl=1)
    return datagram(other, target, _ICMP, bytes((11, 0, 0, 0, 0, 0, 0, 0)) + quote)


def main() -> None:
    address, count = sys.argv[1], int(sys.argv[2])
    target = socket.inet_aton(address)
    packets = [*strays(4, target, KINDS - 1), passing(target)]
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as sending:
        for nth in range(count):
            sending.sendto(packets[nth % KINDS], (address, 0))
    sys.stdout.write(f"{count}\n")


if __name__ == "__main__":
    main()
