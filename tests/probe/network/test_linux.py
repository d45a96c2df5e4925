"""Waiting for several sockets at once."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from probe.network.linux import Readiness


async def test_a_rung_bell_ends_waiting_until_it_is_quiet() -> None:
    """Answers that were read in passing wake the waiting task, once."""
    readiness = Readiness(())
    readiness.ring()
    await readiness.wait()
    readiness.quiet()
    readiness.quiet()
    readiness.close()
    readiness.close()


def test_readiness_that_cannot_be_made_leaves_nothing_open() -> None:
    """As where the system gives no more descriptors, or a member is closed already."""
    closed = socket.socket()
    closed.close()
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(ValueError, match="descriptor") as failed:
        Readiness([closed])
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    assert failed.traceback
