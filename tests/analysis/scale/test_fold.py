"""Folding traces while they are read changes nothing, however they are cut and put together.

Every trace of a simulated country, its RTTs drawn anew so that all rules that ask for them have
work, must cross the border as it does when it is looked at by itself.
"""

from __future__ import annotations

import datetime as dt
import gc
import pickle
import random
import weakref
from collections import Counter
from functools import cache
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.evidence.desk import Desk
from analysis.evidence.observation import Observation
from analysis.evidence.panel import Panel, cross, observe
from analysis.home.domestic import DomesticPath, domestic_path
from analysis.intake.told import Fingerprint, Numbers, fingerprint_of, tell
from analysis.owners.operators import Gazetteer
from analysis.paths.crossing import Crossing
from analysis.paths.detour import put_at_home
from analysis.paths.lateness import late_steps
from analysis.policy import Policy
from analysis.scale.fold import Counted, Folded, Folder, Part, readings, unusable
from analysis.simulated.simulation import NOW, Truth, country
from analysis.simulated.world import COUNTRY, Faults, SimulatedTable
from probe.record import Hop, Reply, Vantage

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from probe.record import Trace

# Registered abroad, unmapped, and at home, on both sides of the policy's steps.
RTTS = (0.2, 0.9, 1.1, 1.9, 2.1, 8.0, 11.5, 12.5, 25.0, None)
ODD = ("30.0.1.9", "10.20.1.1", "8.8.8.8", "20.0.2.7", "20.1.1.3", None)
# At home; where nearly all paths end abroad, as in a cache there; and none of both.
TARGETS = ("20.0.3.200", *["40.0.1.200", "40.0.2.200"] * 2, "30.0.1.9", None, None, None)


@cache
def table() -> SimulatedTable:
    return SimulatedTable(8)


def desk(policy: Policy | None = None) -> Desk:
    return Desk(Gazetteer(table(), COUNTRY), table(), policy or Policy(), NOW)


@cache
def traces(seed: int) -> tuple[Trace, ...]:
    """A country's traces, some with odd hops, and each with RTTs of its own; some are copies."""
    draw = random.Random(seed)
    made = []
    for nth, trace in enumerate(country(Truth(8, 0.5), str(seed), faults=Faults(), days=3).traces):
        hops = []
        for hop in trace.hops:
            address = draw.choice(ODD) if draw.random() < 0.15 else hop.replies[0].address
            rtt = draw.choice(RTTS) if address else None
            hops.append(hop._replace(replies=(hop.replies[0]._replace(address=address, rtt=rtt),)))
        target = draw.choice(TARGETS) or trace.dst_addr
        made.append(
            trace._replace(
                hops=tuple(hops),
                dst_addr=target,
                msm_id=nth,
                timestamp=trace.timestamp + nth,
            )
        )
        if draw.random() < 0.05:
            made.append(made[-1])
        if draw.random() < 0.05:
            made.append(made[-1]._replace(hops=trace.hops))
    return tuple(made)


def parts(folder: Folder, some: Sequence[Trace], cuts: Iterable[int]) -> list[Part]:
    """The parts of a country's traces, cut before these."""
    numbers = Numbers()
    made = [Part()]
    for nth, trace in enumerate(some):
        if nth in cuts:
            made.append(Part())
        told = tell(trace)
        folder.add(told, fingerprint_of(trace, told, numbers), made[-1])
    return made


def folded(some: Sequence[Part], order: Iterable[int]) -> tuple[list[Counted], Counter[str]]:
    whole = Folded()
    for number in order:
        whole.add((0, number), some[number])
    return whole.finish()


def without_copies(some: Iterable[Trace]) -> list[Trace]:
    """Of each id the one of which the hash of what was heard is the least."""
    numbers = Numbers()
    chosen: dict[int, tuple[int, Trace]] = {}
    for trace in some:
        claims, heard = fingerprint_of(trace, tell(trace), numbers)
        if claims not in chosen or heard < chosen[claims][0]:
            chosen[claims] = heard, trace
    return [trace for _, trace in chosen.values()]


def counted(panel: Panel, policy: Policy) -> Counter[tuple[object, ...]]:
    found: Counter[tuple[object, ...]] = Counter()
    for seen in panel.observations:
        for day, traces in seen.daily():
            found[_of(seen, day, policy)] += traces
    return found


def _of(seen: Observation, day: dt.date, policy: Policy) -> tuple[object, ...]:
    return (
        seen.kind,
        seen.organisation,
        seen.vantage,
        seen.family,
        day,
        seen.destination,
        seen.destination_class,
        seen.crossing if seen.crossing is not None else domestic_path(seen, policy),
        seen.crossing is None and put_at_home(seen.steps, policy),
        *(
            late_steps(seen.path.frame, seen.path.rtts, policy)
            if seen.crossing is not None and seen.crossing.border is not None
            else ()
        ),
    )


@pytest.mark.parametrize("policy", [Policy(), Policy(home_step_ms=12.0, abroad_step_ms=2.0)])
@pytest.mark.parametrize("seed", range(12))
def test_each_trace_crosses_as_it_does_by_itself(seed: int, policy: Policy) -> None:
    """Counted by vantage, destination, day and way, and by reason where they are left out."""
    one_by_one = observe(
        without_copies(traces(seed)), Gazetteer(table(), COUNTRY), table(), policy, NOW
    )
    found, _ = folded(parts(Folder(desk(policy), policy), traces(seed), ()), [0])
    together = cross(list(readings(found, desk(policy))), unusable(found), policy)
    assert counted(together, policy) == counted(one_by_one, policy)
    assert together.rejected == one_by_one.rejected
    assert len({seen.crossing for seen in together.observations if seen.crossing}) > 20
    assert any(seen.kind == "domestic" for seen in together.observations)
    left_out = together.rejected
    assert left_out["destination_next_door"] + left_out["destination_cached_at_home"] > 0


@settings(max_examples=40)
@given(st.integers(0, 3), st.sets(st.integers(1, 300), max_size=6), st.randoms())
def test_no_cut_and_no_order_changes_anything(
    seed: int, cuts: set[int], draw: random.Random
) -> None:
    """Cut anywhere and put together in any order, copies on both sides of a cut among them."""
    policy = Policy()
    whole, left_out = folded(parts(Folder(desk(), policy), traces(seed), ()), [0])
    some = parts(Folder(desk(), policy), traces(seed), cuts)
    order = list(range(len(some)))
    draw.shuffle(order)
    again, rejected = folded(some, order)
    assert [one._replace(rtts=()) for one in again] == [one._replace(rtts=()) for one in whole]
    assert rejected == left_out
    assert rejected["duplicate"] > 0
    assert rejected["repeated_id"] > 0


@pytest.mark.parametrize("remembered", [3, 50_000])
@pytest.mark.parametrize("seed", range(3))
def test_what_was_said_once_is_not_said_again(
    seed: int, remembered: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two folders take turns, and of one a part is lost: as if each part said all of its own."""
    monkeypatch.setattr("analysis.scale.fold._REMEMBERED", remembered)
    policy = Policy()
    draw = random.Random(seed)
    today = without_copies(traces(seed))
    some = today + [trace._replace(timestamp=trace.timestamp + 86_400) for trace in today]
    whole, _ = folded(parts(Folder(desk(), policy), some, ()), [0])
    folders = [Folder(desk(), policy) for _ in range(2)]
    together = Folded()
    numbers = Numbers()
    sent = had = 0
    for piece in range(0, len(some), 20):
        told = [tell(trace) for trace in some[piece : piece + 20]]
        prints = [
            fingerprint_of(trace, said, numbers)
            for trace, said in zip(some[piece : piece + 20], told, strict=True)
        ]
        folder = draw.choice(folders)
        if piece == 100:
            for said, fingerprint in zip(told, prints, strict=True):
                folder.add(said, fingerprint, Part())
            folder.begin_anew()
        part = Part()
        for said, fingerprint in zip(told, prints, strict=True):
            folder.add(said, fingerprint, part)
        together.add((0, piece), part)
        sent += len(part.patterns)
        had += len(part.names)
    again, _ = together.finish()
    assert [one._replace(rtts=()) for one in again] == [one._replace(rtts=()) for one in whole]
    assert sent < had or remembered == 3


def test_a_part_that_is_lost_is_missed() -> None:
    """No count is made of patterns of which nobody said what they are."""
    today = without_copies(traces(0))
    some = today + [trace._replace(timestamp=trace.timestamp + 86_400) for trace in today]
    first, second = parts(Folder(desk(), Policy()), some, {len(today)})
    assert not second.patterns
    alone = Folded()
    alone.add((0, 1), second)
    with pytest.raises(RuntimeError, match="was lost"):
        alone.finish()
    (again,) = parts(Folder(desk(), Policy()), today, ())
    assert folded([again, second], [1, 0]) == folded([first, second], [0, 1])


def test_what_is_forgotten_is_found_out_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is remembered of ways is bounded, in the midst of a part as well."""
    whole, _ = folded(parts(Folder(desk(), Policy()), traces(0), ()), [0])
    monkeypatch.setattr("analysis.scale.fold._REMEMBERED", 3)
    again, _ = folded(parts(Folder(desk(), Policy()), traces(0), ()), [0])
    assert [one._replace(rtts=()) for one in again] == [one._replace(rtts=()) for one in whole]


def test_a_trace_that_is_not_usable_holds_nothing() -> None:
    """What was at hand while it was folded, as the piece of the input, is let go."""

    class Piece:
        pass

    folder = Folder(desk(), Policy())

    def fold(source: str) -> weakref.ref[Piece]:
        piece = Piece()
        told = tell(traces(0)[0]._replace(vantage=None, source=source))
        for number in range(2):
            folder.add(told._replace(prb_id=number), Fingerprint(number, 0), Part())
        return weakref.ref(piece)

    gc.disable()
    try:
        assert fold("8.8.8.8")() is None  # abroad
        assert fold("192.168.1.1")() is None  # nobody's
    finally:
        gc.enable()


def test_no_traces_are_none() -> None:
    """Neither no part nor an empty one is a fault."""
    assert folded([], []) == ([], Counter())
    assert folded([Part()], [0]) == ([], Counter())


def test_many_traces_become_few() -> None:
    """Traces that differ in their RTTs alone are one, on each day, whatever their number."""
    first = next(t for t in country(Truth(8), "few", faults=Faults(0, 0, 0), days=1).traces)
    draw = random.Random(1)
    many = [
        first._replace(
            msm_id=nth,
            hops=tuple(
                hop._replace(
                    replies=tuple(
                        reply._replace(rtt=20.0 * hop.number + draw.random())
                        for reply in hop.replies
                    )
                )
                for hop in first.hops
            ),
        )
        for nth in range(1000)
    ]
    found, rejected = folded(parts(Folder(desk(), Policy()), many, ()), [0])
    assert [one.traces for one in found] == [1000]
    assert not rejected


Row = tuple[tuple[str | None, float | None], ...]


def crossed(*paths: Row) -> list[Crossing]:
    """The crossing of each group that paths of one network fall into, of one trace each."""
    made = []
    for nth, row in enumerate(paths):
        hops = tuple(Hop(n, (Reply(*said, 60, 28),)) for n, said in enumerate(row, start=1))
        made.append(traces(0)[0]._replace(hops=hops, dst_addr="40.0.1.200", msm_id=nth))
        made[-1] = made[-1]._replace(vantage=Vantage("v1", 101, None, COUNTRY))
    found, _ = folded(parts(Folder(desk(), Policy()), made, ()), [0])
    assert [one.traces for one in found] == [1] * len(paths)
    together = cross(list(readings(found, desk())), Counter(), Policy())
    return [seen.crossing for seen in together.observations if seen.crossing]


def ways_at_home(some: Sequence[Trace]) -> list[DomesticPath]:
    """What each group of these traces shows between two networks at home."""
    found, _ = folded(parts(Folder(desk(), Policy()), some, ()), [0])
    together = cross(list(readings(found, desk())), Counter(), Policy())
    return [domestic_path(seen, Policy()) for seen in together.observations]


ORDERS = pytest.mark.parametrize("order", [1, -1], ids=["near first", "far first"])


@ORDERS
def test_who_is_registered_at_home_and_answers_from_abroad_is_told_apart(order: int) -> None:
    """Two traces alike but for how late a network at home answers behind a carrier's router."""
    near, far = (
        (("20.0.1.1", 1.0), ("30.0.1.9", 1.5), ("20.1.1.3", last), ("40.0.1.200", 95.0))
        for last in (1.9, 80.0)
    )
    assert {one.border for one in crossed(*(near, far)[::order])} == {(1, 2), (3, 4)}


@ORDERS
def test_an_unannounced_hop_beside_an_own_router_abroad_is_told_apart(order: int) -> None:
    """Two traces alike but for how soon the own network answers first."""
    near, far = (
        (
            ("20.0.1.1", first),
            ("20.0.1.2", 25.0),
            ("45.1.2.3", 25.5),
            ("30.0.1.9", 26.6),
            ("40.0.2.9", 80.0),
        )
        for first in (20.0, 1.0)
    )
    assert sorted(len(one.strict) for one in crossed(*(near, far)[::order])) == [0, 1]


@ORDERS
@pytest.mark.parametrize(
    "paths",
    [
        # What lies behind it is 9.7 ms farther, or 10.
        [
            (("20.0.1.1", 1.0), ("30.0.1.9", 1.5), (None, None), ("40.0.2.9", last))
            for last in (11.2, 11.5)
        ],
        # The last one at home answers late, or it lies 2 ms farther; what is between says nothing.
        [
            (
                ("20.0.1.1", home),
                ("10.20.1.1", 1.0),
                (None, None),
                ("30.0.1.9", 3.0),
                ("40.0.2.9", 80.0),
            )
            for home in (5.0, 1.0)
        ],
    ],
    ids=["by what is behind", "by what is before"],
)
def test_a_carriers_router_at_home_is_told_apart(paths: list[Row], order: int) -> None:
    """Two traces alike but for an RTT: in one of them it stands in the country."""
    found = [{node.kind for node in one.lenient} for one in crossed(*paths[::order])]
    assert sorted("organisation" in kinds for kinds in found) == [False, True]


@ORDERS
@pytest.mark.parametrize(
    "paths",
    [
        [(("20.0.1.1", 1.0), ("20.1.1.3", 1.4), ("40.0.1.200", last)) for last in (95.0, None)],
        [
            (("20.0.1.1", 1.0), ("30.0.1.9", 1.3), ("20.1.1.3", last), ("40.0.1.200", 95.0))
            for last in (1.8, None)
        ],
    ],
    ids=["of the destination", "of who is behind a foreign number"],
)
def test_who_tells_no_rtt_is_told_apart(paths: list[Row], order: int) -> None:
    """Two traces alike but for an RTT that one of them lacks: there the border is open."""
    assert {one.state for one in crossed(*paths[::order])} == {"resolved", "ambiguous"}


@ORDERS
def test_a_foreign_router_at_home_that_tells_no_rtt_is_told_apart(order: int) -> None:
    """Of two ways at home that are alike but for an RTT only the one that has it is known."""
    two = []
    for nth, rtt in enumerate([1.4, None][::order]):
        row = (("20.0.1.1", 1.0), ("30.0.1.9", rtt), ("20.0.2.200", 1.9))
        hops = tuple(Hop(n, (Reply(*said, 60, 28),)) for n, said in enumerate(row, start=1))
        two.append(traces(0)[0]._replace(hops=hops, dst_addr="20.0.2.200", msm_id=nth))
        two[-1] = two[-1]._replace(vantage=Vantage("v1", 101, None, COUNTRY))
    assert sorted(len(way.between) for way in ways_at_home(two)) == [0, 1]


def test_a_foreign_router_that_is_near_is_told_apart() -> None:
    """Two ways at home alike but for whether the RTT puts a router registered abroad there."""
    two = []
    for nth, rtt in enumerate([1.4, 2.4]):
        row = (("20.0.1.1", 1.0), ("30.0.1.9", rtt), ("20.0.2.200", 2.9))
        hops = tuple(Hop(n, (Reply(*said, 60, 28),)) for n, said in enumerate(row, start=1))
        two.append(traces(0)[0]._replace(hops=hops, dst_addr="20.0.2.200", msm_id=nth))
        two[-1] = two[-1]._replace(vantage=Vantage("v1", 101, None, COUNTRY))
    found, _ = folded(parts(Folder(desk(), Policy()), two, ()), [0])
    together = cross(list(readings(found, desk())), Counter(), Policy())
    assert {put_at_home(seen.steps, Policy()) for seen in together.observations} == {
        frozenset(),
        frozenset({1}),
    }


@pytest.mark.parametrize("carrier", [60.4, 119.0], ids=["abroad first", "at home first"])
def test_a_carrier_met_abroad_on_a_way_at_home_is_told_apart(carrier: float) -> None:
    """Two detours alike but for whether the network behind the foreign router is back at home."""
    two = []
    for nth, rtt in enumerate([carrier, 179.4 - carrier]):
        row = (("20.0.1.1", 1.0), ("30.0.1.9", 60.0), ("20.1.1.3", rtt), ("20.0.2.200", 120.0))
        hops = tuple(Hop(n, (Reply(*said, 60, 28),)) for n, said in enumerate(row, start=1))
        two.append(traces(0)[0]._replace(hops=hops, dst_addr="20.0.2.200", msm_id=nth))
        two[-1] = two[-1]._replace(vantage=Vantage("v1", 101, None, COUNTRY))
    ways = ways_at_home(two)
    assert [way.abroad for way in ways] == [True, True]
    assert {len(way.between) for way in ways} == {0, 1}


def test_patterns_that_came_from_other_processes_share_what_is_alike() -> None:
    """Each part is pickled by itself, so that an address comes anew with each of them."""
    made = parts(Folder(desk(), Policy()), traces(1), range(0, len(traces(1)), 20))
    found, _ = folded([pickle.loads(pickle.dumps(part)) for part in made], range(len(made)))
    for said in ("addresses", "organisation", "speaker", "destination"):
        values = [getattr(one.pattern, said) for one in found]
        assert len({id(value) for value in values}) == len(set(values)) < len(values)
    addresses = [address for one in found for address in one.pattern.addresses]
    assert len({id(address) for address in addresses}) == len(set(addresses))
