"""Stray ICMP in great numbers: a run hears its own answers through it, and no others."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
import trio

from probe.engine.measuring import measure
from probe.engine.session import Session, SessionSettings
from probe.engine.tracing import Task
from probe.network import Method
from probe.network.raw import Raw, open_raw
from tests.lab.flood import KINDS
from tests.lab.namespaces import requires_lab
from tests.lab.tun import Internet, enter_own_network

if TYPE_CHECKING:
    from collections.abc import Iterator

    from probe.record import Trace

pytestmark = [pytest.mark.lab, requires_lab, pytest.mark.xdist_group("lab-tun")]

# GATEWATCH_STRAYS=1000000 makes it the million that a run must live with; it takes longer.
STRAYS = int(os.environ.get("GATEWATCH_STRAYS", "200000"))

# Traces that are made however fast this machine floods.
LEAST = 10

OWN = "10.9.8.1"
HOPS = [f"192.0.2.{n}" for n in range(1, 9)]
NETWORK = """
[[path]]
to = "203.0.113.0/24"
hops = [{}]
end = {{ rtt = 20 }}
""".format(", ".join(f'{{ address = "{address}", rtt = 2 }}' for address in HOPS))


async def _measure(internet: Internet, network: Raw, flood: subprocess.Popen[bytes]) -> list[Trace]:
    traces: list[Trace] = []

    def tasks() -> Iterator[Task]:
        """One target after the other for as long as the flood lasts, and a few in any case."""
        for nth in range(5000):
            if nth >= LEAST and flood.poll() is not None:
                return
            yield Task(f"203.0.113.{1 + nth % 250}", None, Method.TCP, 1)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(internet.serve)
        await measure(
            Session(network, tasks(), SessionSettings(rate=400.0), finished=traces.append)
        )
        nursery.cancel_scope.cancel()
    return traces


def _run_in_flood() -> tuple[list[Trace], dict[str, int]]:
    enter_own_network()
    internet, network = Internet(NETWORK), open_raw()
    flood = subprocess.Popen(
        [sys.executable, "-m", "tests.lab.flood", OWN, str(STRAYS)], stdout=subprocess.PIPE
    )
    try:
        traces = trio.run(_measure, internet, network, flood)
        assert flood.communicate(timeout=120)[0] == b"%d\n" % STRAYS
        network.drain()
        return traces, network.discarded()
    finally:
        flood.kill()
        flood.communicate()
        network.close()
        internet.close()


def test_stray_icmp_does_not_disturb_a_run() -> None:
    """Each trace through the flood has its hops and no others, and what is refused is counted."""
    with ThreadPoolExecutor(1) as thread:
        traces, discarded = thread.submit(_run_in_flood).result()
    assert len(traces) >= LEAST
    for trace in traces:
        assert trace.stop == "destination"
        found = [{reply.address for reply in hop.replies} - {None} for hop in trace.hops]
        assert found == [{address} for address in (*HOPS, trace.dst_addr)]
    # Four in five are dropped by the kernel's filter, the rest may overflow the receive buffer.
    assert 0 < sum(discarded.values()) <= math.ceil(STRAYS / KINDS)
    assert set(discarded) <= {"unexpected", "wrong_tag"}
