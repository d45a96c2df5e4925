"""What both real backends need of Linux: socket options, control messages, waiting, clocks.

Python's socket module lacks the names of most of these options, and the two backends must turn
a kernel's refusal into the same sentence. Nothing here knows what a probe looks like.
"""

from __future__ import annotations

import errno
import functools
import os
import select
import socket
import struct
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple

import trio

from probe.network import NetworkError, NoRoute, NotPermitted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from probe.network import Method

# linux/in.h, linux/in6.h, asm-generic/socket.h
IP_TTL: Final = 2
IP_RECVERR: Final = 11
IP_RECVTTL: Final = 12
IP_RECVERR_RFC4884: Final = 26
IPV6_RECVERR: Final = 25
IPV6_RECVERR_RFC4884: Final = 31
IPV6_RECVHOPLIMIT: Final = 51
IPV6_HOPLIMIT: Final = 52
SO_ATTACH_FILTER: Final = 26
SO_RCVBUFFORCE: Final = 33
SO_TIMESTAMPNS: Final = 35
MSG_ERRQUEUE: Final = 0x2000

FAMILY: Final = {4: socket.AF_INET, 6: socket.AF_INET6}

_RECEIVE_BUFFER: Final = 4 << 20

# A kernel receive time this much later than the clock now says is a clock that was set.
_CLOCK_SLACK: Final = 5_000_000

_TIMESPEC: Final = struct.Struct("@ll")
_INT: Final = struct.Struct("@i")

ControlMessages = list[tuple[int, int, bytes]]

_NO_ROUTE: Final = {
    errno.ENETUNREACH,
    errno.EHOSTUNREACH,
    errno.ENETDOWN,
    errno.EHOSTDOWN,
    errno.EADDRNOTAVAIL,
    errno.EAFNOSUPPORT,
    errno.EINVAL,
    errno.ENODEV,
}
_LATER: Final = {errno.EAGAIN, errno.ENOBUFS, errno.ENOMEM}
_DENIED: Final = {errno.EPERM, errno.EACCES}


def send_problem(error: OSError, target: str) -> Exception:
    """What a failed send means for the caller; see `probe.network.Network.send`."""
    if error.errno in _LATER:
        return BlockingIOError(error.errno, "the send buffer is full")
    if error.errno in _NO_ROUTE:
        return NoRoute(f"there is no route to {target} from here ({error.strerror})")
    if error.errno in _DENIED:
        return NotPermitted(
            f"this machine refused to send a probe to {target}, most likely its firewall: "
            "`sudo nft list ruleset` shows the rules for output"
        )
    return NetworkError(f"a probe to {target} could not be sent ({error.strerror})")


def source_towards(target: str, version: int) -> str:
    """The address of ours from which packets to this target leave; nothing is sent.

    Raises `NoRoute` or another `NetworkError` when there is none.
    """
    with socket.socket(FAMILY[version], socket.SOCK_DGRAM) as asked:
        try:
            asked.connect((target, 9))
        except OSError as error:
            raise send_problem(error, target) from None
        return str(asked.getsockname()[0])


def is_own_voice(address: str, target: str) -> bool:
    """Whether it was this machine that said that the target is out of reach.

    It does when no neighbour answers on the link. That is no hop of the path, and the own
    address must not get into a record.
    """
    if address == target:
        return False
    try:
        return address == source_towards(target, 6 if ":" in target else 4)
    except NetworkError:
        return False


@functools.lru_cache(maxsize=4096)
def canonical(target: str) -> tuple[int, str]:
    """IP version of an address and its text as the kernel gives it back.

    Raises `NoRoute` for what is no address.

    >>> canonical("2001:DB8:0::1")
    (6, '2001:db8::1')
    """
    version = 6 if ":" in target else 4
    try:
        packed = socket.inet_pton(FAMILY[version], target)
    except OSError:
        raise NoRoute(f"{target!r} is not an IP address that can be probed") from None
    return version, socket.inet_ntop(FAMILY[version], packed)


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


class Sent(NamedTuple):
    """A probe on its way: its method, target in canonical text and flow's port; times in ns."""

    method: Method
    target: str
    port: int
    wall: int
    monotonic: int


def round_trip(sent: Sent, received: int | None, now: int) -> float:
    """Seconds from sending to the kernel's receiving.

    ``now`` is the monotonic time in ns. Where the kernel gave no time, or the wall clock was
    set in between (the answer would be older than the probe, or newer than now), the monotonic
    clock stands in: it includes the wait until the answer was read.
    """
    elapsed = now - sent.monotonic
    if received is not None:
        by_kernel = received - sent.wall
        if 0 <= by_kernel <= elapsed + _CLOCK_SLACK:
            return by_kernel / 1e9
    return elapsed / 1e9


class Readiness:
    """Lets one task wait until any of several sockets, or the program itself, has answers.

    An epoll descriptor is readable while one of its members is, so trio waits on a single
    descriptor; `ring` makes it readable for answers that were read in passing.
    """

    def __init__(self, sockets: Iterable[socket.socket]) -> None:
        self._epoll = select.epoll()
        self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._waiting = False
        self._epoll.register(self._bell, select.EPOLLIN)
        for member in sockets:
            self._epoll.register(member, select.EPOLLIN)  # EPOLLERR is always included

    def ring(self) -> None:
        """Make `wait` return although no socket has anything left to read."""
        os.eventfd_write(self._bell, 1)

    def quiet(self) -> None:
        """Undo `ring`."""
        with suppress(BlockingIOError):
            os.eventfd_read(self._bell)

    async def wait(self) -> None:
        """Return once something may be there to read. One task at a time."""
        self._waiting = True
        try:
            await trio.lowlevel.wait_readable(self._epoll.fileno())
        finally:
            self._waiting = False

    def close(self) -> None:
        """Close; a task in `wait` gets trio.ClosedResourceError. Safe to call twice."""
        if self._epoll.closed:
            return
        if self._waiting:
            trio.lowlevel.notify_closing(self._epoll.fileno())
        self._epoll.close()
        os.close(self._bell)
