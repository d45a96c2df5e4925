"""Parallel paths of finished traces: where they are looked for, and what a record says of them."""

from __future__ import annotations

import weakref
from typing import Literal

import pytest
from trio.testing import MockClock

from probe.engine.economical import Routes
from probe.engine.forks import Forks, between
from probe.engine.measuring import measure
from probe.engine.multipath import MultipathLimits
from probe.engine.session import Session, SessionSettings
from probe.engine.tracing import Task
from probe.graph import Graph
from probe.network import Kind, Method, NoRoute, Probe
from probe.network.scenario import load
from probe.network.simulated import SimulatedNetwork
from probe.record import Hop, Reply, Trace, from_line, to_line
from tests.probe.table import Table

# Two border routers of the provider, three ports abroad, then one way to the targets.
DIAMOND = """
[[path]]
to = "203.0.113.0/24"
hops = [
  { address = "192.168.1.1", rtt = 1 },
  { address = "36.37.0.1", rtt = 2 },
  [[{ address = "36.37.1.1", rtt = 3 }], [{ address = "36.37.1.2", rtt = 3 }]],
  [[{ address = "80.231.1.1", rtt = 40 }], [{ address = "80.231.1.2", rtt = 40 }],
   [{ address = "80.231.1.3", rtt = 40 }]],
  { address = "80.231.2.1", rtt = 41 },
  { address = "80.231.3.1", rtt = 42 },
]
end = { rtt = 43 }
"""


FLOW = 5


def forks(where: Literal["border", "full"], home: str | None = "KH") -> Forks:
    return Forks(where, Table(), lambda trace: home, MultipathLimits())


async def traced(looked_at: Forks, count: int = 1, text: str = DIAMOND) -> list[Trace]:
    traces: list[Trace] = []
    tasks = [Task(f"203.0.113.{n + 1}", None, Method.ICMP, FLOW) for n in range(count)]
    await measure(
        Session(
            load(text).network(),
            tasks,
            SessionSettings(rate=500),
            finished=traces.append,
            explore=looked_at,
        )
    )
    return sorted(traces, key=lambda trace: trace.dst_addr)


def addresses(graph: Graph | None) -> dict[int, set[str | None]]:
    assert graph is not None
    return {level.ttl: {node.address for node in level.nodes} for level in graph.levels}


async def test_the_border_is_looked_at_from_one_hop_before_to_one_after(
    autojump_clock: MockClock,
) -> None:
    """All border routers, all ports abroad and the links between them are found."""
    [trace] = await traced(forks("border"))
    found = addresses(trace.multipath)
    assert found == {
        2: {"36.37.0.1"},
        3: {"36.37.1.1", "36.37.1.2"},
        4: {"80.231.1.1", "80.231.1.2", "80.231.1.3"},
        5: {"80.231.2.1"},
    }
    assert trace.multipath is not None
    assert all(level.complete for level in trace.multipath.levels)
    assert len([link for link in trace.multipath.links if link.ttl == 3]) == 6
    assert trace.probes == 8 + trace.multipath.probes
    assert trace.stop == "destination"


async def test_a_record_carries_what_was_found(autojump_clock: MockClock) -> None:
    """It comes back from the line as it went in."""
    [trace] = await traced(forks("full"))
    assert from_line(to_line(trace)).multipath == trace.multipath


async def test_one_border_is_looked_at_once_in_a_run(autojump_clock: MockClock) -> None:
    """However many targets lie behind it, each pair of hops that cross it is looked at once."""
    traces = await traced(forks("border"), 30)
    looked_at = [trace for trace in traces if trace.multipath is not None]
    assert 1 <= len(looked_at) <= 6
    assert len(traces) == 30


async def test_a_border_is_looked_at_again_where_that_ended_in_an_error(
    autojump_clock: MockClock,
) -> None:
    """What it lost on its way to one target is not left unknown for all others."""

    class Lost(SimulatedNetwork):
        def send(self, probe: Probe) -> None:
            if probe.flow != FLOW and len(traces) < 2:
                raise NoRoute("the way was lost")
            super().send(probe)

    traces: list[Trace] = []
    looked_at = forks("border")
    for _time in range(4):
        await measure(
            Session(
                Lost(load(DIAMOND).way),
                [Task("203.0.113.1", None, Method.ICMP, FLOW)],
                SessionSettings(rate=500),
                finished=traces.append,
                explore=looked_at,
            )
        )
    lost = ("multipath: the way was lost",)
    assert [trace.notes for trace in traces] == [lost, lost, (), ()]
    assert len(addresses(traces[2].multipath)[4]) == 3
    assert traces[3].multipath is None


async def test_of_a_border_that_was_looked_at_only_that_is_remembered(
    autojump_clock: MockClock,
) -> None:
    """A run over thousands of borders does not keep what was found at each: the records do."""
    [trace] = await traced(forks("border"))
    looked_at = forks("border")
    enumeration = looked_at(trace)
    assert enumeration is not None
    remembered = weakref.ref(enumeration)
    del enumeration
    assert remembered() is None
    assert looked_at(trace) is None


async def test_the_full_path_on_request(autojump_clock: MockClock) -> None:
    """From the first hop to the target, and nothing beyond it."""
    [trace] = await traced(forks("full"))
    found = addresses(trace.multipath)
    assert set(found) == {1, 2, 3, 4, 5, 6, 7}
    assert found[7] == {"203.0.113.1"}


async def test_nothing_is_looked_at_where_no_border_is_known(autojump_clock: MockClock) -> None:
    """Without a home country, or on a path that stays at home."""
    for looked_at in (forks("border", None), forks("border", "US")):
        [trace] = await traced(looked_at)
        assert trace.multipath is None


async def test_what_was_taken_over_is_not_told_to_the_enumeration(
    autojump_clock: MockClock,
) -> None:
    """Only measured hops count as flows seen; the others are asked anew."""
    traces: list[Trace] = []
    tasks = [Task(f"203.0.113.{n + 1}", None, Method.ICMP, FLOW) for n in range(2)]
    await measure(
        Session(
            load(DIAMOND).network(),
            tasks,
            SessionSettings(rate=500),
            finished=traces.append,
            explore=forks("full"),
            routes=Routes(lambda address: None),
        )
    )
    second = next(trace for trace in traces if any(not hop.measured for hop in trace.hops))
    assert set(addresses(second.multipath)) == {1, 2, 3, 4, 5, 6, 7}


async def test_a_path_that_ends_in_silence_is_looked_at_as_far_as_it_answers(
    autojump_clock: MockClock,
) -> None:
    """The silent hops behind the last answer are no part of it."""
    dark = DIAMOND.replace("end = { rtt = 43 }", 'end = "dark"')
    [trace] = await traced(forks("full"), text=dark)
    assert max(addresses(trace.multipath)) == 6
    assert trace.stop == "gap"


async def test_an_answer_that_comes_late_shows_its_router_all_the_same(
    autojump_clock: MockClock,
) -> None:
    """A port abroad that takes longer than all before it is no silent one."""
    slow = DIAMOND.replace('80.231.1.2", rtt = 40', '80.231.1.2", rtt = 600')
    [trace] = await traced(forks("border"), text=slow)
    assert [reply.rtt for reply in trace.hops[3].replies] == [pytest.approx(40.0)]
    assert addresses(trace.multipath)[4] == {"80.231.1.1", "80.231.1.2", "80.231.1.3"}


def test_a_border_is_looked_at_no_farther_than_the_path_goes() -> None:
    """Where there is no hop before it, and none behind, the two on its sides are asked."""
    near, far = "36.37.0.1", "80.231.1.1"
    hops = (Hop(1, (Reply(near, 1.0),)), Hop(2, (Reply(far, 40.0),)))
    trace = Trace(far, 4, "ICMP", 0, 1, hops, paris_id=5, stop="destination")
    path = forks("border")(trace)
    assert path is not None
    asked = set()
    while (probe := path.next_probe()) is not None:
        asked.add(probe[0])
        path.sent(*probe)
        kind = Kind.DESTINATION if probe[0] == 2 else Kind.TIME_EXCEEDED
        path.answered(*probe, far if probe[0] == 2 else near, kind, 0.04)
    assert asked == {1, 2}


def test_what_says_nothing_of_its_flow_is_no_node() -> None:
    """Neither what another trace has met, nor what answers another method."""
    hops = (
        Hop(1, (Reply("192.168.1.1", 1.0),), measured=False),
        Hop(2, (Reply("36.37.0.1", 2.0, proto="UDP"),)),
        Hop(3, (Reply("203.0.113.1", 9.0),)),
    )
    trace = Trace("203.0.113.1", 4, "ICMP", 0, 1, hops, paris_id=5, stop="destination")
    path = between(1, 3, trace, MultipathLimits())
    assert addresses(path.graph()) == {3: {"203.0.113.1"}}


def test_it_waits_by_the_times_that_the_trace_has_seen() -> None:
    """A record has them in ms: three times 200 of them."""
    hops = (Hop(1, (Reply("192.168.1.1", 200.0),)),)
    path = between(1, 1, Trace("203.0.113.1", 4, "ICMP", 0, 1, hops), MultipathLimits())
    assert path.patience(1) == pytest.approx(0.6)


def test_a_refusal_on_the_way_is_no_node() -> None:
    """It may be from nearer, and shows neither who stands there nor that the path ends."""
    hops = (
        Hop(1, (Reply("192.168.1.1", 1.0),)),
        Hop(2, (Reply("192.168.1.1", 1.0, err="A"),)),
        Hop(3, (Reply("203.0.113.1", 9.0),)),
    )
    trace = Trace("203.0.113.1", 4, "ICMP", 0, 1, hops, paris_id=5, stop="destination")
    path = between(1, 3, trace, MultipathLimits())
    assert addresses(path.graph()) == {1: {"192.168.1.1"}, 3: {"203.0.113.1"}}
    cut_short = between(1, 2, trace._replace(hops=hops[:2], stop="max_ttl"), MultipathLimits())
    assert addresses(cut_short.graph()) == {1: {"192.168.1.1"}}


def test_a_refusal_at_the_end_is_one() -> None:
    """A path ends there, and its flow is not sent beyond."""
    hops = (Hop(1, (Reply("192.168.1.1", 1.0),)), Hop(2, (Reply("36.37.0.1", 2.0, err="H"),)))
    trace = Trace("203.0.113.1", 4, "ICMP", 0, 1, hops, paris_id=5, stop="unreachable")
    path = between(1, 2, trace, MultipathLimits())
    assert addresses(path.graph()) == {1: {"192.168.1.1"}, 2: {"36.37.0.1"}}
