"""Programs that listen inside a namespace, on a device or as a name server, and say so."""

from __future__ import annotations

import selectors
import socket
import sys
from collections.abc import Iterator

# A program: says when it is asked, and never answers.
NAME_SERVER = """
import socket
port = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
port.bind(("", 53))
port.settimeout(60)
print("ready", flush=True)
while port.recv(512):
    print("asked", flush=True)
"""


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
