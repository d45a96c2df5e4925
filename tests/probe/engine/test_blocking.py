"""The loop without trio: the same traces, over real sockets of this machine."""

from __future__ import annotations

import io
import time
from typing import TYPE_CHECKING

import pytest
import trio

from probe.engine import blocking, measuring
from probe.engine.horizon import Limits
from probe.engine.session import Session, SessionSettings
from probe.engine.tracing import Task
from probe.network import Method
from probe.network.errqueue import open_errqueue
from tests.probe import paths

if TYPE_CHECKING:
    from probe.record import Trace

HASTY = SessionSettings(
    rate=1000.0,
    limits=Limits(timeout_floor=0.01, timeout_ceiling=0.01, aim_timeout=0.01, gap_limit=2),
)


def _tasks(count: int) -> list[Task]:
    return [Task(f"127.0.0.{last}", None, Method.UDP, 1) for last in range(1, count + 1)]


@pytest.mark.parametrize("rate", [50.0, 5000.0])
def test_it_measures_what_trio_measures(rate: float) -> None:
    """Slow, where each packet is waited for, and fast, where time goes in ticks."""
    settings = SessionSettings(rate=rate)
    by: dict[str, list[Trace]] = {"blocking": [], "trio": []}
    for name, found in by.items():
        network = open_errqueue()
        session = Session(network, _tasks(4), settings, finished=found.append)
        if name == "trio":
            trio.run(measuring.measure, session)
        else:
            blocking.measure(session)
        network.close()
    blocked, awaited = (
        [
            trace._replace(timestamp=0.0, endtime=0.0, hops=())
            for trace in sorted(found, key=lambda trace: trace.dst_addr)
        ]
        for found in by.values()
    )
    assert [trace.stop for trace in blocked] == ["destination"] * 4
    assert blocked == awaited


def test_silence_is_given_up_in_time() -> None:
    """Nothing is heard, and the end comes by the clock."""
    network = paths.Silent()
    found: list[Trace] = []
    began = time.monotonic()
    blocking.measure(Session(network, _tasks(2), HASTY, finished=found.append))
    took = time.monotonic() - began
    network.close()
    assert [trace.stop for trace in found] == ["gap", "gap"]
    # Three waits in a row at least: for the distance, and for each hop twice.
    assert 0.03 <= took < 5.0
    assert network.outstanding == set()


def test_what_a_callback_raises_ends_it() -> None:
    """It comes out as it was raised, and the network has forgotten what was under way."""
    network = paths.Silent()

    def full(trace: Trace) -> None:
        raise OSError(f"no room for {trace.dst_addr}")

    with pytest.raises(OSError, match=r"no room for 127\.0\.0\.\d"):
        blocking.measure(Session(network, _tasks(9), HASTY, finished=full))
    network.close()
    assert network.outstanding == set()


def test_a_network_in_memory_is_refused() -> None:
    """It has nothing to wait on."""
    session = Session(paths.network(), _tasks(1), HASTY, finished=lambda _: None)
    with pytest.raises(io.UnsupportedOperation, match="in memory"):
        blocking.measure(session)
