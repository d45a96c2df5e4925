"""Kernels that lack something."""

from __future__ import annotations

import errno
import os
import socket
from typing import Any


class OnlyIPv4(socket.socket):
    """The sockets of a Linux that was started with ipv6.disable=1: none of that family."""

    def __init__(self, family: int, *rest: Any) -> None:
        if family == socket.AF_INET6:
            raise OSError(errno.EAFNOSUPPORT, os.strerror(errno.EAFNOSUPPORT))
        super().__init__(family, *rest)
