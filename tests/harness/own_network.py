"""A network of the test's own: what other programs of the machine send is not heard in it."""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.lab.settled import await_own_addresses

_CLONE_NEWNET = 0x40000000
_SIOCSIFFLAGS = 0x8914
_IFF_UP = 1


@contextmanager
def own_loopback() -> Iterator[None]:
    """Have this thread see a loopback that nobody else uses, until the end.

    Where no network can be made (a container without CAP_SYS_ADMIN, another system) it keeps the
    one that all share.
    """
    if sys.platform != "linux":
        yield
        return
    libc = ctypes.CDLL(None, use_errno=True)
    shared = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        if libc.unshare(_CLONE_NEWNET) != 0:
            yield
            return
        try:
            _start_loopback()
            yield
        finally:
            if libc.setns(shared, _CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "the way back to the machine's network is gone")
    finally:
        os.close(shared)


def _start_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", _IFF_UP))
    if Path("/proc/thread-self/net/if_inet6").exists():
        await_own_addresses()
