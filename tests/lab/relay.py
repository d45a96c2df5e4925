"""Distance: carries frames between pairs of interfaces and holds each back for a fixed time.

Not every kernel can delay packets (``netem`` is often left out), yet what judges a border by
round-trip times needs some between its networks. So this runs as a program of its own inside one
namespace through which all long links of a lab pass. It knows nothing of what it carries.

Usage: ``relay.py`` with, on standard input, one line a link: ``first second milliseconds``, the
delay one way. It prints ``ready`` once every frame is caught.
"""

from __future__ import annotations

import collections
import select
import socket
import sys
import time

ETH_P_ALL = 0x0003
SOL_PACKET = 263
# The checksum and segmentation state of a frame travels with it, so that what the sender's
# kernel left to "hardware" stays left to the next one. Own frames are not seen again.
PACKET_VNET_HDR = 15
PACKET_IGNORE_OUTGOING = 23
LARGEST = 10 + 14 + 65536
BATCH = 64


def opened(device: str) -> socket.socket:
    """A socket that catches and puts whole frames on this interface."""
    port = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    port.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
    port.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
    port.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    port.bind((device, ETH_P_ALL))
    port.setblocking(False)
    return port


class Direction:
    """One way of one link: frames leave in the order they came, each after the same delay."""

    def __init__(self, source: socket.socket, sink: socket.socket, delay: float) -> None:
        self.source, self.sink, self.delay = source, sink, delay
        self.waiting: collections.deque[tuple[float, bytes]] = collections.deque()

    def take(self) -> None:
        for _ in range(BATCH):
            try:
                frame = self.source.recv(LARGEST)
            except BlockingIOError:
                return
            self.waiting.append((time.monotonic() + self.delay, frame))

    def give(self, now: float) -> None:
        while self.waiting and self.waiting[0][0] <= now:
            try:
                self.sink.send(self.waiting.popleft()[1])
            except OSError:
                continue  # a full or closed interface loses frames, as a cable would


def carry(directions: list[Direction]) -> None:
    poll = select.epoll()
    by_port = {direction.source.fileno(): direction for direction in directions}
    for port in by_port:
        poll.register(port, select.EPOLLIN)
    while True:
        due = min((way.waiting[0][0] for way in directions if way.waiting), default=None)
        timeout = -1 if due is None else max(0.0, due - time.monotonic())
        for port, _ in poll.poll(timeout):
            by_port[port].take()
        now = time.monotonic()
        for direction in directions:
            direction.give(now)


def main() -> None:
    directions = []
    for line in sys.stdin:
        near, far, milliseconds = line.split()
        ports = opened(near), opened(far)
        for source, sink in (ports, ports[::-1]):
            directions.append(Direction(source, sink, float(milliseconds) / 1000))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    carry(directions)


if __name__ == "__main__":
    main()
