"""Waiting for several sockets at once."""

from __future__ import annotations

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
