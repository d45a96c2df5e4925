"""What both Linux backends need of the kernel: socket options, control messages, waiting.

Python's socket module lacks the names of most of these options. Nothing here knows what a probe
looks like.
"""

from __future__ import annotations

import os
import select
import socket
import struct
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Final

from probe.network.addresses import FAMILY
from probe.network.waiting import Waiting

if TYPE_CHECKING:
    from collections.abc import Iterable

# linux/in.h, linux/in6.h, asm-generic/socket.h
IP_TTL: Final = 2
IP_RECVERR: Final = 11
IP_RECVTTL: Final = 12
IP_RECVERR_RFC4884: Final = 26
IPV6_RECVERR: Final = 25
IPV6_RECVERR_RFC4884: Final = 31
IPV6_RECVPKTINFO: Final = 49
IPV6_PKTINFO: Final = 50
IPV6_RECVHOPLIMIT: Final = 51
IPV6_HOPLIMIT: Final = 52
SO_ATTACH_FILTER: Final = 26
SO_RCVBUFFORCE: Final = 33
SO_TIMESTAMPNS: Final = 35
MSG_ERRQUEUE: Final = 0x2000

_RECEIVE_BUFFER: Final = 4 << 20

# How many packets are read from one socket at a time: a flood must not keep the program from
# sending, giving up and ending.
AT_ONCE: Final = 4096

_TIMESPEC: Final = struct.Struct("@ll")
_INT: Final = struct.Struct("@i")

ControlMessages = list[tuple[int, int, bytes]]


def open_socket(version: int, kind: int, protocol: int) -> socket.socket:
    """A non-blocking socket with a large receive buffer and kernel receive times.

    Raises OSError as `socket.socket` does.
    """
    opened = socket.socket(FAMILY[version], kind | socket.SOCK_NONBLOCK, protocol)
    try:
        opened.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        try:
            opened.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, _RECEIVE_BUFFER)
        except PermissionError:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
    except OSError:
        opened.close()
        raise
    return opened


def arrived_at(control: ControlMessages) -> bytes:
    """Our address (packed) at which an IPv6 packet arrived; the unspecified one where not told."""
    for level, kind, data in control:
        if (level, kind) == (socket.IPPROTO_IPV6, IPV6_PKTINFO):
            return data[:16]
    return bytes(16)


def hop_limit_message(version: int, ttl: int) -> tuple[int, int, bytes]:
    """The control message that gives one packet its TTL or hop limit."""
    if version == 4:
        return socket.IPPROTO_IP, IP_TTL, _INT.pack(ttl)
    return socket.IPPROTO_IPV6, IPV6_HOPLIMIT, _INT.pack(ttl)


def arrival(control: ControlMessages) -> tuple[int | None, int | None]:
    """Kernel receive time (ns since the epoch) and TTL of a packet, from its control messages."""
    received = ttl = None
    for level, kind, data in control:
        if level == socket.SOL_SOCKET:
            if kind == SO_TIMESTAMPNS and len(data) == _TIMESPEC.size:
                seconds, nanoseconds = _TIMESPEC.unpack(data)
                received = seconds * 1_000_000_000 + nanoseconds
        elif (level == socket.IPPROTO_IP and kind == IP_TTL) or (
            level == socket.IPPROTO_IPV6 and kind == IPV6_HOPLIMIT
        ):
            (ttl,) = _INT.unpack_from(data)
    return received, ttl


class Readiness:
    """Lets one task wait until any of several sockets, or the program itself, has answers.

    An epoll descriptor is readable while one of its members is, so there is a single descriptor to
    wait on; `ring` makes it readable for answers that were read in passing.
    """

    def __init__(self, sockets: Iterable[socket.socket]) -> None:
        with ExitStack() as opened:
            self._epoll = opened.enter_context(select.epoll())
            self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
            opened.callback(os.close, self._bell)
            self._waiting = Waiting(self._epoll.fileno())
            self._epoll.register(self._bell, select.EPOLLIN)
            for member in sockets:
                self._epoll.register(member, select.EPOLLIN)  # EPOLLERR is always included
            opened.pop_all()

    def ring(self) -> None:
        """Make `wait` return although no socket has anything left to read."""
        os.eventfd_write(self._bell, 1)

    def quiet(self) -> None:
        """Undo `ring`."""
        with suppress(BlockingIOError):
            os.eventfd_read(self._bell)

    def fileno(self) -> int:
        """The descriptor to wait on."""
        return self._epoll.fileno()

    async def wait(self) -> None:
        """Return once something may be there to read. One task at a time."""
        await self._waiting.wait()

    def close(self) -> None:
        """Close; a task in `wait` gets trio.ClosedResourceError. Safe to call twice."""
        if self._epoll.closed:
            return
        self._waiting.close()
        self._epoll.close()
        os.close(self._bell)
