"""Traces to a list of targets with the probing engine alone, and prints the paths as JSON.

Beside ``gatewatch run`` it shows what attribution, redaction and the disk cost.

Usage: ``python -m scripts.bench.engine BACKEND METHOD RATE FILE``
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import trio

from probe.backend import open_network
from probe.network import Method
from probe.session import Settings, measure
from probe.tracing import Task
from scripts.bench.reading import path_of

if TYPE_CHECKING:
    from probe.record import Trace


def main(backend: str, method: str, rate: float, listed: Path) -> None:
    traces: list[Trace] = []
    network = open_network(backend)
    tasks = [Task(target, None, Method(method), 1) for target in listed.read_text("utf-8").split()]

    async def run() -> None:
        await measure(network, tasks, Settings(rate=rate), finished=traces.append)

    trio.run(run)
    network.close()
    print(json.dumps({trace.dst_addr: path_of(trace) for trace in traces}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]), Path(sys.argv[4]))
