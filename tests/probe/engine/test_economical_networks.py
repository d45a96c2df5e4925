"""Economical traces over many made-up networks, compared with what these are.

Each seed is a few lines of routers that ways leave and join, with the habits that make traceroutes
hard to read. Here some of them are played; `check` takes any other: thousands have been.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest
import trio
import trio.testing

from probe.engine.economical import AROUND_BORDER
from probe.engine.horizon import Limits
from probe.engine.manner import Manner
from probe.engine.measuring import measure
from probe.engine.session import Session, SessionSettings
from probe.engine.tracing import Task
from probe.network import Kind, Method
from probe.network.simulated import SimulatedNetwork
from probe.network.ways import DARK, SILENT, End, Interface, Way
from probe.origin.attribute import majority
from probe.run.experience import Experience
from probe.run.foresight import foresee
from probe.run.targets import Target
from tests.probe.table import Table

if TYPE_CHECKING:
    from probe.engine.forks import Where
    from probe.network import Probe
    from probe.record import Hop, Trace

# No run over so few targets takes so long, in seconds: one that does waits for nothing.
ENDLESS = 3600.0
TARGETS = 16
# The last of them have found faults.
SEEDS = (*range(24), 153, 208, 249, 289, 300, 304)

FLOW = 1
TABLE = Table()

METHODS = (Method.ICMP, Method.UDP, Method.TCP)


@dataclass
class World:
    """Lines of routers that ways share near home; from some depth on they are abroad.

    Where it is ``calm`` nothing is lost, late or limited.
    """

    seed: int
    ways: dict[str, list[Way]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        chance = self.random.random
        self.calm = chance() < 0.2
        # How often each habit is met here.
        self.share = {
            habit: 0.0 if chance() < 0.5 else self.random.choice((0.02, 0.1, 0.4))
            for habit in (
                "silent",
                "loss",
                "limit",
                "copies",
                "late",
                "odd",
                "repeated",
                "moved",
                "spread",
            )
        }
        self.border = self.random.randint(2, 9)
        self.count = 0
        self.settings = SessionSettings(
            rate=self.random.choice((5.0, 20.0, 100.0, 1000.0)),
            limits=Limits(
                max_ttl=self.random.choice((32, 32, 32, 12)),
                attempts=self.random.choice((1, 2, 2, 2, 3)),
                gap_limit=self.random.choice((2, 5, 5, 5)),
            ),
        )
        self.method = self.random.choice(METHODS)
        self.multipath: Where = self.random.choice(("off", "off", "off", "border"))
        lines = [self.line(self.random.randint(1, 14)) for _ in range(self.random.randint(1, 4))]
        for number in range(TARGETS):
            target = f"203.0.113.{number + 1}"
            first = self.way(target, self.random.choice(lines), lines)
            self.ways[target] = [first]
            if self.met("moved") or self.met("spread"):
                self.ways[target].append(self.way(target, self.random.choice(lines), lines))

    def manner(self) -> Manner:
        """How traces are made here: sparingly, and perhaps looking for parallel paths."""
        return Manner(TABLE, lambda _: "KH", economical=True, multipath=self.multipath)

    def met(self, habit: str) -> bool:
        """Whether one that might has this habit."""
        return self.random.random() < self.share[habit]

    def router(self, depth: int) -> Interface:
        """A new router so far from home."""
        if self.met("silent"):
            return SILENT
        self.count += 1
        block = "80.231" if depth >= self.border else "36.37"
        address = f"{block}.{self.count // 250 % 250}.{self.count % 250}"
        rtt = (float(depth * self.random.randint(1, 12)),)
        made = Interface(address, rtt)
        if not self.calm:
            if self.met("loss"):
                made = replace(made, loss=self.random.choice((0.05, 0.3, 0.7)))
            if self.met("limit"):
                made = replace(made, per_second=self.random.choice((0.3, 1.0, 5.0)))
            if self.met("late"):
                made = replace(made, rtt=(self.random.choice((450.0, 1500.0, 2500.0)), *rtt))
        if self.met("copies"):
            made = replace(made, copies=self.random.choice((2, 3, 40)))
        if self.met("odd"):
            made = self.random.choice((
                replace(made, forwards_zero=True),
                replace(made, counts_down=False),
                replace(made, reply_ttl="mirrored"),
                replace(made, reply_ttl=self.random.randint(20, 255), back=3),
                replace(made, methods=frozenset({self.random.choice(METHODS)})),
                replace(made, quote=28),
                replace(made, later=(f"203.144.64.{self.count % 250}",)),
            ))  # fmt: skip
        return made

    def line(self, length: int) -> list[Interface]:
        """Routers in a row from home on."""
        return [self.router(depth) for depth in range(1, length + 1)]

    def way(self, target: str, line: list[Interface], lines: list[list[Interface]]) -> Way:
        """A way that leaves a line somewhere, and perhaps joins another one at another depth."""
        chance, length = self.random.random, self.random.randint(0, len(line))
        hops = line[:length]
        if chance() < 0.3:
            other = self.random.choice(lines)
            start = self.random.randint(0, len(other))
            hops = hops + other[start : start + 3]
        hops = hops + [self.router(len(hops) + n) for n in range(1, self.random.randint(1, 6))]
        if self.met("repeated") and hops:
            again = self.random.randrange(len(hops))
            hops = hops[: again + 1] + [hops[again]] * self.random.randint(1, 2) + hops[again + 1 :]
        rtt = (float(self.random.randint(5, 300)),)
        interface = self.router(len(hops) + 1)
        fate = chance()
        if fate < 0.6:
            end = End(replace(interface, address=target, forwards_zero=False, later=()))
        elif fate < 0.75:
            end = DARK
        else:
            code = self.random.choice(("H", "N", "A", "p", 13))
            end = End(
                Interface(f"192.0.2.{self.random.randint(1, 250)}", rtt), Kind.UNREACHABLE, code
            )
        loop = self.random.randint(1, len(hops)) if hops and chance() < 0.1 else 0
        return Way(tuple(hops), end, loop=loop)


class Wire(SimulatedNetwork):
    """Notes what was sent and when."""

    def __init__(self, world: World) -> None:
        self.sent: list[tuple[float, Probe]] = []
        super().__init__(self.route, seed=world.seed)
        self.world = world

    def route(self, target: str, flow: int) -> Way:
        """The way to a target, which for some is another for other flows, or changes meanwhile."""
        before, *then = self.world.ways[target]
        if not then:
            return before
        if self.world.random.random() < 0.5:
            return (before, then[0])[flow % 2]
        at = self.world.random.uniform(0, 160 / self.world.settings.rate)
        return replace(before, anew=lambda _: before if trio.current_time() < at else then[0])

    def send(self, probe: Probe) -> None:
        super().send(probe)
        self.sent.append((trio.current_time(), probe))


def play(seed: int) -> tuple[World, Wire, list[Trace]]:
    """Trace to all targets of a world, economically."""
    world = World(seed)
    wire = Wire(world)
    traces: list[Trace] = []
    manner = world.manner()
    session = Session(
        wire,
        [Task(target, None, world.method, FLOW) for target in world.ways],
        world.settings,
        finished=traces.append,
        routes=manner.routes,
        explore=manner.explore,
    )

    async def run() -> None:
        with trio.fail_after(ENDLESS):
            await measure(session)

    trio.run(run, clock=trio.testing.MockClock(autojump_threshold=0))
    return world, wire, traces


def is_abroad(hop: Hop) -> bool:
    address = majority(hop.replies)
    return address is not None and TABLE.lookup(address).country == "US"


def check(seed: int) -> None:
    """All that must hold of any network."""
    world, wire, traces = play(seed)
    assert sorted(trace.dst_addr for trace in traces) == sorted(world.ways)
    asked: defaultdict[str, Counter[int]] = defaultdict(Counter)
    for _, probe in wire.sent:
        asked[probe.target][probe.ttl] += 1
    met: set[tuple[int, str | None]] = set()
    for trace in traces:
        met |= {(hop.number, r.address) for hop in trace.hops if hop.measured for r in hop.replies}
    for trace in traces:
        # whole: from the first hop on, each of them measured or taken over, never both
        numbers = [hop.number for hop in trace.hops]
        assert numbers == list(range(1, len(numbers) + 1)), trace.dst_addr
        assert trace.stop is not None
        of_target = asked[trace.dst_addr]
        assert trace.probes == sum(of_target.values())
        if trace.multipath is None:
            assert {hop.number for hop in trace.hops if hop.measured} == {
                ttl for ttl in of_target if ttl <= len(numbers)
            }
            # within bounds: the attempts, and one more where repeating helps
            assert max(of_target.values()) <= world.settings.limits.attempts + 1
        ways = [way.places() for way in world.ways[trace.dst_addr]]
        for hop in trace.hops:
            if hop.measured:
                # true: who is said to have answered there stands there
                there = [way[min(hop.number, len(way)) - 1].interface for way in ways]
                truth = {a for one in there for a in (one.address, *one.later, None)}
                assert {reply.address for reply in hop.replies} <= truth
            else:
                # taken over from one that measured it there, and no evidence
                (reply,) = hop.replies
                assert (hop.number, reply.address) in met
                assert reply.rtt is None
        # the border is measured
        first = next((h.number for h in trace.hops if is_abroad(h)), None)
        if first is not None and trace.stop != "loop":
            around = trace.hops[max(0, first - 1 - AROUND_BORDER) : first + AROUND_BORDER]
            assert all(hop.measured for hop in around), (trace.dst_addr, first)
    if world.multipath == "off":
        # foreseen from what was found, but for what was lost, late or has changed
        listed = [Target(address, address, "a test") for address in world.ways]
        cost = foresee(
            Experience(traces, listed),
            listed,
            {4: world.method},
            world.settings,
            manner=world.manner(),
            unlocated=set(),
            size=wire.probe_size,
        )
        assert len(wire.sent) < cost.packets * (1.6 if world.calm else 2.0)
    # paced: never more than a tick's worth at once
    times = [at for at, _ in wire.sent]
    burst = max(1, int(world.settings.rate * (world.settings.tick + 0.010))) + 1
    for before, after in zip(times, times[burst:], strict=False):
        assert after - before >= (burst - 1) / world.settings.rate - 0.016 - 1e-9


@pytest.mark.parametrize("seed", SEEDS)
def test_an_economical_run_ends_and_tells_the_truth(seed: int) -> None:
    """Nothing is invented, what is inferred is no evidence, and the border is measured."""
    check(seed)


@pytest.mark.parametrize(("hops", "border"), [(12, 6), (12, 11), (18, 8)])
def test_where_nothing_that_was_learnt_holds_any_more_every_hop_is_measured_and_no_more(
    hops: int, border: int
) -> None:
    """To give taking over up would spare nothing: what it failed for is what a run without sends.

    All paths move, each to routers of its own up to the last that they share. That can be three
    times what the paths of before would have taken.
    """

    def line(of: int) -> tuple[Interface, ...]:
        blocks = ("36.37" if ttl < border else "80.231" for ttl in range(1, hops))
        moved = [Interface(f"{block}.{of}.{ttl}", (5.0 * ttl,)) for ttl, block in enumerate(blocks)]
        return (*moved, Interface("80.231.255.1", (5.0 * hops,)))

    def sent(*, economical: bool, moves: bool) -> int:
        def route(target: str, _: int) -> Way:
            end = End(Interface(target, (100.0,)))
            before, then = Way(line(0), end), Way(line(int(target.rpartition(".")[2])), end)
            return replace(
                before, anew=lambda _: then if moves and trio.current_time() > 2.5 else before
            )

        traces: list[Trace] = []
        manner = Manner(TABLE, lambda _: "KH", economical=economical, multipath="off")
        session = Session(
            SimulatedNetwork(route),
            [Task(f"203.0.113.{n}", None, Method.ICMP, FLOW) for n in range(1, 101)],
            SessionSettings(),
            finished=traces.append,
            routes=manner.routes,
        )
        trio.run(measure, session, clock=trio.testing.MockClock(autojump_threshold=0))
        return sum(trace.probes or 0 for trace in traces)

    still, moved = (sent(economical=True, moves=moves) for moves in (False, True))
    assert 1.4 * still < moved <= sent(economical=False, moves=True)
