"""Traces to a list of targets with the probing engine alone, and prints the paths as JSON.

Beside ``gatewatch run`` it shows what attribution, redaction and the disk cost. As scamper does,
it prints each path on a line of its own as soon as it is known; the last line sums up.

Usage: ``python -m scripts.bench.engine BACKEND METHOD RATE FILE [COUNTRY]``. With a country, such
as KH, it measures economically, and every hop around that country's border; ``-`` is no country.
"""

from __future__ import annotations

import functools
import json
import sys
import time
from typing import TYPE_CHECKING

from probe.engine import garbage
from probe.engine.blocking import measure
from probe.engine.session import Session, SessionSettings
from probe.engine.tracing import Task
from probe.network import Method
from probe.network.backend import open_network
from scripts.bench.paths import inferred_in, path_of

if TYPE_CHECKING:
    from probe.engine.economical import Routes
    from probe.engine.manner import Manner
    from probe.record import Trace

# As `probe.cli` does.
garbage.look_seldom()


def routes_from(country: str) -> Routes:
    """The stop set of economical tracing, as ``gatewatch run`` has it.

    The address table opens while the first answers come, as for ``gatewatch trace``.
    """
    from probe.background import Background  # noqa: PLC0415 - only economical tracing needs them
    from probe.engine.economical import Routes  # noqa: PLC0415

    def open_table() -> Manner:
        from probe.engine.manner import Manner  # noqa: PLC0415 - importing takes most of the time
        from probe.origin import open_origin  # noqa: PLC0415

        home = None if country == "-" else country
        return Manner(open_origin(), lambda _: home, multipath="off")

    opened = functools.cache(Background(open_table).result)
    return Routes(lambda address: opened().is_abroad(address))


def main(backend: str, method: str, rate: float, listed: str, country: str | None = None) -> None:
    network = open_network(backend)
    routes = None if country is None else routes_from(country)
    with open(listed, encoding="utf-8") as lines:  # noqa: PTH123 - the engine needs no pathlib
        tasks = [Task(target.strip(), None, Method(method), 1) for target in lines]
    probes = 0

    def finished(trace: Trace) -> None:
        nonlocal probes
        probes += trace.probes or 0
        # At one go, as scamper does: unbuffered, `print` would write the end of the line apart.
        sys.stdout.write(json.dumps([trace.dst_addr, path_of(trace), inferred_in(trace)]) + "\n")

    began = time.perf_counter()
    measure(Session(network, tasks, SessionSettings(rate=rate), routes=routes, finished=finished))
    seconds = time.perf_counter() - began
    network.close()
    print(json.dumps({"seconds": seconds, "probes": probes}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]), *sys.argv[4:])
