"""Distance: carries frames between pairs of interfaces and holds each back for a time.

Not every kernel can delay packets (``netem`` is often left out), yet what judges a border by
round-trip times needs some between its networks. So this runs as a program of its own inside one
namespace through which all long links of a lab pass. Of what it carries it knows one thing: how
many routers a packet has passed since one of the lab's kernels sent it, so that one link can
stand for a network in which every hop is some way off.

Usage: ``relay.py`` with, on standard input, one line a link: ``first second milliseconds hop
jitter``. The third is the delay of every frame, either way; the fourth is added for each hop that a
packet towards ``first`` has come; up to the fifth is added to any, so that frames overtake each
other. It prints ``ready`` once every frame is caught. A way without any delay is none of its
business: the kernel carries it, which no other program on a busy machine can hold up.
"""

from __future__ import annotations

import heapq
import itertools
import random
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
# More than the system's limit: what a busy machine leaves lying for some milliseconds is not lost.
SO_RCVBUFFORCE = 33
BUFFER = 1 << 24
LARGEST = 10 + 14 + 65536
BATCH = 64

# Where, behind that state, a frame says what it carries, and the TTL of IPv4 and IPv6.
KIND = slice(10 + 12, 10 + 14)
TTL_AT = {b"\x08\x00": 10 + 14 + 8, b"\x86\xdd": 10 + 14 + 7}
FIRST_TTL = 64


def opened(device: str, *, catching: bool) -> socket.socket:
    """A socket that puts whole frames on this interface, and catches those that come in."""
    port = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    port.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
    port.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
    port.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER)
    port.bind((device, ETH_P_ALL if catching else 0))
    port.setblocking(False)
    return port


def hops_come(frame: bytes) -> int:
    """How many hops from here the sender of a packet is: 1 for the next router.

    Kernels of a lab start at TTL 64; what starts higher is talk between neighbours.
    """
    at = TTL_AT.get(frame[KIND])
    return 0 if at is None else max(0, FIRST_TTL + 1 - frame[at])


class Direction:
    """One way of one link: how long each of its frames takes, in seconds."""

    def __init__(
        self, source: socket.socket, sink: socket.socket, delay: float, hop: float, jitter: float
    ) -> None:
        self.source, self.sink = source, sink
        self.delay, self.hop, self.jitter = delay, hop, jitter
        self.random = random.Random(source.fileno())

    def delay_of(self, frame: bytes) -> float:
        delay = self.delay + self.hop * hops_come(frame) if self.hop else self.delay
        return delay + self.random.uniform(0.0, self.jitter) if self.jitter else delay


def put(sink: socket.socket, frame: bytes) -> None:
    try:
        sink.send(frame)
    except OSError:
        return  # a full or closed interface loses frames, as a cable would


def carry(directions: list[Direction]) -> None:
    """Carry frames for ever; those that are due at the same time leave in the order they came."""
    by_port = {direction.source.fileno(): direction for direction in directions}
    ports = list(by_port)
    order = itertools.count()
    waiting: list[tuple[float, int, socket.socket, bytes]] = []
    while True:
        timeout = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
        # Unlike epoll it does not round the time up to a millisecond.
        for port in select.select(ports, (), (), timeout)[0]:
            direction = by_port[port]
            for _ in range(BATCH):
                try:
                    frame = direction.source.recv(LARGEST)
                except BlockingIOError:
                    break
                due = time.monotonic() + direction.delay_of(frame)
                heapq.heappush(waiting, (due, next(order), direction.sink, frame))
        now = time.monotonic()
        while waiting and waiting[0][0] <= now:
            _, _, sink, frame = heapq.heappop(waiting)
            put(sink, frame)


def main() -> None:
    directions = []
    for line in sys.stdin:
        near, far, *milliseconds = line.split()
        delay, hop, jitter = (float(each) / 1000 for each in milliseconds)
        both = delay > 0.0 or jitter > 0.0
        first, second = opened(near, catching=both), opened(far, catching=True)
        if both:
            directions.append(Direction(first, second, delay, 0.0, jitter))
        directions.append(Direction(second, first, delay, hop, jitter))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    carry(directions)


if __name__ == "__main__":
    main()
