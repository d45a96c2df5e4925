"""Traces to a list of targets with the probing engine alone, and prints the paths as JSON.

Beside ``gatewatch run`` it shows what attribution, redaction and the disk cost. As scamper does,
it prints each path on a line of its own as soon as it is known; the last line sums up.

Usage: ``python -m scripts.bench.engine BACKEND METHOD RATE FILE [SETTING=WORD…]``; a setting is a
text field of `probe.session.Settings`.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import trio

from probe.backend import open_network
from probe.network import Method
from probe.session import Settings, measure
from probe.tracing import Task
from scripts.bench.reading import inferred_in, path_of

if TYPE_CHECKING:
    from probe.record import Trace


def main(backend: str, method: str, rate: float, listed: Path, *more: str) -> None:
    chosen: dict[str, Any] = dict(word.split("=") for word in more)
    settings = replace(Settings(rate=rate), **chosen)
    network = open_network(backend)
    tasks = [Task(target, None, Method(method), 1) for target in listed.read_text("utf-8").split()]
    probes = 0

    def finished(trace: Trace) -> None:
        nonlocal probes
        probes += trace.probes or 0
        print(json.dumps([trace.dst_addr, path_of(trace), inferred_in(trace)]))

    async def run() -> float:
        began = time.perf_counter()
        await measure(network, tasks, settings, finished=finished)
        return time.perf_counter() - began

    seconds = trio.run(run)
    network.close()
    print(json.dumps({"seconds": seconds, "probes": probes}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]), Path(sys.argv[4]), *sys.argv[5:])
