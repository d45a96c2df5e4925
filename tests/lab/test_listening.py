"""What the lab's own listeners have heard by the time they are told to end."""

from __future__ import annotations

import os
import socket
import sys
from typing import TYPE_CHECKING

from tests.lab.listening import packets_on

if TYPE_CHECKING:
    import pytest


def test_what_came_before_the_end_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine a listener finds both at once: packets that wait, and its input ended."""
    ended, writer = os.pipe()
    os.close(writer)
    near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with near, far, os.fdopen(ended) as standard_input:
        monkeypatch.setattr(sys, "stdin", standard_input)
        far.send(b"first")
        far.send(b"second")
        assert [near.recv(64) for _ in packets_on(near)] == [b"first", b"second"]
