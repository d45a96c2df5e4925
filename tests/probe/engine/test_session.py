from __future__ import annotations

import itertools
import signal
from collections import Counter
from typing import TYPE_CHECKING

import pytest
import trio
import trio.testing

from probe.engine.economical import Routes
from probe.engine.forks import Forks
from probe.engine.horizon import Limits
from probe.engine.measuring import measure
from probe.engine.multipath import Enumeration, MultipathLimits
from probe.engine.session import Session, SessionSettings
from probe.engine.tracing import Task
from probe.network import Capability, Kind, Method, NotPermitted, Probe
from probe.network.scenario import load
from probe.network.simulated import SimulatedNetwork
from probe.network.ways import DARK, SILENT, End, Interface, Packet, Reaction, Way
from probe.record import Hop, Trace, from_line, to_line
from tests.harness.playing import Heard
from tests.probe.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from trio.testing import MockClock

    from probe.engine.forks import Where

TEN_HOPS = """
[[path]]
to = "203.0.113.0/24"
hops = [{}]
end = {{ rtt = 200 }}
""".format(", ".join(f'{{ address = "192.0.2.{n}", rtt = {n * n} }}' for n in range(1, 10)))


class Watched(SimulatedNetwork):
    """Notes when each probe left and what it reached, and that no token is used twice at a time."""

    def __init__(self, text: str) -> None:
        scenario = load(text)
        super().__init__(scenario.way, seed=scenario.seed)
        self.scenario = scenario
        self.sent: list[tuple[float, Probe]] = []
        self.open: set[int] = set()

    def send(self, probe: Probe) -> None:
        super().send(probe)
        assert probe.token not in self.open
        self.open.add(probe.token)
        self.sent.append((trio.current_time(), probe))

    def forget(self, token: int) -> None:
        super().forget(token)
        self.open.discard(token)

    def arrivals(self) -> dict[str | None, list[float]]:
        """When packets reached each router, by its address."""
        times: dict[str | None, list[float]] = {}
        for at, probe in self.sent:
            way = self.scenario.way(probe.target, probe.flow)
            assert way is not None
            router = way.at(probe.ttl)
            times.setdefault(router.address if router else probe.target, []).append(at)
        return times


def assert_no_router_saw_a_burst(network: Watched) -> None:
    for address, times in network.arrivals().items():
        if address is None or address.startswith("203."):
            continue
        busiest = max(sum(1 for t in times if at <= t < at + 0.1) for at in times)
        assert busiest <= 3, address


async def traced(
    network: Watched,
    count: int,
    *,
    abroad: Callable[[str], bool] | None = None,
    where: Where = "off",
) -> list[Trace]:
    """Traces at 100 packets a second; economical where it is known who stands ``abroad``."""
    traces: list[Trace] = []
    await measure(
        Session(
            network,
            tasks(count),
            SessionSettings(rate=100.0),
            finished=traces.append,
            routes=None if abroad is None else Routes(abroad),
            explore=None
            if where == "off"
            else Forks(where, Table(), lambda trace: "KH", MultipathLimits()),
        )
    )
    return traces


def tasks(count: int, method: Method = Method.ICMP) -> list[Task]:
    return [Task(f"203.0.113.{n + 1}", None, method, 0) for n in range(count)]


async def test_a_trace_says_all_that_a_record_needs(autojump_clock: MockClock) -> None:
    """What was measured, how, when and what the network layer could see."""
    network = load(TEN_HOPS).network()
    traces: list[Trace] = []
    await trio.sleep(3.0)
    await measure(
        Session(
            network,
            [Task("203.0.113.7", "a target", Method.UDP, 11)],
            SessionSettings(),
            finished=traces.append,
            wall_clock=lambda: 1_700_000_000.0 + trio.current_time(),
        )
    )
    [trace] = traces
    assert (trace.dst_addr, trace.dst_name, trace.af) == ("203.0.113.7", "a target", 4)
    assert (trace.proto, trace.paris_id, trace.backend) == ("UDP", 11, "simulated")
    assert set(trace.sees) == set(Capability)
    assert trace.size == network.probe_size(Method.UDP, 4)
    assert trace.timestamp == 1_700_000_003.0
    # The tenth probe leaves 9 × 50 ms after the first and is answered 200 ms later.
    assert trace.endtime == pytest.approx(1_700_000_003.65)
    assert trace.hops[3].replies[0].rtt == pytest.approx(16.0)
    assert trace.hops[3].replies[0].ttl == 252
    assert trace.hops[3].replies[0].quoted_ttl == 1
    assert trace.vantage is None
    assert all(hop.attribution is None for hop in trace.hops)
    assert from_line(to_line(trace)).hops == trace.hops


async def test_pace_is_exact_and_does_not_drift(autojump_clock: MockClock) -> None:
    """At 20 packets a second they leave 50 ms apart, once the first has told the distance."""
    network = Watched(TEN_HOPS)
    await measure(Session(network, tasks(20), SessionSettings(rate=20.0), finished=lambda _: None))
    times = [at for at, _ in network.sent]
    assert len(times) >= 200
    assert times[:2] == pytest.approx([0.0, 0.2])
    assert times[1:181] == pytest.approx([times[1] + n / 20 for n in range(180)])
    assert min(b - a for a, b in itertools.pairwise(times)) == pytest.approx(0.05)


@pytest.mark.parametrize("rate", [50.0, 500.0, 1_000.0, 20_000.0])
async def test_no_window_holds_more_than_the_rate(autojump_clock: MockClock, rate: float) -> None:
    """However fast, no span of time holds more packets than its length and a tick allow."""
    network = Watched(TEN_HOPS)
    await measure(Session(network, tasks(200), SessionSettings(rate=rate), finished=lambda _: None))
    times = [at for at, _ in network.sent]
    for span in (0.01, 0.1, 1.0):
        first = 0
        for last, at in enumerate(times):
            while times[first] < at - span:
                first += 1
            assert last - first <= (span + SessionSettings().tick) * rate + 1
    assert len(times) / (times[-1] - times[0]) > 0.8 * rate or rate > 5_000


async def test_what_all_wait_for_waits_for_no_tick(autojump_clock: MockClock) -> None:
    """At a fast rate a near target costs its RTTs, and no tick for each answer."""
    network = Watched(
        '[[path]]\nto = "203.0.113.0/24"\n'
        'hops = [{ address = "192.0.2.1", rtt = 0.25 }]\nend = { rtt = 0.5 }'
    )
    ended: list[float] = []
    await measure(
        Session(
            network,
            tasks(1),
            SessionSettings(rate=1_000.0),
            finished=lambda _: ended.append(trio.current_time()),
        )
    )
    assert [at for at, _ in network.sent] == pytest.approx([0.0, 0.0005, 0.0005])
    assert ended == pytest.approx([0.001])


async def test_pauses_are_not_made_good_by_bursts(autojump_clock: MockClock) -> None:
    """After waiting for silent hops the next packets keep their distance."""
    network = Watched('[[path]]\nto = "203.0.113.0/24"\nend = "dark"')
    await measure(Session(network, tasks(2), SessionSettings(rate=10.0), finished=lambda _: None))
    times = [at for at, _ in network.sent]
    assert min(b - a for a, b in itertools.pairwise(times)) == pytest.approx(0.1)


def test_silence_is_waited_for_asleep() -> None:
    """A path is looked at when a probe was sent or may be given up, and not all the time."""
    now, looks = 0.0, 0
    ended: list[Trace] = []
    network = SimulatedNetwork(lambda target, flow: Way((), DARK), clock=lambda: now)
    session = Session(network, tasks(1), SessionSettings(), finished=ended.append)
    while not session.over and looks < 100:
        now = session.advance(now)
        session.collect(now)
        looks += 1
    assert [trace.stop for trace in ended] == ["gap"]
    assert looks <= 3 * (ended[0].probes or 0)


async def test_no_router_sees_bursts(autojump_clock: MockClock) -> None:
    """At 100 packets a second no router gets more than three in any 100 ms."""
    network = Watched(TEN_HOPS)
    await traced(network, 100)
    assert_no_router_saw_a_burst(network)


@pytest.mark.parametrize("end", ["{ rtt = 200 }", '"dark"'])
async def test_nor_do_the_last_routers_of_economical_traces(
    autojump_clock: MockClock, end: str
) -> None:
    """All begin with the same hops at the end: these wait for each other, and the run goes on."""
    network = Watched(TEN_HOPS.replace("{ rtt = 200 }", end))
    traces = await traced(network, 60, abroad=lambda address: int(address.rpartition(".")[2]) > 5)
    assert len(traces) == 60
    assert_no_router_saw_a_burst(network)
    assert trio.current_time() < len(network.sent) / 100.0 + 6.0


def is_carrier(address: str) -> bool:
    return address.startswith("80.")


def behind_borders(routers: int, borders: int) -> str:
    """Routers in a row, all paths over the first half of them, then abroad by one of many links."""
    domestic = (routers + 1) // 2
    return "".join(
        f"""
[[path]]
to = "203.0.113.{8 * border}/29"
hops = [{
            ", ".join(
                f'{{ address = "36.37.0.{n}", rtt = {4 * n} }}'
                if n <= domestic
                else f'{{ address = "80.231.{border}.{n}", rtt = {30 + 4 * n} }}'
                for n in range(1, routers + 1)
            )
        }]
end = {{ rtt = 90 }}
"""
        for border in range(borders)
    )


@pytest.mark.parametrize("economical", [False, True])
@pytest.mark.parametrize(
    ("routers", "borders", "where"),
    [
        (10, 20, "border"),
        (10, 4, "full"),
        (6, 8, "border"),
        (4, 1, "off"),
        (3, 1, "off"),
        (3, 8, "border"),
    ],
)
async def test_nor_does_the_one_before_the_border_where_parallel_paths_are_looked_for(
    autojump_clock: MockClock, routers: int, borders: int, where: Where, *, economical: bool
) -> None:
    """The paths over many links abroad have it in common, as near ones have all their routers."""
    network = Watched(behind_borders(routers, borders))
    traces = await traced(
        network, 8 * borders - 1, abroad=is_carrier if economical else None, where=where
    )
    explored = sum(trace.multipath is not None for trace in traces)
    assert explored == {"border": borders, "full": len(traces), "off": 0}[where]
    assert_no_router_saw_a_burst(network)
    assert trio.current_time() < 1.6 * len(network.sent) / 100.0 + 2.0


def behind_wide_borders(borders: int, *, together: bool) -> str:
    """Five routers in common, then one of many borders, each with four links side by side.

    What is behind each is its own, or ``together`` one carrier of all.
    """
    return "".join(
        f"""
[[path]]
to = "203.0.113.{4 * border}/30"
hops = [{", ".join(f'{{ address = "36.37.0.{n}", rtt = {4 * n} }}' for n in range(1, 6))}, [{
            ", ".join(f'[{{ address = "80.231.{border}.{n}", rtt = 60 }}]' for n in range(1, 5))
        }], {
            ", ".join(
                f'{{ address = "80.231.{99 if together else border}.{n}", rtt = {60 + n} }}'
                for n in range(7, 11)
            )
        }]
end = {{ rtt = 90 }}
"""
        for border in range(borders)
    )


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize("economical", [False, True])
async def test_many_borders_are_looked_at_side_by_side(
    autojump_clock: MockClock, *, economical: bool, together: bool
) -> None:
    """No router gets a burst, and where each has routers of its own none waits for another."""
    network = Watched(behind_wide_borders(12, together=together))
    traces = await traced(network, 47, abroad=is_carrier if economical else None, where="border")
    found = [trace.multipath for trace in traces if trace.multipath is not None]
    assert len(found) >= 12
    assert_no_router_saw_a_burst(network)
    assert trio.current_time() < len(network.sent) / 100.0 * (1.6 if together else 1.15) + 3.0


async def test_a_hundred_targets_take_no_longer_than_their_packets(
    autojump_clock: MockClock,
) -> None:
    """Waiting for one target's silence is time for the others."""
    network = Watched(TEN_HOPS.replace('{ address = "192.0.2.3", rtt = 9 }', '"*"'))
    traces: list[Trace] = []
    await measure(Session(network, tasks(100), SessionSettings(rate=100.0), finished=traces.append))
    assert len(traces) == 100
    assert trio.current_time() < len(network.sent) / 100.0 + 3.0


async def test_random_loss_is_made_up_by_a_second_attempt(autojump_clock: MockClock) -> None:
    """With 5% loss, two attempts find all but about one hop in four hundred."""
    text = TEN_HOPS.replace("rtt = 16", "rtt = 16, loss = 0.05")
    traces: list[Trace] = []
    await measure(
        Session(Watched(text), tasks(200), SessionSettings(rate=2000.0), finished=traces.append)
    )
    fourth = [trace.hops[3].replies for trace in traces]
    assert sum(1 for replies in fourth if len(replies) == 2) >= 5
    assert sum(1 for replies in fourth if replies[-1].is_star) <= 3
    assert all(trace.stop == "destination" for trace in traces)


SLOW_LINE = """
[[path]]
to = "203.0.113.0/24"
hops = [{{ address = "192.0.2.1", rtt = 2 }}, {}]
end = {{ rtt = 10040 }}
""".format(", ".join(f'{{ address = "192.0.2.{n}", rtt = {10000 + n} }}' for n in range(2, 9)))


class Narrow(Watched):
    """A line that carries so many packets a second, and keeps ten seconds of them waiting."""

    def __init__(self, capacity: float) -> None:
        super().__init__(TEN_HOPS)
        self.capacity = capacity
        self.free = 0.0
        self.waited: list[float] = []
        reacts = self._fates.of

        def behind_the_queue(packet: Packet, now: float) -> list[Reaction]:
            waits = max(self.free, now) + 1 / self.capacity - now
            if waits > 10:
                return []
            self.free = now + waits
            self.waited.append(waits)
            return [one._replace(delay=one.delay + waits) for one in reacts(packet, now)]

        self._fates.of = behind_the_queue  # type: ignore[method-assign]


@pytest.mark.parametrize(("capacity", "full"), [(8.0, 0.2), (16.0, 0.0)])
async def test_a_line_that_carries_less_than_the_pace_is_not_kept_full(
    autojump_clock: MockClock, capacity: float, full: float
) -> None:
    """Its owner could not use it for minutes, and a fifth of the hops came to be silent."""
    network = Narrow(capacity)
    traces: list[Trace] = []
    await measure(Session(network, tasks(240), SessionSettings(), finished=traces.append))
    assert {trace.stop for trace in traces} == {"destination"}
    assert sum(waits > 4 for waits in network.waited) <= full * len(network.waited)
    hops = [hop for trace in traces for hop in trace.hops]
    assert not any(all(reply.is_star for reply in hop.replies) for hop in hops)


async def test_a_line_that_was_away_for_a_moment_gets_its_pace_back(
    autojump_clock: MockClock,
) -> None:
    """As a telephone's that changes cells: that costs one minute, and not the whole run."""
    network = Narrow(1000.0)
    network.free = 6.0
    await measure(Session(network, tasks(240), SessionSettings(), finished=lambda _: None))
    times = [at for at, _ in network.sent]
    assert 240 * 10 / 20 + 30 < times[-1] < 240 * 10 / 20 + 60
    assert times[-1] - times[-1001] == pytest.approx(1000 / 20, rel=0.01)


async def test_a_line_with_a_queue_of_ten_seconds(autojump_clock: MockClock) -> None:
    """What answers after its trace is over has the next ones wait, and ask no hop twice for it."""
    network = Watched(SLOW_LINE)
    traces: list[Trace] = []
    await measure(Session(network, tasks(240), SessionSettings(), finished=traces.append))
    later = traces[80:]
    assert {trace.stop for trace in later} == {"destination"}
    assert all(not hop.replies[0].is_star for trace in later for hop in trace.hops)
    assert sum(trace.probes or 0 for trace in later) <= 1.1 * 9 * len(later)
    assert network.open == set()


async def test_a_trace_does_not_wait_for_what_it_need_not_know(autojump_clock: MockClock) -> None:
    """A late answer ends it though the hop was just asked again, and stands there alone."""
    text = TEN_HOPS.replace("rtt = 200", "rtt = 100").replace("rtt = 16 ", "rtt = 420 ")
    traces: list[Trace] = []
    network = Watched(text)
    await measure(Session(network, tasks(1), SessionSettings(rate=100.0), finished=traces.append))
    assert [str(Heard(reply)) for reply in traces[0].hops[3].replies] == ["192.0.2.4(late)"]
    assert [probe.ttl for _, probe in network.sent].count(4) == 2
    assert network.open == set()


async def test_a_target_without_route_does_not_stop_the_others(autojump_clock: MockClock) -> None:
    """Its trace ends at once, with an error that says why."""
    traces: dict[str, Trace] = {}
    await measure(
        Session(
            load(TEN_HOPS).network(),
            [Task("198.51.100.1", None, Method.ICMP, 0), *tasks(1)],
            SessionSettings(),
            finished=lambda trace: traces.update({trace.dst_addr: trace}),
        )
    )
    assert traces["198.51.100.1"].stop == "error"
    assert traces["198.51.100.1"].error == "the simulated network has no route to 198.51.100.1"
    assert traces["198.51.100.1"].hops == ()
    assert traces["203.0.113.1"].stop == "destination"


async def test_both_families_in_one_run(autojump_clock: MockClock) -> None:
    """IPv4 and IPv6 targets are traced side by side."""
    text = (
        TEN_HOPS
        + '[[path]]\nto = "2001:db8::/32"\nhops = [{address = "2001:db8::1", rtt = 1}]\n'
        + "end = { rtt = 2 }\n"
    )
    traces: list[Trace] = []
    await measure(
        Session(
            load(text).network(),
            [*tasks(1), Task("2001:db8:1::1", None, Method.ICMP, 0)],
            SessionSettings(),
            finished=traces.append,
        )
    )
    assert {(trace.af, len(trace.hops), trace.stop) for trace in traces} == {
        (4, 10, "destination"),
        (6, 2, "destination"),
    }


async def test_a_full_send_buffer_is_waited_out(autojump_clock: MockClock) -> None:
    """A packet that found no room is sent a little later, once, and no other instead of it."""

    class Crowded(Watched):
        refusals = 3

        def send(self, probe: Probe) -> None:
            if self.refusals and len(self.sent) == 4:
                self.refusals -= 1
                raise BlockingIOError
            super().send(probe)

    network = Crowded(TEN_HOPS)
    traces: list[Trace] = []
    await measure(Session(network, tasks(1), SessionSettings(), finished=traces.append))
    assert traces[0].stop == "destination"
    assert Counter(probe.ttl for _, probe in network.sent)[5] == 1
    assert network.sent[4][0] == pytest.approx(0.35 + 3 * 0.01)


async def test_a_refused_permission_ends_the_run_as_it_is(autojump_clock: MockClock) -> None:
    """NotPermitted comes out bare, not wrapped in a group."""

    class Forbidden(Watched):
        def send(self, probe: Probe) -> None:
            raise NotPermitted("no")

    with pytest.raises(NotPermitted, match="no"):
        await measure(
            Session(Forbidden(TEN_HOPS), tasks(3), SessionSettings(), finished=lambda _: None)
        )


async def test_what_finished_raises_comes_out_and_nothing_is_left_behind(
    autojump_clock: MockClock,
) -> None:
    """When a trace cannot be kept the run ends there, with that error, and forgets its probes."""
    network = Watched(TEN_HOPS)
    delivered: list[Trace] = []

    def finished(trace: Trace) -> None:
        if len(delivered) == 2:
            raise OSError(28, "No space left on device")
        delivered.append(trace)

    with pytest.raises(OSError, match="No space left"):
        await measure(Session(network, tasks(10), SessionSettings(rate=500.0), finished=finished))
    assert len(delivered) == 2
    assert network.open == set()


async def test_cancelling_keeps_what_is_finished(autojump_clock: MockClock) -> None:
    """Traces that ended before the cancellation were handed over; the others never are."""
    network = Watched(TEN_HOPS)
    delivered: list[Trace] = []
    with trio.move_on_after(2.0) as scope:
        await measure(Session(network, tasks(10), SessionSettings(), finished=delivered.append))
    assert scope.cancelled_caught
    assert 1 <= len(delivered) < 10
    assert all(trace.stop == "destination" for trace in delivered)
    assert network.open == set()


def test_ctrl_c_does_not_cut_a_callback_in_half() -> None:
    """Ctrl-C while a trace is being kept waits until it is kept, then ends the run."""
    network = Watched(TEN_HOPS)
    kept: list[Trace] = []

    def finished(trace: Trace) -> None:
        signal.raise_signal(signal.SIGINT)
        kept.append(trace)

    async def main() -> None:
        await measure(Session(network, tasks(10), SessionSettings(), finished=finished))

    with pytest.raises(KeyboardInterrupt):
        trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0.0))
    assert len(kept) == 1
    assert network.open == set()


async def test_known_follows_the_trace_as_it_grows(autojump_clock: MockClock) -> None:
    """Each hop is told once, in order, when nothing more will be asked of it."""
    told: list[tuple[float, int, str]] = []

    def known(task: Task, hop: Hop) -> None:
        said = " ".join(str(Heard(reply)) for reply in hop.replies)
        told.append((round(trio.current_time(), 3), hop.number, said))

    text = """
    [[path]]
    to = "203.0.113.0/24"
    hops = [{ address = "192.0.2.1", rtt = 1 }, "*"]
    end = { rtt = 9 }
    """
    await measure(
        Session(
            load(text).network(), tasks(1), SessionSettings(), finished=lambda _: None, known=known
        )
    )
    assert told == [
        (0.051, 1, "192.0.2.1"),
        (0.9, 2, "* *(udp)"),
        (0.9, 3, "203.0.113.1"),
    ]


async def test_the_first_trace_learns_the_distance_for_all(autojump_clock: MockClock) -> None:
    """Only the first trace spends a probe on that; the others take a probe a hop."""
    network = Watched(TEN_HOPS)
    await measure(Session(network, tasks(50), SessionSettings(rate=500.0), finished=lambda _: None))
    assert len(network.sent) == 50 * 10 + 1


async def test_tasks_are_read_as_they_are_begun(autojump_clock: MockClock) -> None:
    """A list too long to hold is no trouble: it is read no faster than it is measured."""
    ended = 0
    ahead = 0

    def finished(_: Trace) -> None:
        nonlocal ended
        ended += 1

    def endless() -> Iterator[Task]:
        nonlocal ahead
        for number, task in enumerate(tasks(100)):
            ahead = max(ahead, number - ended)
            yield task

    await measure(
        Session(load(TEN_HOPS).network(), endless(), SessionSettings(rate=50.0), finished=finished)
    )
    assert ended == 100
    assert ahead < 20


async def test_more_probes_than_tokens(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many targets stay dark at once, no token is taken while it is still in use."""
    monkeypatch.setattr("probe.engine.session.TOKENS", 256)
    network = Watched('[[path]]\nto = "203.0.113.0/24"\nend = "dark"')
    done: list[str | None] = []
    await measure(
        Session(
            network,
            tasks(200),
            SessionSettings(rate=5000.0),
            finished=lambda trace: done.append(trace.stop),
        )
    )
    assert len(network.sent) == 1_600
    assert done == ["gap"] * 200


def test_a_run_repeats_itself() -> None:
    """The same seed gives the same packets at the same times and the same traces."""

    def once() -> tuple[list[tuple[float, Probe]], list[Trace]]:
        network = Watched("seed = 5\n" + TEN_HOPS.replace("rtt = 4 ", "rtt = 4, loss = 0.5 "))
        traces: list[Trace] = []

        async def main() -> None:
            await measure(
                Session(
                    network,
                    tasks(20),
                    SessionSettings(rate=200.0),
                    finished=traces.append,
                    wall_clock=trio.current_time,
                )
            )

        trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0.0))
        # Tokens are drawn anew each time.
        return [(at, probe._replace(token=0)) for at, probe in network.sent], traces

    assert once() == once()


TREE = """
[[path]]
to = "203.0.113.0/25"
hops = [{ address = "192.0.2.1", rtt = 1 }, { address = "192.0.2.2", rtt = 2 }, "*",
  { address = "192.0.2.4", rtt = 4 }, { address = "198.51.100.5", rtt = 5 }]
end = { rtt = 9 }

[[path]]
to = "203.0.113.128/25"
hops = [{ address = "192.0.2.1", rtt = 1 }, { address = "192.0.2.2", rtt = 2 }, "*",
  { address = "192.0.2.44", rtt = 4 }, { address = "198.51.100.55", rtt = 5 }]
end = { rtt = 9 }
"""


async def test_economical_traces_share_what_they_have_in_common(autojump_clock: MockClock) -> None:
    """Two probes a target; every router is measured by some trace, and what is not says so."""
    network = Watched(TREE)
    traces: list[Trace] = []
    wanted = [
        Task(f"203.0.113.{n}", None, Method.ICMP, 0) for n in (*range(1, 31), *range(201, 231))
    ]
    await measure(
        Session(
            network,
            wanted,
            SessionSettings(rate=20.0),
            finished=traces.append,
            routes=Routes(lambda address: None),
        )
    )
    assert len(network.sent) <= 2.5 * len(wanted)
    for trace in traces:
        near = int(trace.dst_addr.rpartition(".")[2]) < 128
        expected = ["192.0.2.1", "192.0.2.2", None, "192.0.2.4" if near else "192.0.2.44"]
        assert [hop.replies[0].address for hop in trace.hops[:4]] == expected
        assert len(trace.hops) == 6
        assert trace.stop == "destination"
    measured = {hop.replies[0].address for trace in traces for hop in trace.hops if hop.measured}
    assert {"192.0.2.1", "192.0.2.2", "192.0.2.4", "192.0.2.44", "198.51.100.55"} <= measured
    inferred = [hop for trace in traces for hop in trace.hops if not hop.measured]
    assert len(inferred) > 150
    assert all(hop.replies[0].rtt is None for hop in inferred)
    assert from_line(to_line(traces[-1])).hops == traces[-1].hops


async def sent_to_others_first(network: Watched) -> list[Probe]:
    """What forty economical traces send until the first ends, but for its own probes."""
    ended: list[float] = []
    await measure(
        Session(
            network,
            tasks(40),
            SessionSettings(rate=100.0),
            finished=lambda _: ended.append(trio.current_time()),
            routes=Routes(lambda address: None),
        )
    )
    first = network.sent[0][1].target
    return [probe for at, probe in network.sent if probe.target != first and at < ended[0]]


async def test_others_set_out_while_the_first_path_answers(autojump_clock: MockClock) -> None:
    """Where nothing is known, one is measured whole; others need their first probe in any case."""
    network = Watched(TEN_HOPS)
    others = await sent_to_others_first(network)
    assert len(others) > 5
    assert {probe.ttl for probe in others} == {10}
    assert len({probe.target for probe in others}) == len(others)
    assert len(network.sent) == 1 + 10 + 39 * 2


async def test_none_goes_on_before_the_first_path_is_known(autojump_clock: MockClock) -> None:
    """Silence is waited for a second and longer; what others asked until then would be in vain."""
    network = Watched(TEN_HOPS.replace('{ address = "192.0.2.5", rtt = 25 }', '"*"'))
    waiting = [probe.target for probe in await sent_to_others_first(network)]
    assert 5 < len(waiting) == len(set(waiting)) < 30


async def test_economical_traces_measure_the_border_all_the_same(autojump_clock: MockClock) -> None:
    """Where it is known who is abroad, the hops around the border are measured in every trace."""
    traces: list[Trace] = []
    await measure(
        Session(
            load(TREE).network(),
            [Task(f"203.0.113.{n}", None, Method.ICMP, 0) for n in range(1, 31)],
            SessionSettings(rate=500.0),
            finished=traces.append,
            routes=Routes(lambda address: address.startswith("198.51.100.")),
        )
    )
    for trace in traces:
        assert {3, 4, 5, 6} <= {hop.number for hop in trace.hops if hop.measured}
    assert sum(not hop.measured for trace in traces for hop in trace.hops) > 40


async def test_a_router_that_answers_from_the_target_s_address_moves_no_border(
    autojump_clock: MockClock,
) -> None:
    """That address is abroad, the router that uses it is not: the border behind it is measured."""
    row = "".join(
        f"""
        [[path]]
        to = "203.0.113.{n}/32"
        hops = [
          {{ address = "192.0.2.1", rtt = 1 }},
          {{ address = "203.0.113.{n}", rtt = 2 }},
          {{ address = "192.0.2.3", rtt = 3 }},
          {{ address = "192.0.2.4", rtt = 4 }},
          {{ address = "192.0.2.5", rtt = 5 }},
          {{ address = "192.0.2.6", rtt = 6 }},
          {{ address = "198.51.100.7", rtt = 20 }},
          {{ address = "198.51.100.8", rtt = 21 }},
          {{ address = "198.51.100.9", rtt = 22 }},
        ]
        end = {{ rtt = 23 }}
        """
        for n in range(1, 9)
    )
    traces: list[Trace] = []
    await measure(
        Session(
            load(row).network(),
            [Task(f"203.0.113.{n}", None, Method.ICMP, 0) for n in range(1, 9)],
            SessionSettings(rate=500.0),
            finished=traces.append,
            routes=Routes(lambda address: not address.startswith("192.0.2.")),
        )
    )
    assert len(traces) == 8
    for trace in traces:
        assert {5, 6, 7, 8} <= {hop.number for hop in trace.hops if hop.measured}


async def test_tokens_cannot_be_foreseen(autojump_clock: MockClock) -> None:
    """Whoever sees some probes cannot tell what marks the next; zero marks none."""
    network = Watched(TEN_HOPS)
    await measure(Session(network, tasks(50), SessionSettings(rate=500.0), finished=lambda _: None))
    drawn = [probe.token for _, probe in network.sent]
    assert all(0 < token < 1 << 16 for token in drawn)
    steps = Counter(b - a for a, b in itertools.pairwise(drawn))
    assert max(steps.values()) < 5


@pytest.mark.parametrize("step", [-3600.0, 3600.0])
async def test_a_clock_that_is_set_does_not_stretch_a_trace(
    autojump_clock: MockClock, step: float
) -> None:
    """A trace ends when the clock last said so, and began as long before as it took."""
    network = load(TEN_HOPS).network()
    traces: list[Trace] = []

    def wall_clock() -> float:
        now = trio.current_time()
        return 1_700_000_000.0 + now + (step if now > 0.3 else 0.0)

    await measure(
        Session(network, tasks(1), SessionSettings(), finished=traces.append, wall_clock=wall_clock)
    )
    [trace] = traces
    assert trace.endtime == pytest.approx(1_700_000_000.65 + step)
    assert trace.timestamp == pytest.approx(1_700_000_000.0 + step)


async def test_a_target_that_repeats_itself_does_not_fill_the_record(
    autojump_clock: MockClock,
) -> None:
    """So many duplicates are kept; the others are counted and said."""
    text = TEN_HOPS.replace("end = { rtt = 200 }", "end = { rtt = 200, copies = 100 }")
    traces: list[Trace] = []
    await measure(
        Session(load(text).network(), tasks(1), SessionSettings(), finished=traces.append)
    )
    assert sum(reply.duplicate for reply in traces[0].hops[-1].replies) == 16
    assert traces[0].notes[0].endswith(" more duplicates were not kept")


async def test_enumerations_do_not_take_all_tokens(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many probes are out, a free token is found, and what has to wait waits."""
    monkeypatch.setattr("probe.engine.session.TOKENS", 512)
    monkeypatch.setattr("probe.engine.session.CROWDED", 40)
    most = 0

    class Counted(Watched):
        def send(self, probe: Probe) -> None:
            nonlocal most
            super().send(probe)
            most = max(most, len(self.open))

    traces: list[Trace] = []
    await measure(
        Session(Counted(TEN_HOPS), tasks(60), SessionSettings(rate=5000.0), finished=traces.append)
    )
    assert len(traces) == 60
    assert most <= 41


async def test_enumerations_that_need_more_tokens_than_there_are_end_early(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where all wait for tokens that none gives back, the traces are handed over with a note."""
    monkeypatch.setattr("probe.engine.session.CROWDED", 100)
    traces: list[Trace] = []
    await measure(
        Session(
            load(TEN_HOPS).network(),
            tasks(8),
            SessionSettings(rate=5000.0, limits=Limits(max_ttl=10)),
            finished=traces.append,
            explore=lambda trace: Enumeration(MultipathLimits(), 1, 10, trace.paris_id),
        )
    )
    assert sorted(trace.dst_addr for trace in traces) == [task.target for task in tasks(8)]
    assert all(trace.reached for trace in traces)
    whole = [trace for trace in traces if not trace.notes]
    assert 0 < len(whole) < 8
    cut_short = {note for trace in traces for note in trace.notes}
    assert cut_short == {"multipath: more probes were out than can be told apart"}


@pytest.mark.parametrize("answers", [True, False])
@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("code", ["A", "p"])
async def test_what_refuses_another_method_ends_no_path(
    autojump_clock: MockClock, code: str, answers: bool, known: bool
) -> None:
    """A firewall lets our echo requests pass, and refuses the UDP probe that a silent hop gets.

    Its refusal says nothing of the path behind it, on which others have answered; nor does it
    stand at the hop that was asked, where it is known to stand nearer.
    """
    target = "203.0.113.7"
    routers = [Interface(f"192.0.2.{ttl}", (10.0 * ttl,)) for ttl in range(1, 9)]
    routers[4] = SILENT
    end = End(Interface(target, (90.0,))) if answers else DARK
    firewall = End(Interface("192.0.2.3" if known else "192.0.2.99"), Kind.UNREACHABLE, code)

    class Walled(SimulatedNetwork):
        def send(self, probe: Probe) -> None:
            way = "udp" if probe.method is Method.UDP else target
            super().send(probe._replace(target=way))

    ways = {target: Way(tuple(routers), end), "udp": Way(tuple(routers[:2]), firewall)}
    traces: list[Trace] = []
    network = Walled(lambda target, _: ways[target])
    task = Task(target, None, Method.ICMP, 1)
    await measure(Session(network, [task], SessionSettings(rate=1000.0), finished=traces.append))
    (trace,) = traces
    assert trace.stop == ("destination" if answers else "gap")
    heard = [{reply.address for reply in hop.replies} - {None} for hop in trace.hops]
    stated = [{router.address} - {None} for router in routers]
    assert heard[:4] + heard[5:8] == stated[:4] + stated[5:]
    assert heard[4] == (set() if known else {"192.0.2.99"})


@pytest.mark.parametrize("rate", [100.0, 1000.0])
async def test_what_was_answered_while_a_trace_was_kept_is_no_silence(
    autojump_clock: MockClock, rate: float
) -> None:
    """A disk may take seconds for a trace: answers to the others come in meanwhile, and wait."""

    async def asked(seconds: float) -> tuple[list[Trace], set[int | None]]:
        traces: list[Trace] = []

        def finished(trace: Trace) -> None:
            traces.append(trace)
            autojump_clock.jump(seconds)

        network = load(TEN_HOPS).network()
        await measure(Session(network, tasks(10), SessionSettings(rate=rate), finished=finished))
        assert [trace.stop for trace in traces] == ["destination"] * 10
        replies = [reply for trace in traces for hop in trace.hops for reply in hop.replies]
        return traces, {reply.late for reply in replies}

    at_once, slowly = await asked(0.0), await asked(3.0)
    assert sum(trace.probes or 0 for trace in slowly[0]) <= sum(
        trace.probes or 0 for trace in at_once[0]
    )
    assert slowly[1] == at_once[1] == {None}
