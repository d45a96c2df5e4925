"""What a run is foretold to take, and what it then takes."""

from __future__ import annotations

import random
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from probe.demo import Country
from probe.engine.manner import Manner
from probe.engine.playing import VirtualClock, play
from probe.engine.session import Session, SessionSettings
from probe.engine.tracing import Task
from probe.network import Method
from probe.network.simulated import SimulatedNetwork
from probe.network.ways import DARK, SILENT, End, Interface, Way, chance
from probe.origin import open_origin
from probe.record import Hop, Reply, Trace, from_line, to_line
from probe.run import foresight
from probe.run.choice import version_of, witnesses
from probe.run.experience import Experience, way_of
from probe.run.foresight import Cost, foresee
from probe.run.imagined import HOME, Imagined
from probe.run.targets import Kind, Target
from probe.vantage.locate import WITNESSES
from tests.probe.table import Table

if TYPE_CHECKING:
    from probe.engine.forks import Where
    from probe.origin.attribute import Attributor

METHODS = {4: Method.ICMP, 6: Method.UDP}


class World:
    """A made-up Internet: paths of many lengths, silent routers, ends that do not answer.

    ``forking`` is the share of routers that answer which are one of several, of two to four.
    """

    def __init__(self, seed: int, loss: float = 0.0, forking: float = 0.0) -> None:
        self.random = random.Random(seed)
        self.loss = loss
        self.forking = forking
        self.parallel: dict[tuple[str, int], list[Interface]] = {}
        self.ways: dict[str, Way] = {}
        self.listed: list[Target] = []

    def targets(self, kind: Kind, count: int, *, version: int = 4) -> list[Target]:
        found = []
        for _ in range(count):
            number = len(self.ways)
            address = (
                f"2001:5a0::{number:x}" if version == 6 else f"80.{number // 250}.{number % 250}.1"
            )
            self.ways[address] = self.way(address, kind)
            found.append(Target(address, address, "a test", kind))
        self.listed += found
        return found

    def way(self, address: str, kind: Kind) -> Way:
        toss = self.random.random
        length = self.random.randint(4, 9) if kind == "domestic" else self.random.randint(8, 16)
        rtt = [0.5, 3.0, *sorted(self.random.uniform(4, 250) for _ in range(length - 2))]
        block = "2001:db8:" if ":" in address else "10."
        hops = tuple(
            SILENT
            if n > 1 and toss() < 0.12
            else Interface(
                f"{block}{n}::{n}" if ":" in block else f"10.{n}.0.{n}", (rtt[n],), self.loss
            )
            for n in range(length)
        )
        for n, hop in enumerate(hops):
            if n > 1 and hop.address is not None and toss() < self.forking:
                others = self.random.choice([1, 1, 2, 3])
                self.parallel[address, n] = [
                    hop,
                    *(replace(hop, address=f"{hop.address}{other}") for other in range(others)),
                ]
        silent = toss() < (0.4 if kind == "domestic" else 0.08)
        end = DARK if silent else End(Interface(address, (rtt[-1] + 1,), self.loss))
        return Way(hops, end)

    def network(self, clock: VirtualClock | None = None) -> SimulatedNetwork:
        return SimulatedNetwork(cache(self.way_of_flow), seed=7, clock=clock)

    def way_of_flow(self, target: str, flow: int) -> Way:
        way = self.ways[target]
        hops = list(way.hops)
        for n in range(len(hops)):
            among = self.parallel.get((target, n))
            if among is not None:
                hops[n] = among[int(chance(target, n, flow) * len(among))]
        return replace(way, hops=tuple(hops))

    def run(
        self,
        targets: list[Target],
        settings: SessionSettings,
        unlocated: set[int],
        manner: Manner | None = None,
    ) -> tuple[list[Trace], Cost]:
        """What is kept of a run, as the disk has it, and what it took."""
        clock = VirtualClock()
        network = self.network(clock)
        traces: list[Trace] = []
        first = [
            one
            for version in sorted(unlocated)
            for one in witnesses([t for t in targets if version_of(t) == version])
        ]
        for part in (first, [target for target in targets if target not in first]):
            session = Session(
                network,
                [Task(t.address, None, METHODS[version_of(t)], 1) for t in part],
                settings,
                finished=traces.append,
                explore=manner.explore if manner else None,
            )
            play(session, network, clock)
        packets = sum(trace.probes or 0 for trace in traces)
        size = sum((trace.probes or 0) * (trace.size or 0) for trace in traces)
        kept = [from_line(to_line(trace)) for trace in traces]
        return kept, Cost(len(targets), 0, 0, packets, size, clock.now)


def looking(where: Where) -> Manner:
    """How a run is made that looks for parallel paths there."""
    return Manner(Table(), lambda _: "KH", multipath=where)


def foretell(
    world: World,
    kept: list[Trace],
    targets: list[Target],
    settings: SessionSettings,
    unlocated: set[int],
    where: Where = "off",
) -> Cost:
    return foresee(
        Experience(kept, world.listed),
        targets,
        METHODS,
        settings,
        manner=looking(where),
        unlocated=unlocated,
        size=world.network().probe_size,
    )


def foretell_a_first_run(
    world: World, targets: list[Target], *, economical: bool = False, where: Where = "border"
) -> Cost:
    return foresee(
        Experience([], targets),
        targets,
        METHODS,
        SessionSettings(),
        manner=Manner(
            Imagined(Table(), HOME), lambda _: HOME, economical=economical, multipath=where
        ),
        unlocated={4},
        size=world.network().probe_size,
    )


def check(foreseen: Cost, real: Cost) -> None:
    """Packets, bytes and time are right within 15%."""
    assert foreseen.targets == real.targets
    assert foreseen.packets == pytest.approx(real.packets, rel=0.15)
    assert foreseen.bytes == pytest.approx(real.bytes, rel=0.15)
    assert foreseen.seconds == pytest.approx(real.seconds, rel=0.15)


@pytest.mark.parametrize(
    ("rate", "loss", "unlocated"),
    [(20.0, 0.05, {4}), (200.0, 0.0, set()), (200.0, 0.05, set()), (1000.0, 0.0, {4})],
)
def test_a_run_over_known_targets_takes_what_was_foretold(
    rate: float, loss: float, unlocated: set[int]
) -> None:
    """Slow or fast, with and without loss, with and without witnesses that come first."""
    world = World(3, loss)
    targets = [*world.targets("foreign", 30), *world.targets("domestic", 30)]
    settings = SessionSettings(rate=rate)
    kept, _ = world.run(targets, settings, unlocated)
    again, real = world.run(targets, settings, unlocated)
    assert len(again) == len(kept)
    foreseen = foretell(world, kept, targets, settings, unlocated)
    assert foreseen.known == len(targets)
    check(foreseen, real)


@pytest.mark.parametrize(("seed", "rate"), [(0, 20.0), (1, 100.0), (2, 100.0), (3, 100.0)])
def test_targets_never_traced_before_take_what_others_of_their_kind_took(
    seed: int, rate: float
) -> None:
    """Half of each kind was traced; the other half is foretold by shares of silence and lengths."""
    world = World(seed)
    known = [*world.targets("foreign", 40), *world.targets("domestic", 80)]
    fresh = [*world.targets("foreign", 120), *world.targets("domestic", 40)]
    settings = SessionSettings(rate=rate)
    kept, _ = world.run(known, settings, set())
    foreseen = foretell(world, kept, [*fresh, *known[:1]], settings, set())
    _, real = world.run([*fresh, *known[:1]], settings, set())
    assert foreseen.known == 1
    check(foreseen, real)


@pytest.mark.parametrize(
    ("seed", "forking", "loss"), [(1, 0.0, 0.0), (2, 0.3, 0.0), (3, 0.3, 0.05)]
)
def test_parallel_paths_that_were_found_before_are_foretold(
    seed: int, forking: float, loss: float
) -> None:
    """The second run of ``--multipath full`` takes what it was foretold by the first."""
    world = World(seed, loss, forking)
    targets = [*world.targets("foreign", 8), *world.targets("domestic", 8)]
    settings = SessionSettings()
    kept, _ = world.run(targets, settings, {4}, looking("full"))
    _, real = world.run(targets, settings, {4}, looking("full"))
    foreseen = foretell(world, kept, targets, settings, {4}, "full")
    assert foreseen.unexplored == 0
    check(foreseen, real)


def test_parallel_paths_of_others_of_their_kind_are_foretold() -> None:
    """Whoever traced to one half with ``--multipath full`` is foretold what the other takes."""
    world = World(8, forking=0.3)
    known = world.targets("foreign", 20)
    fresh = world.targets("foreign", 20)
    settings = SessionSettings()
    kept, _ = world.run(known, settings, set(), looking("full"))
    _, real = world.run(fresh, settings, set(), looking("full"))
    check(foretell(world, kept, fresh, settings, set(), "full"), real)


@pytest.mark.parametrize(
    ("rate", "where", "count"), [(20.0, "off", 200), (100.0, "off", 200), (1000.0, "full", 60)]
)
def test_of_very_many_targets_some_are_played(
    monkeypatch: pytest.MonkeyPatch, rate: float, where: Where, count: int
) -> None:
    """Tens of thousands take as long to foretell as thousands, and what a run takes is foretold."""
    monkeypatch.setattr(foresight, "PLAYED", 150)
    world = World(4, loss=0.02)
    targets = [*world.targets("foreign", count), *world.targets("domestic", 2 * count)]
    settings = SessionSettings(rate=rate)
    kept, real = world.run(targets, settings, {4}, looking(where))
    asked: list[int] = []
    ways = Experience.ways

    def counted(experience: Experience, wanted: Any, *, apart: bool) -> Any:
        asked.append(len(wanted))
        return ways(experience, wanted, apart=apart)

    monkeypatch.setattr(Experience, "ways", counted)
    check(foretell(world, kept, targets, settings, {4}, where), real)
    assert asked == [150 + WITNESSES]


def test_parallel_paths_that_nobody_looked_for_are_no_part_of_it() -> None:
    """What was never looked at is a chain, at six flows a hop; it is said of how many."""
    world = World(5, forking=0.3)
    targets = world.targets("foreign", 12)
    settings = SessionSettings()
    kept, _ = world.run(targets, settings, set())
    foreseen = foretell(world, kept, targets, settings, set(), "full")
    assert foreseen.known == foreseen.unexplored == 12
    _, real = world.run(targets, settings, set(), looking("full"))
    assert foreseen.packets < 0.85 * real.packets
    world.parallel.clear()
    _, without = world.run(targets, settings, set(), looking("full"))
    check(foreseen, without)
    assert foretell(world, kept, targets, settings, set()).unexplored == 0


def test_both_ip_versions_are_foretold_each_by_its_own() -> None:
    """IPv6 packets are larger, and another method is used for them."""
    world = World(11)
    targets = [*world.targets("foreign", 30), *world.targets("foreign", 30, version=6)]
    kept, _ = world.run(targets, SessionSettings(rate=100.0), {4, 6})
    _, real = world.run(targets, SessionSettings(rate=100.0), {4, 6})
    check(foretell(world, kept, targets, SessionSettings(rate=100.0), {4, 6}), real)


def test_without_any_experience_it_is_a_guess() -> None:
    """Nothing is known: some fourteen packets a target abroad, and it says so."""
    world = World(5)
    targets = world.targets("anycast", 30)
    foreseen = foretell(world, [], targets, SessionSettings(), set())
    assert foreseen.known == 0
    assert 10 * 30 < foreseen.packets < 20 * 30
    assert foreseen.seconds > foreseen.packets / 20


def test_where_no_path_leaves_the_country_a_first_run_has_no_range() -> None:
    """Nothing is looked for at a border that is not crossed: no range from a number to itself."""
    world = World(5)
    targets = world.targets("domestic", 12)
    foreseen = foretell_a_first_run(world, targets)
    assert (foreseen.known, foreseen.least) == (0, None)


def test_the_lower_end_of_a_first_run_has_the_search_at_the_border_that_all_share() -> None:
    """One border is crossed by all, and looked at once: at six flows a hop, for some hops."""
    world = World(5)
    targets = world.targets("foreign", 12)
    least = foretell_a_first_run(world, targets).least
    without = foretell_a_first_run(world, targets, where="off")
    assert without.least is None
    assert least is not None
    assert 5 <= least.packets - without.packets <= 60


@pytest.mark.parametrize("economical", [False, True])
def test_of_ways_that_all_go_apart_fewer_are_played(
    monkeypatch: pytest.MonkeyPatch, economical: bool
) -> None:
    """The upper end of a first run has a search in each trace, and would take minutes."""
    world = World(5)
    targets = world.targets("foreign", 60)
    whole = foretell_a_first_run(world, targets, economical=economical)
    monkeypatch.setattr(foresight, "PLAYED_APART", 30)
    asked: list[tuple[bool, int]] = []
    ways = Experience.ways

    def counted(experience: Experience, wanted: Any, *, apart: bool) -> Any:
        asked.append((apart, len(wanted)))
        return ways(experience, wanted, apart=apart)

    monkeypatch.setattr(Experience, "ways", counted)
    sampled = foretell_a_first_run(world, targets, economical=economical)
    assert asked == [(False, 60), (True, 30 + WITNESSES)]
    assert sampled.least == whole.least
    check(sampled, whole)


@pytest.mark.parametrize("economical", [False, True])
@pytest.mark.parametrize("nth", [0, 3, 13])
@pytest.mark.parametrize("when", [0, -1])
def test_a_first_run_takes_what_lies_in_the_range_that_was_foretold(
    economical: bool, nth: int, when: int
) -> None:
    """What paths share and what stands at the border nobody knows yet: in the demo's country."""
    country, origin = Country(), open_origin()
    internet = country.internet(list(country.days())[when])
    volunteer = country.volunteers()[nth]
    hosts = {host.address: host for host, _ in volunteer.targets}
    targets = [Target(address, address, "a test", "foreign") for address in hosts]

    def manner(table: Attributor, home: str) -> Manner:
        return Manner(table, lambda _: home, economical=economical)

    ours = manner(origin, "KH")
    traces: list[Trace] = []
    clock = VirtualClock()
    network = SimulatedNetwork(
        lambda target, flow: internet.way(volunteer.line, hosts[target], flow=flow), clock=clock
    )
    session = Session(
        network,
        [Task(target.address, None, Method.ICMP, 1) for target in targets],
        SessionSettings(),
        finished=traces.append,
        routes=ours.routes,
        explore=ours.explore,
    )
    play(session, network, clock)
    foreseen = foresee(
        Experience([], targets),
        targets,
        METHODS,
        SessionSettings(),
        manner=manner(Imagined(origin, HOME), HOME),
        unlocated={4},
        size=session.network.probe_size,
    )
    assert foreseen.least is not None
    took = sum(trace.probes or 0 for trace in traces)
    assert 0.85 * foreseen.least.packets <= took <= foreseen.packets


def test_another_protocol_is_another_path() -> None:
    """What ICMP took is no more than a hint for UDP."""
    world = World(5)
    targets = world.targets("foreign", 10)
    kept, _ = world.run(targets, SessionSettings(rate=100.0), set())
    by_udp = [trace._replace(proto="UDP") for trace in kept]
    assert foretell(world, kept, targets, SessionSettings(), set()).known == 10
    assert foretell(world, by_udp, targets, SessionSettings(), set()).known == 0


def test_the_last_trace_to_a_target_counts() -> None:
    """A path that grew is foretold as it is now."""
    world = World(5)
    (target,) = world.targets("foreign", 1)
    kept, _ = world.run([target], SessionSettings(), set())
    world.ways[target.address] = Way(
        tuple(Interface(f"10.0.0.{n}", (1.0,)) for n in range(1, 25)),
        End(Interface(target.address)),
    )
    later, real = world.run([target], SessionSettings(), set())
    check(foretell(world, [*kept, *later], [target], SessionSettings(), set()), real)


@pytest.mark.parametrize(
    "way",
    [
        Way(tuple(Interface(f"10.0.0.{n}", (n,)) for n in range(1, 9)), DARK, loop=2),
        Way((Interface("10.0.0.1", (None, 3.0)), SILENT, Interface("10.0.0.3", (9.0,))), DARK),
        Way((), DARK),
    ],
)
def test_odd_ways_are_played_as_they_are(way: Way) -> None:
    """Loops, darkness and hops that answer the second time cost again what they cost."""
    world = World(0)
    (target,) = world.targets("foreign", 1)
    world.ways[target.address] = way
    kept, real = world.run([target], SessionSettings(), set())
    if kept[0].hops:
        check(foretell(world, kept, [target], SessionSettings(), set()), real)
        assert way_of(kept[0], target.address).loop == way.loop


def test_hops_that_were_taken_over_answer_when_they_are_asked() -> None:
    """An inferred hop has no time of its own; it is a router that answers all the same."""
    hops = (
        Hop(1, (Reply("10.0.0.1"),), measured=False),
        Hop(2, (Reply("80.0.0.2", 9.0),)),
        Hop(3, (Reply(),)),
        Hop(4, (Reply("80.0.0.9", 12.0),)),
    )
    way = way_of(Trace("80.0.0.9", 4, "ICMP", 0.0, 1.0, hops, stop="destination"), "80.0.0.9")
    assert [hop.address for hop in way.hops] == ["10.0.0.1", "80.0.0.2", None]
    assert all(hop.rtt != (None,) for hop in way.hops)
