"""What is played in memory by its own clock is what trio's virtual clock makes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio
from trio.testing import MockClock

from probe.engine.manner import Manner
from probe.engine.measuring import measure
from probe.engine.playing import VirtualClock, play
from probe.engine.session import Session, SessionSettings
from probe.engine.tracing import Task
from probe.network import Method, NotPermitted, Probe
from probe.network.simulated import SimulatedNetwork
from probe.network.ways import DARK, End, Interface, Way
from tests.probe.run.test_foresight import World
from tests.probe.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable

    from probe.engine.forks import Where
    from probe.record import Trace
    from probe.run.targets import Target

WALL = 1_795_435_200.0


def world() -> tuple[World, list[Target]]:
    made = World(5, loss=0.05, forking=0.3)
    return made, [*made.targets("foreign", 5), *made.targets("domestic", 5)]


def traced(
    settings: SessionSettings,
    manner: Manner,
    clock: Callable[[], float],
    network: SimulatedNetwork,
    targets: list[Target],
) -> tuple[Session, list[Trace]]:
    traces: list[Trace] = []
    session = Session(
        network,
        [Task(target.address, None, Method.ICMP, 1) for target in targets],
        settings,
        finished=traces.append,
        routes=manner.routes,
        explore=manner.explore,
        wall_clock=lambda: WALL + clock(),
    )
    return session, traces


def shown(traces: list[Trace]) -> list[Trace]:
    """Traces with times that a clock tells which was put forward in other steps."""
    return [
        trace._replace(timestamp=round(trace.timestamp, 3), endtime=round(trace.endtime, 3))
        for trace in traces
    ]


@pytest.mark.parametrize("economical", [False, True])
@pytest.mark.parametrize("rate", [20.0, 1000.0])
def test_both_clocks_make_the_same_traces(rate: float, economical: bool) -> None:
    """Slow and in ticks, with loss, silence and parallel paths, in the same order."""
    settings = SessionSettings(rate=rate)

    def manner() -> Manner:
        where: Where = "off" if economical else "full"
        return Manner(Table(), lambda _: "KH", economical=economical, multipath=where)

    made, targets = world()
    clock = VirtualClock()
    network = made.network(clock)
    session, played = traced(settings, manner(), clock, network, targets)
    play(session, network, clock)

    made, targets = world()
    session, measured = traced(settings, manner(), trio.current_time, made.network(), targets)
    trio.run(measure, session, clock=MockClock(autojump_threshold=0.0))

    assert len(played) == len(targets)
    assert any(trace.multipath for trace in played) is not economical
    assert shown(played) == shown(measured)


class Refusing(SimulatedNetwork):
    """A network that lets nothing out once it has let out so much."""

    def send(self, probe: Probe) -> None:
        if len(self._outstanding) >= 3:
            raise NotPermitted("no more")
        super().send(probe)


def test_a_play_that_fails_leaves_no_probe_behind() -> None:
    """As any other measurement."""
    made, targets = world()
    clock = VirtualClock()
    network = Refusing(made.way_of_flow, clock=clock)
    manner = Manner(Table(), lambda _: "KH", multipath="off")
    session, _ = traced(SessionSettings(), manner, clock, network, targets)
    with pytest.raises(NotPermitted):
        play(session, network, clock)
    assert not network._outstanding


def test_what_was_answered_while_a_trace_was_kept_is_no_silence() -> None:
    """Here as there, also where a trace ends by silence: the next ones were not sent before."""

    def heard(seconds: float) -> tuple[int, list[tuple[str | None, int | None]]]:
        clock = VirtualClock()
        network = SimulatedNetwork(lambda target, _: half_dark(target), clock=clock)
        traces: list[Trace] = []

        def finished(trace: Trace) -> None:
            traces.append(trace)
            clock.now += seconds

        tasks = [Task(f"203.0.113.{n}", None, Method.ICMP, 1) for n in range(1, 21)]
        settings = SessionSettings(rate=50.0)
        play(Session(network, tasks, settings, finished=finished), network, clock)
        replies = [reply for one in traces for hop in one.hops[:3] for reply in hop.replies]
        assert len(traces) == 20
        return len(replies), [(reply.address, reply.late) for reply in replies if reply.late]

    assert heard(0.0) == heard(3.0) == (60, [])


def half_dark(target: str) -> Way:
    """Three routers, each 50 ms from the one before; of two targets one answers."""
    routers = tuple(Interface(f"192.0.2.{ttl}", (50.0 * ttl,)) for ttl in range(1, 4))
    return Way(routers, End(Interface(target, (200.0,))) if int(target[-1]) % 2 else DARK)
