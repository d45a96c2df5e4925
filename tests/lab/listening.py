"""What a program that listens on a device inside a namespace does until it is told to end."""

from __future__ import annotations

import selectors
import socket
import sys
from collections.abc import Iterator


def packets_on(wire: socket.socket) -> Iterator[None]:
    """Print ``ready``, then go on each time a packet is there, until the standard input ends.

    What has come by then is there as well.
    """
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    with selectors.DefaultSelector() as waiting:
        waiting.register(wire, selectors.EVENT_READ)
        waiting.register(sys.stdin, selectors.EVENT_READ)
        while any(key.fileobj is wire for key, _ in waiting.select()):
            yield
