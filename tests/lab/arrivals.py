"""When probes ended at a router, by its own kernel's clock: what a router is asked, and how often.

Runs inside a router's namespace (``python -m tests.lab.arrivals DEVICE``), prints ``ready``, and
the times in seconds as JSON once its standard input ends. It sees packets as they arrive, before
the router itself does, and knows nothing of who sent them.
"""

from __future__ import annotations

import json
import socket
import sys

from probe.network.linux import SO_TIMESTAMPNS, arrival
from tests.lab.listening import packets_on

_IPV4 = 0x0800
_TTL_AT = 8


def main(device: str) -> None:
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
    wire.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    wire.bind((device, _IPV4))
    times = []
    for _ in packets_on(wire):
        packet, control, _, (_, _, direction, *_) = wire.recvmsg(64, 256)
        if packet[_TTL_AT] == 1 and direction == socket.PACKET_HOST:
            nanoseconds, _ = arrival(control)
            assert nanoseconds is not None
            times.append(nanoseconds / 1e9)
    sys.stdout.write(json.dumps(times))


if __name__ == "__main__":
    main(sys.argv[1])
