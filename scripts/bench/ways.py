"""Looks for all ways to one target with the probing engine alone, and prints the links as JSON.

Usage: ``python -m scripts.bench.ways HOST RATE NTH``; each look has flows of its own.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from probe.engine.blocking import measure
from probe.engine.forks import between, whole
from probe.engine.multipath import FLOW_NUMBERS, MultipathLimits
from probe.engine.session import Session, SessionSettings
from probe.engine.tracing import Task
from probe.network import Method
from probe.network.backend import open_network

if TYPE_CHECKING:
    from probe.engine.multipath import Enumeration
    from probe.record import Trace


# No look takes as many flows, and 300 looks have room.
APART = 200


def main(host: str, rate: float, nth: int) -> None:
    traces: list[Trace] = []
    network = open_network("raw")

    def explore(trace: Trace) -> Enumeration | None:
        span = whole(trace)
        return None if span is None else between(*span, trace, MultipathLimits())

    task = Task(host, None, Method.UDP, nth * APART % FLOW_NUMBERS)
    measure(
        Session(
            network, [task], SessionSettings(rate=rate), explore=explore, finished=traces.append
        )
    )
    network.close()
    graph = traces[0].multipath
    assert graph is not None
    print(json.dumps([[link.near, link.far] for link in graph.links]))


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]))
