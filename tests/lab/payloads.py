"""What a machine says above IP, seen by the first router on its way: for whoever searches it.

Runs inside a router's namespace (``python -m tests.lab.payloads DEVICE``), prints ``ready``, and
the payloads of IPv4 and IPv6 packets, one a line in hexadecimal digits, once its standard input
ends. The addresses in IP headers are what every packet needs; neighbours' discovery stays on the
link. It knows nothing of what is searched for.
"""

from __future__ import annotations

import socket
import sys

from tests.lab.listening import packets_on

_EVERY_PROTOCOL = 3
_IPV4, _IPV6 = 0x0800, 0x86DD
_IPV6_HEADER, _ICMPV6 = 40, 58
_NEIGHBOURS = range(130, 138)


def payload(kind: int, packet: bytes) -> bytes:
    """What a packet carries, without its IP header; nothing where it goes to neighbours only."""
    if kind == _IPV4:
        return packet[(packet[0] & 15) * 4 :]
    said = packet[_IPV6_HEADER:] if kind == _IPV6 else b""
    return b"" if said and packet[6] == _ICMPV6 and said[0] in _NEIGHBOURS else said


def main(device: str) -> None:
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_EVERY_PROTOCOL))
    wire.bind((device, _EVERY_PROTOCOL))
    seen = []
    for _ in packets_on(wire):
        packet, (_, kind, direction, *_) = wire.recvfrom(1 << 16)
        if direction == socket.PACKET_HOST:
            seen.append(payload(kind, packet).hex())
    sys.stdout.write("\n".join(filter(None, seen)))


if __name__ == "__main__":
    main(sys.argv[1])
