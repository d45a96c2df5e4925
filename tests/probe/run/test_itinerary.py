"""In which order a run measures, and what it does when something comes in between."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from probe.engine.forks import Where
from probe.engine.manner import Manner
from probe.engine.session import SessionSettings
from probe.network import Method, NoRoute, NotPermitted, Probe
from probe.network.simulated import SimulatedNetwork
from probe.network.ways import DARK, SILENT, End, Interface, Way
from probe.record import Trace
from probe.redaction.identity import Identity
from probe.redaction.premises import Premises
from probe.run.allowance import Allowance
from probe.run.campaign import Campaign
from probe.run.itinerary import PATIENCE, Itinerary, Tracing
from probe.run.meter import Metered
from probe.run.tally import FIREWALL, INTERRUPTED, NO_ROUTE, OVER_BUDGET
from probe.run.targets import Target
from probe.run.watch import ASLEEP, AWAY, CHANGED, Watch
from probe.run.worklist import TRIES
from probe.spool import read
from probe.vantage.ground import BEAT, LineEnd
from probe.vantage.locate import Access
from probe.words.failure import Offline, PartlyDone, RefusedToRedact
from tests.probe.paths import HOME
from tests.probe.table import GATEWAY, PROVIDER, Table

HOME_END = LineEnd("192.168.1.10", ipaddress.ip_network("192.168.1.0/24"), "wlan0", 3)
HOME_END_6 = LineEnd("fd00:1::10", ipaddress.ip_network("fd00:1::/64"), "wlan0", 3)
AWAY_END = LineEnd("10.64.9.5", ipaddress.ip_network("10.64.9.0/24"), "wlan0", 5)
ELSEWHERE = Premises(frozenset({"10.64.9.5"}), (ipaddress.ip_network("10.64.9.0/24"),))


class World:
    """A machine on a simulated network that can be cut off, put to sleep or carried elsewhere."""

    def __init__(
        self,
        folder: Path,
        *,
        access: bool = True,
        budget: float = 1e9,
        multipath: Where = "off",
        economical: bool = False,
    ) -> None:
        self.here: dict[int, LineEnd] = {4: HOME_END}
        self.gone = trio.Event()
        self.slept = 0
        self.premises = HOME
        self.silent = False
        # By target, what the provider's router is to its probes where it is not as to the others.
        self.lossy: dict[str, Interface] = {}
        self.listed = TARGETS
        # A target with each packet to which the machine falls asleep for a moment.
        self.restless: str | None = None
        self.events: list[str] = []
        self.finished_of: list[Trace] = []
        self.expected = 0
        self.sent: list[tuple[float, str]] = []
        # Whether the own firewall lets no probe of this kind out.
        self.kept_back: Callable[[Probe], bool] = lambda _: False
        # Called after so many traces have been finished.
        self.then: dict[int, Callable[[], None]] = {}
        self.folder = folder
        self.allowance = Allowance(folder / "allowance.state", budget, lambda: 1_795_435_200.0)
        self.campaign = Campaign(
            folder=folder / "spool",
            origin=Table(),
            premises=HOME,
            identity=Identity(folder),
            known={4: Access(PROVIDER, "Viettel", "KH", "interface")} if access else {},
            country=None,
        )
        world = self

        class Wire(SimulatedNetwork):
            def send(self, probe: Probe) -> None:
                if (6 if ":" in probe.target else 4) not in world.here:
                    raise NoRoute(f"there is no route to {probe.target} from here")
                if world.kept_back(probe):
                    raise NotPermitted("this machine refused, most likely its firewall")
                world.sent.append((trio.current_time(), probe.target))
                super().send(probe)

            def lose_all(self) -> None:
                self._arrivals.clear()

        self.wire = Wire(self.way)
        self.itinerary = Itinerary(
            Metered(self.wire, self.allowance, trio.current_time),
            self.campaign,
            Tracing(
                SessionSettings(rate=100.0),
                None,
                Manner(
                    Table(),
                    lambda _: self.campaign.access.country,
                    multipath=multipath,
                    economical=economical,
                ),
            ),
            listing=self,
            watch=Watch(self, lambda: self.premises),
            progress=self,
        )

    def way(self, target: str, flow: int) -> Way:
        """Each packet goes the way that there is when it is sent."""
        del flow
        return replace(self.now(target), anew=lambda _: self.now(target))

    def now(self, target: str) -> Way:
        if target == self.restless:
            self.slept += 1
        if self.silent:
            return Way((Interface("192.168.1.1", (1.0,)),), DARK)
        first = "203.144.64.9" if self.premises is ELSEWHERE else "36.37.9.9"
        hops = ("192.168.1.1", first, "80.231.0.1")
        if ":" in target:
            hops = ("fd00:1::1", "2405:8380:0:2::77", "2001:5a0::1")
        line = [Interface(address, (20.0 * n,)) for n, address in enumerate(hops, 1)]
        if target in self.lossy:
            line[1] = self.lossy[target]
        return Way(tuple(line), End(Interface(target, (90.0,))))

    # what a list says
    limit = None

    def targets(self, country: str | None) -> list[Target]:
        return self.listed

    # what a place says
    def ends(self) -> dict[int, LineEnd]:
        return self.here

    def lapses(self) -> int:
        return self.slept

    def beat(self) -> None:
        pass

    # what a screen hears
    def expect(self, total: int) -> None:
        self.expected = total

    def finished(self, trace: Trace) -> None:
        self.finished_of.append(trace)
        then = self.then.pop(len(self.finished_of), None)
        if then is not None:
            then()

    def interrupted(self, why: str) -> None:
        self.events.append(why)

    def cut_off(self) -> None:
        self.here = {}
        self.wire.lose_all()
        self.gone.set()

    def lose_ipv6(self) -> None:
        self.here = {4: HOME_END}

    def move(self) -> None:
        self.here = {4: AWAY_END}
        self.premises = ELSEWHERE
        self.wire.lose_all()

    def sleep(self) -> None:
        self.slept += 1
        self.wire.lose_all()

    @property
    def kept(self) -> list[Trace]:
        return [kept.trace for kept in read(self.folder / "spool") if kept.trace]


TARGETS = [Target(f"80.231.1.{n}", f"80.231.1.{n}", "a test") for n in range(1, 41)]
TARGETS_6 = [Target(f"2001:5a0:1::{n}", f"2001:5a0:1::{n}", "a test") for n in range(1, 11)]
BOTH = [target for pair in zip(TARGETS, TARGETS_6, strict=False) for target in pair]


def with_both(folder: Path, *, access: bool = True) -> World:
    """A place with both IP versions, in which as many targets are listed of one as of the other."""
    world = World(folder, access=access)
    world.here = {4: HOME_END, 6: HOME_END_6}
    world.listed = BOTH
    return world


async def test_an_undisturbed_run_measures_each_target_once(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    """They are begun in order, and nothing is said to have come in between."""
    world = World(tmp_path)
    await world.itinerary.run(TARGETS)
    assert sorted(trace.dst_addr for trace in world.kept) == sorted(t.address for t in TARGETS)
    first_sent = list(dict.fromkeys(target for _, target in world.sent))
    assert first_sent == [target.address for target in TARGETS]
    assert world.events == []
    assert world.expected == 40


async def test_a_link_that_is_gone_for_a_minute(tmp_path: Path, autojump_clock: MockClock) -> None:
    """The run waits for it; targets that had no route then are measured all the same, once."""
    world = World(tmp_path)
    world.then[10] = world.cut_off

    async def come_back() -> None:
        await world.gone.wait()
        await trio.sleep(60)
        world.here = {4: HOME_END}

    async with trio.open_nursery() as nursery:
        nursery.start_soon(come_back)
        await world.itinerary.run(TARGETS)
    assert trio.current_time() > 60
    assert sorted(trace.dst_addr for trace in world.kept) == sorted(t.address for t in TARGETS)
    assert all(trace.reached and len(trace.hops) == 4 for trace in world.kept)
    assert world.events == [AWAY]
    assert world.campaign.tally.interruptions == {AWAY: 1}
    assert world.campaign.tally.begun_anew >= 1
    assert world.campaign.failures() == {}


@pytest.mark.parametrize(("finished", "failure"), [(10, PartlyDone), (0, Offline)])
async def test_a_link_that_stays_away(
    tmp_path: Path, autojump_clock: MockClock, finished: int, failure: type[Exception]
) -> None:
    """After two minutes the run ends: partly done where something is kept, else offline."""
    world = World(tmp_path, access=False)
    world.then[finished + 1] = world.cut_off
    with pytest.raises(failure, match="--resume"):
        await world.itinerary.run(TARGETS)
    assert trio.current_time() > PATIENCE
    assert len(world.kept) >= finished


async def test_one_ip_version_that_goes_away_for_good_holds_up_no_other(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    """What is left of it had no route, and it is waited for no longer than for DHCP."""
    world = with_both(tmp_path, access=False)
    world.listed = BOTH + TARGETS[len(TARGETS_6) :]

    world.then[12] = world.lose_ipv6
    await world.itinerary.run(world.listed)
    assert trio.current_time() < PATIENCE / 2
    assert world.events == [AWAY]
    over = Counter(trace.af for trace in world.kept)
    assert over[4] == len(TARGETS)
    assert 0 < over[6] < len(TARGETS_6)
    assert world.campaign.failures() == {NO_ROUTE: len(TARGETS_6) - over[6]}


async def test_one_ip_version_that_goes_away_before_anything_is_measured_over_it(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    """It was there, so that it is no place without it."""
    world = with_both(tmp_path, access=False)

    world.then[1] = world.lose_ipv6
    await world.itinerary.run(world.listed)
    assert {trace.af for trace in world.finished_of} == {4}
    assert world.campaign.tally.absent() == {}
    assert world.campaign.failures() == {NO_ROUTE: len(TARGETS_6)}


async def test_one_ip_version_that_comes_back_a_little_after_the_other(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    """As in a WLAN, where IPv6 may take seconds longer: nothing is left out."""
    world = World(tmp_path)
    world.here = {4: HOME_END, 6: HOME_END_6}
    world.then[12] = world.cut_off

    async def come_back() -> None:
        await world.gone.wait()
        await trio.sleep(30)
        world.here = {4: HOME_END}
        await trio.sleep(20)
        world.here = {4: HOME_END, 6: HOME_END_6}

    async with trio.open_nursery() as nursery:
        nursery.start_soon(come_back)
        await world.itinerary.run(TARGETS_6 + TARGETS)
    assert world.events == [AWAY]
    assert len(world.kept) == len(TARGETS_6 + TARGETS)
    assert world.campaign.failures() == {}


@pytest.mark.parametrize("access", [True, False])
@pytest.mark.parametrize("elsewhere", [False, True])
async def test_one_ip_version_that_is_back_when_the_other_is_done(
    tmp_path: Path, autojump_clock: MockClock, access: bool, elsewhere: bool
) -> None:
    """What was put off for it is measured then, from where that is; no target counts twice."""
    world = with_both(tmp_path, access=access)

    def lose_ipv4() -> None:
        world.here = {6: HOME_END_6}

    def come_back() -> None:
        if elsewhere:
            world.premises = ELSEWHERE
        world.here = {4: AWAY_END if elsewhere else HOME_END, 6: HOME_END_6}

    world.then = {8: lose_ipv4, 11: come_back}
    await world.itinerary.run(world.listed)
    assert world.events == [AWAY]
    assert sorted(trace.dst_addr for trace in world.kept) == sorted(
        target.address for target in world.listed
    )
    assert world.campaign.failures() == {}
    assert len(world.finished_of) == world.expected == len(world.listed)
    last = world.kept[-1]
    assert (last.af, last.vantage and last.vantage.asn) == (4, GATEWAY if elsewhere else PROVIDER)


async def test_what_was_put_off_is_not_listed_a_second_time(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    """Its IP version is back before the country is known, for which all is listed anew."""
    world = with_both(tmp_path, access=False)

    def come_back_and_sleep() -> None:
        world.here = {4: HOME_END, 6: HOME_END_6}
        world.sleep()

    world.then = {1: world.lose_ipv6, 2: come_back_and_sleep}
    await world.itinerary.run(world.listed[:-4])
    assert world.events == [AWAY, ASLEEP]
    assert sorted(trace.dst_addr for trace in world.kept) == sorted(
        target.address for target in world.listed
    )
    assert len(world.finished_of) == world.expected == len(world.listed)
    assert world.campaign.failures() == {}


async def test_what_is_put_off_was_not_reached_where_the_run_is_ended(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    """The next run goes on with it."""
    world = World(tmp_path)
    world.here = {4: HOME_END, 6: HOME_END_6}

    def lose_ipv4() -> None:
        world.here = {6: HOME_END_6}

    def end() -> None:
        raise KeyboardInterrupt

    world.then = {8: lose_ipv4, 11: end}

    with pytest.raises(KeyboardInterrupt):
        await world.itinerary.run(BOTH)
    done = {trace.dst_addr for trace in world.finished_of}
    assert {t.address for t in world.itinerary.unreached} == {t.address for t in BOTH} - done


async def test_sleep_spoils_what_was_in_flight_and_makes_no_burst(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    """An hour later all is as before: no packet more at a time, no star that sleep made."""
    world = World(tmp_path)

    def sleep() -> None:
        autojump_clock.jump(3600)
        world.sleep()

    world.then[10] = sleep
    await world.itinerary.run(TARGETS)
    assert trio.current_time() > 3600
    assert world.events == [ASLEEP]
    assert len(world.kept) == 40
    assert all(trace.reached and len(trace.hops) == 4 for trace in world.kept)
    replies = [reply for trace in world.kept for hop in trace.hops for reply in hop.replies]
    assert not any(reply.is_star for reply in replies)
    times = [at for at, _ in world.sent]
    assert min(later - at for at, later in zip(times, times[10:], strict=False)) > 0.08


async def test_whoever_moves_is_located_anew(tmp_path: Path, autojump_clock: MockClock) -> None:
    """Traces name the network that they were made in, and are redacted by it."""
    world = World(tmp_path, access=False)
    world.then[20] = world.move
    await world.itinerary.run(TARGETS)
    assert world.events == [CHANGED]
    at_home, away = world.kept[:20], world.kept[20:]
    assert {trace.vantage and trace.vantage.asn for trace in at_home} == {PROVIDER}
    assert {trace.vantage and trace.vantage.asn for trace in away} == {GATEWAY}
    assert len(away) == 20
    assert {trace.hops[1].replies[0].address for trace in at_home} == {"36.37.9.0"}
    assert {trace.hops[1].replies[0].address for trace in away} == {"203.144.64.0"}


@pytest.mark.parametrize("economical", [False, True])
async def test_what_one_witness_has_lost_names_no_network(
    tmp_path: Path, autojump_clock: MockClock, economical: bool
) -> None:
    """Where the provider stays silent to the first, nobody else is taken for the provider."""
    world = World(tmp_path, access=False, economical=economical)
    world.lossy[TARGETS[0].address] = SILENT
    with pytest.raises(RefusedToRedact):
        await world.itinerary.run(TARGETS)
    assert (world.kept, world.campaign.access.known) == ([], {})


async def test_what_one_witness_has_lost_is_asked_again(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    """Loss alone keeps nobody from measuring; each target is kept and told of once."""
    world = World(tmp_path, access=False)
    for target, lost in ((TARGETS[0], 4), (TARGETS[19], 2)):
        world.lossy[target.address] = Interface("36.37.9.9", (*[None] * lost, 40.0))
    await world.itinerary.run(TARGETS)
    assert world.campaign.access.known[4].asn == PROVIDER
    assert sorted(trace.dst_addr for trace in world.kept) == sorted(t.address for t in TARGETS)
    assert all(trace.hops[1].replies[-1].address == "36.37.9.0" for trace in world.kept)
    assert (len(world.finished_of), world.expected) == (40, 40)
    assert world.campaign.failures() == {}


async def test_what_falls_into_a_hole_is_measured_once_more(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    """All packets of some seconds are gone: who was not heard of then is, at the end."""
    world = World(tmp_path)

    def fall_silent() -> None:
        world.silent = True
        world.gone.set()

    async def come_back() -> None:
        await world.gone.wait()
        await trio.sleep(3.0)
        world.silent = False

    world.then[10] = fall_silent
    async with trio.open_nursery() as nursery:
        nursery.start_soon(come_back)
        await world.itinerary.run(TARGETS)
    assert sorted(trace.dst_addr for trace in world.kept) == sorted(t.address for t in TARGETS)
    assert all(trace.reached for trace in world.kept)
    assert (len(world.finished_of), world.expected) == (40, 40)
    assert world.campaign.tally.unheard == 0


async def test_what_stays_silent_is_kept_as_that(tmp_path: Path, autojump_clock: MockClock) -> None:
    """A line that is dead from some time on costs each target two traces, and is counted."""
    world = World(tmp_path)

    def fall_silent() -> None:
        world.silent = True

    world.then[10] = fall_silent
    await world.itinerary.run(TARGETS)
    assert sorted(trace.dst_addr for trace in world.kept) == sorted(t.address for t in TARGETS)
    unheard = [trace for trace in world.kept if trace.stop == "gap"]
    assert 20 <= len(unheard) == world.campaign.tally.unheard
    asked = Counter(target for _, target in world.sent)
    assert max(asked.values()) <= 2 * 14
    assert (len(world.finished_of), world.expected) == (40, 40)


async def test_a_provider_that_keeps_silent_is_asked_no_second_time(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    """Where the access network never shows, silence there is nothing odd."""
    world = World(tmp_path)
    world.silent = True
    await world.itinerary.run(TARGETS)
    assert len(world.kept) == 40
    assert world.campaign.tally.unheard == 0
    assert max(Counter(target for _, target in world.sent).values()) <= 14


@pytest.mark.parametrize("finished", [4, 5])
async def test_moving_while_a_witness_is_asked_again(
    tmp_path: Path, autojump_clock: MockClock, finished: int
) -> None:
    """What was held from the old place is dropped, and all is measured from the new one."""
    world = World(tmp_path, access=False)
    world.lossy[TARGETS[0].address] = Interface("36.37.9.9", (None, None, None, None, None))
    asked = world.wire.send

    def send(probe: Probe) -> None:
        asked(probe)
        if sum(target == TARGETS[0].address for _, target in world.sent) == 4 + finished:
            world.lossy.clear()
            world.move()

    world.wire.send = send  # type: ignore[method-assign]
    await world.itinerary.run(TARGETS)
    assert {trace.vantage and trace.vantage.asn for trace in world.kept} == {GATEWAY}
    assert sorted(trace.dst_addr for trace in world.kept) == sorted(t.address for t in TARGETS)


async def test_a_vpn_that_comes_and_goes_within_a_trace(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    """All is as before when the trace ends, and it is made again all the same."""
    world = World(tmp_path)
    world.silent = True  # so that it takes seconds

    async def flicker() -> None:
        await trio.sleep(0.5)
        world.here = {4: replace(HOME_END, address="10.8.0.2", device="vpn0")}
        await trio.sleep(BEAT)
        world.here = {4: HOME_END}

    async with trio.open_nursery() as nursery:
        nursery.start_soon(flicker)
        await world.itinerary.run(TARGETS[:1])
    assert world.events == [CHANGED]
    assert world.campaign.tally.begun_anew == 1
    assert len(world.kept) == 1


async def test_moving_while_it_is_not_known_where_one_is(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    """What was held from the old place is never written as if made in the new one."""
    world = World(tmp_path, access=False)
    world.then[2] = world.move
    await world.itinerary.run(TARGETS)
    assert len(world.kept) == 40
    assert {trace.vantage and trace.vantage.asn for trace in world.kept} == {GATEWAY}
    assert b"36.37" not in b"".join(path.read_bytes() for path in (tmp_path / "spool").iterdir())


async def test_a_new_address_in_ones_subnet_is_no_other_place(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    """The lease changes, the access network stays known; both addresses are one's own."""
    world = World(tmp_path)

    def renew() -> None:
        world.here = {4: LineEnd("192.168.1.77", HOME_END.network, "wlan0", 3)}
        world.premises = Premises(frozenset({"192.168.1.77"}), HOME.networks)

    world.then[10] = renew
    await world.itinerary.run(TARGETS)
    assert world.events == [CHANGED]
    assert len(world.kept) == 40
    assert world.campaign.access.known[4].known_by == "interface"


async def test_the_new_subnet_is_not_probed(tmp_path: Path, autojump_clock: MockClock) -> None:
    """A target that has become a neighbour is left out and counted."""
    world = World(tmp_path, access=False)
    world.then[20] = world.move
    neighbour = Target("10.64.9.9", "10.64.9.9", "a test")
    world.listed = [*TARGETS[:35], neighbour, *TARGETS[35:]]
    await world.itinerary.run(world.listed)
    assert world.itinerary.left_out == {"own subnet": 1}
    assert "10.64.9.9" not in {target for _, target in world.sent}


async def test_a_network_that_does_not_show_ends_it(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    """Nothing is written from a place that is not known; what was kept stays."""
    world = World(tmp_path)

    def move() -> None:
        world.silent = True
        world.move()

    world.then[10] = move
    with pytest.raises(PartlyDone, match=r"moved: nothing answers .* with --resume"):
        await world.itinerary.run(TARGETS)
    assert len(world.kept) == 10


async def test_a_machine_that_never_holds_still(tmp_path: Path, autojump_clock: MockClock) -> None:
    """A target that is interrupted each time is given up and counted; the run comes to its end."""
    world = World(tmp_path)
    world.restless = TARGETS[5].address
    await world.itinerary.run(TARGETS)
    assert world.campaign.failures() == {INTERRUPTED: 40 - len(world.kept)}
    assert TARGETS[5].address not in {trace.dst_addr for trace in world.kept}
    assert len(world.events) >= TRIES


async def test_another_ip_version_that_comes_up_disturbs_nothing(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    """IPv6 that is there all at once spoils no trace over IPv4."""
    world = World(tmp_path)

    def come_up() -> None:
        world.here = {**world.here, 6: LineEnd("2405:8380::7", None, "wlan0", 3)}

    world.then[10] = come_up
    await world.itinerary.run(TARGETS)
    assert (world.events, len(world.kept)) == ([], 40)


async def test_what_the_budget_leaves_undone_is_counted(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    """Nothing is sent beyond it, and each target is either kept or counted."""
    world = World(tmp_path, budget=5_000)
    await world.itinerary.run(TARGETS)
    failed = world.campaign.failures()
    assert set(failed) == {OVER_BUDGET}
    assert failed[OVER_BUDGET] + len(world.kept) == 40
    assert len(world.sent) * world.wire.probe_size(Method.ICMP, 4) <= 5_000
    assert len(world.kept) >= 10


async def test_a_budget_that_ends_before_it_is_known_where_one_is(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    """Nothing was measured, which is the budget's doing and no fault of the connection."""
    world = World(tmp_path, access=False, budget=500)
    await world.itinerary.run(TARGETS)
    assert world.sent == []
    assert world.campaign.failures() == {OVER_BUDGET: 40}


async def test_a_budget_that_ends_in_the_middle_of_the_first_traces(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    """What was measured tells the country and is kept; what that adds to the list is counted."""
    world = World(tmp_path, access=False, budget=1_040)

    def fall_silent() -> None:
        world.silent = True

    world.then[1] = fall_silent
    await world.itinerary.run(TARGETS[:20])
    assert len(world.kept) == 1
    assert world.campaign.failures() == {OVER_BUDGET: 39}


async def test_what_the_firewall_kept_back_for_a_while_is_kept_when_it_was_measured(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    """As where a VPN goes down and its guard lets nothing out until the link is back."""
    world = World(tmp_path)

    def go_down() -> None:
        world.slept += 1
        world.kept_back = lambda _: not world.events

    world.then[10] = go_down
    await world.itinerary.run(TARGETS)
    assert world.events == [ASLEEP]
    assert len(world.kept) == 40
    assert world.campaign.failures() == {}


async def test_a_firewall_that_hinders_the_search_for_parallel_paths(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    """The trace itself was measured and is kept; a target of which nothing left is counted."""
    world = World(tmp_path, multipath="full")
    hindered, shut = TARGETS[1].address, TARGETS[2].address
    world.kept_back = lambda probe: (
        probe.target == shut or (probe.target == hindered and probe.flow != world.campaign.flow)
    )
    await world.itinerary.run(TARGETS[:4])
    assert [trace.dst_addr for trace in world.kept if "multipath:" in " ".join(trace.notes)] == [
        hindered
    ]
    assert world.campaign.failures() == {FIREWALL: 1}


async def test_an_ip_version_that_the_system_has_not_keeps_nothing_from_the_other(
    tmp_path: Path, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the access network of the other one is known, so that this one is asked first."""
    world = World(tmp_path)
    usable = world.wire.methods
    monkeypatch.setattr(
        world.wire, "methods", lambda version: usable(version) if version == 4 else ()
    )
    other = [Target(f"2001:5a0::{n}", f"2001:5a0::{n}", "a test") for n in range(1, 4)]
    await world.itinerary.run([*other, *TARGETS[:4]])
    assert len(world.kept) == 4
    assert world.campaign.tally.absent() == {6: 3}
    assert world.campaign.failures() == {}
    assert len(world.finished_of) == world.expected == 4


async def test_nobody_waits_for_traces_that_are_not_made(
    tmp_path: Path, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over an IPv6 that leads nowhere three are traced to; then the others are no more to come."""
    world = with_both(tmp_path, access=False)
    over_ipv4, nowhere = world.now, Way((Interface("fd00:1::1", (1.0,)),), DARK)
    monkeypatch.setattr(world, "now", lambda to: nowhere if ":" in to else over_ipv4(to))
    await world.itinerary.run(world.listed)
    over = Counter(trace.af for trace in world.finished_of)
    assert over == {4: len(TARGETS_6), 6: 3}
    assert world.expected == len(world.finished_of)
