"""Measuring backward with a stop set: what is asked, what is taken over, what is never inferred."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.engine.economical import REFUSED, Economical, Routes
from probe.engine.horizon import Horizon, Limits
from probe.engine.strategy import EveryHop
from probe.network import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

HOP = Kind.TIME_EXCEEDED
TARGET = "203.0.113.7"


def router(ttl: int, branch: int = 0) -> str:
    return f"192.0.{branch}.{ttl}"


def nowhere(_: str) -> bool | None:
    return None


def begin(
    routes: Routes | None = None, distance: int | None = None, limits: Limits | None = None
) -> Economical:
    limits = limits or Limits()
    horizon = Horizon(limits)
    if distance is not None:
        horizon.reached(distance, 0.01)
    return Economical(limits, horizon, routes or Routes(nowhere))


def play(
    path: Economical, way: Sequence[str | None], *, dark: bool = False, abreast: int = 100
) -> list[int]:
    """Answer what the path asks as routers on this way would, until it is over; what was asked.

    So many probes at most are sent before they are answered.
    """
    asked = []
    while path.stop is None:
        wanted: list[int] = []
        while len(wanted) < abreast and (ttl := path.next_ttl()) is not None:
            path.sent(ttl)
            wanted.append(ttl)
        assert wanted, "neither over nor anything to ask"
        asked += wanted
        for ttl in wanted:
            if ttl > len(way):
                if dark:
                    path.lost(ttl)
                else:
                    left = ttl - len(way)
                    path.answered(ttl, TARGET, Kind.DESTINATION, 0.02, quoted_ttl=left)
            elif (address := way[ttl - 1]) is None:
                path.lost(ttl)
            else:
                path.answered(ttl, address, HOP, 0.001 * ttl)
    return asked


TEN = [router(ttl) for ttl in range(1, 11)]


def learnt(*ways: Sequence[str | None]) -> Routes:
    routes = Routes(nowhere)
    for way in ways:
        routes.learn(way)
    return routes


def test_the_first_path_is_measured_whole() -> None:
    """With nothing to take over every hop is asked, and none waits for another."""
    path = begin(distance=11)
    path.sent(11)
    path.answered(11, TARGET, Kind.DESTINATION, 0.02, quoted_ttl=1)
    at_once = []
    while (ttl := path.next_ttl()) is not None:
        path.sent(ttl)
        at_once.append(ttl)
    assert at_once == list(range(1, 11))
    for ttl in at_once:
        path.answered(ttl, router(ttl), HOP, 0.001 * ttl)
    assert (path.stop, path.last, path.inferred) == ("destination", 11, {})


def test_only_the_first_path_is_asked_all_at_once() -> None:
    """Though it taught nothing: near routers are never asked by all traces at the same time."""
    routes = Routes(nowhere)
    play(begin(routes, distance=11), [None] * 10, dark=True)
    path = begin(routes, distance=11)
    path.sent(11)
    path.answered(11, TARGET, Kind.DESTINATION, 0.02, quoted_ttl=1)
    assert path.next_ttl() == 10
    path.sent(10)
    assert path.next_ttl() is None


def test_a_path_like_no_other_is_measured_whole() -> None:
    """From the target backward: each hop might be where it joins one that is known."""
    path = begin(learnt([router(ttl, 1) for ttl in range(1, 11)]), distance=11)
    assert play(path, TEN) == list(range(11, 0, -1))
    assert (path.stop, path.last, path.inferred) == ("destination", 11, {})


def test_a_known_path_costs_two_probes() -> None:
    """One to the target and one to where the path joins what is known."""
    path = begin(learnt(TEN), distance=11)
    assert play(path, TEN) == [11, 10]
    assert path.inferred == {ttl: router(ttl) for ttl in range(1, 10)}


def test_one_trace_teaches_the_next() -> None:
    """What a trace measured stops those after it, on the part of the path that they share."""
    limits = Limits()
    horizon, routes = Horizon(limits), Routes(nowhere)
    first = Economical(limits, horizon, routes)
    assert first.learning
    play(first, TEN)
    assert not first.learning
    other = [*TEN[:6], router(7, 1), router(8, 1), router(9, 1), router(10, 1)]
    second = Economical(limits, horizon, routes)
    assert play(second, other) == [11, 10, 9, 8, 7, 6]
    third = Economical(limits, horizon, routes)
    assert play(third, other) == [11, 10]
    assert third.inferred[7] == router(7, 1)


def test_address_and_ttl_must_both_agree() -> None:
    """A router that is known one hop nearer was reached by another way."""
    path = begin(learnt(TEN[1:]), distance=11)
    assert play(path, TEN) == list(range(11, 0, -1))


def test_silent_hops_are_passed_over_and_asked_again() -> None:
    """A silent hop does not end the way back; it is asked once more, as in any trace."""
    way = [*TEN[:8], None, None]
    path = begin(learnt(TEN), distance=11)
    asked = play(path, way)
    assert sorted(asked) == [8, 9, 9, 10, 10, 11]
    assert set(path.inferred) == set(range(1, 8))


def test_a_silent_hop_that_is_taken_over_stays_silent() -> None:
    """It is inferred that there is a hop, and that it keeps silent."""
    path = begin(learnt([TEN[0], None, *TEN[2:]]), distance=11)
    assert play(path, TEN) == [11, 10]
    assert path.inferred[2] is None


@pytest.mark.parametrize("nobody", [None, REFUSED])
def test_hops_without_an_address_are_not_the_same_hop(nobody: str | None) -> None:
    """What came before a silent one on one way is not what comes before one on another."""
    one, other = [router(1), nobody, router(3)], [router(1, 1), nobody, router(3, 1)]
    routes = learnt(one, other)
    before = routes.before(3, router(3, 1))
    assert before is not None
    assert list(before.values()) == [nobody, router(1, 1)]


def test_silence_that_is_not_yet_sure_is_waited_for() -> None:
    """One of the hops asked at the same time keeps silent; the way back waits for the others."""
    path = begin(learnt(TEN), distance=11)
    path.sent(11)
    path.lost(11)
    for ttl in (8, 9, 10):
        assert path.next_ttl() == ttl
        path.sent(ttl)
    path.lost(10)
    assert (path.stop, path.next_ttl()) == (None, None)


def test_a_dark_target_is_given_up_early() -> None:
    """Three hops are asked at once from where targets are; three silent ones end it."""
    path = begin(learnt(TEN), distance=11)
    asked = play(path, TEN, dark=True)
    assert sorted(asked) == [8, 9, 10, 11, 12, 13]
    assert (path.stop, path.last) == ("gap", 13)
    assert set(path.inferred) == set(range(1, 8))


def test_the_hops_around_the_border_are_measured_every_time() -> None:
    """From two before the first foreign hop to two after, although all are known."""
    routes = Routes(lambda address: address == router(5))
    routes.learn(TEN)
    path = begin(routes, distance=11)
    asked = play(path, TEN)
    assert asked[:2] == [11, 10]
    assert sorted(asked[2:]) == [3, 4, 5, 6, 7]
    assert sorted(path.inferred) == [1, 2, 8, 9]


@pytest.mark.parametrize(("hops", "border", "least"), [(12, 7, 7), (7, 4, 6), (12, 10, 5)])
def test_and_nothing_else_but_where_the_path_ends(hops: int, border: int, least: int) -> None:
    """A known path costs its border, its target and the hop before that: no rule takes less.

    Only what a hop farther on has answered says by which hops it is reached. The first two are
    the rows and the tree of ``make bench``, where this is 0.58 and 0.86 of a probe a hop.
    """
    way = [router(ttl) for ttl in range(1, hops)]
    routes = Routes(lambda address: address in way[border - 1 :])
    routes.learn(way)
    asked = play(begin(routes, distance=hops), way)
    assert set(asked) == {*range(border - 2, border + 3), hops - 1, hops}
    assert len(asked) == least


def test_a_border_that_is_measured_otherwise_unmakes_what_was_inferred() -> None:
    """Before a hop that is not the one taken over nothing is known, so the way back goes on."""
    routes = Routes(lambda address: address == router(5))
    routes.learn(TEN)
    moved = [*TEN[:1], router(2, 9), router(3, 9), *TEN[3:]]
    path = begin(routes, distance=11)
    asked = play(path, moved)
    assert sorted(asked) == [1, 2, 3, 4, 5, 6, 7, 10, 11]
    assert sorted(path.inferred) == [8, 9]


def test_the_border_does_not_wait_for_a_silent_hop_behind_it() -> None:
    """Its hops are asked as soon as the path joins a known one, beside a repetition farther on."""
    routes = Routes(lambda address: address == router(4))
    routes.learn(TEN)
    path = begin(routes, distance=11)
    path.sent(11)
    path.answered(11, TARGET, Kind.DESTINATION, 0.02, quoted_ttl=1)
    path.sent(10)
    path.lost(10)
    for ttl in (9, 10):
        assert path.next_ttl() == ttl
        path.sent(ttl)
    path.answered(9, router(9), HOP, 0.01)
    assert path.next_ttl() == 2


def test_a_border_that_is_that_of_another_known_path_is_where_this_one_joins_that() -> None:
    """What came before it there is taken over in place of what was."""
    routes = Routes(lambda address: address in {router(5), router(5, 1)})
    other = [*(router(ttl, 1) for ttl in range(1, 6)), *TEN[5:]]
    routes.learn(TEN)
    routes.learn(other)
    path = begin(routes, distance=11)
    assert sorted(play(path, other)) == [3, 4, 5, 6, 7, 10, 11]
    assert path.inferred == {ttl: other[ttl - 1] for ttl in (1, 2, 8, 9)}


def test_what_differs_before_the_border_leaves_none_of_its_hops_unmeasured() -> None:
    """Though the way back has come home by that, and what was planned had not been sent yet."""
    routes = Routes(lambda address: address == router(3))
    routes.learn(TEN)
    path = begin(routes, distance=11)
    asked = play(path, [router(1, 9), *TEN[1:]], abreast=1)
    assert sorted(asked) == [1, 2, 3, 4, 5, 10, 11]
    assert sorted(path.inferred) == [6, 7, 8, 9]


def test_where_the_border_keeps_silent_it_is_the_next_hop_abroad_that_counts() -> None:
    """What was taken over for it is not what this trace shows: that begins one hop farther on."""
    routes = Routes(lambda address: address in TEN[4:])
    routes.learn(TEN)
    path = begin(routes, distance=11)
    asked = play(path, [*TEN[:4], None, *TEN[5:]])
    assert sorted(set(asked)) == [3, 4, 5, 6, 7, 8, 10, 11]
    assert sorted(path.inferred) == [1, 2, 9]


def test_a_hop_on_its_way_to_be_measured_is_waited_for() -> None:
    """Also one beside a border that then turned out to be farther on; else no hop is there."""
    limits = Limits(attempts=1)
    horizon, routes = Horizon(limits), Routes(lambda address: address in TEN[4:])
    routes.learn(TEN)
    horizon.reached(11, 0.01)
    path = Economical(limits, horizon, routes)
    path.sent(11)
    path.answered(11, TARGET, Kind.DESTINATION, 0.02, quoted_ttl=1)
    path.sent(10)
    path.answered(10, router(10), HOP, 0.01)
    EveryHop(limits, horizon).sent(3)  # another trace asks it just now
    for ttl in (4, 5, 6, 7):
        assert path.next_ttl() == ttl
        path.sent(ttl)
    for ttl in (4, 6, 7):
        path.answered(ttl, router(ttl), HOP, 0.01)
    path.lost(5)
    for ttl in (8, 3):
        assert path.next_ttl() == ttl
        path.sent(ttl)
    path.answered(8, router(8), HOP, 0.01)
    early = path.stop
    assert early is None
    path.answered(3, router(3), HOP, 0.01)
    assert (path.stop, sorted(path.inferred)) == ("destination", [1, 2, 9])


def test_a_silent_hop_before_a_dark_target_is_asked_again() -> None:
    """Something farther on has answered, so that this is no silence of the end."""
    path = begin(learnt(TEN), distance=11)
    asked = play(path, [*TEN[:8], None, TEN[9]], dark=True)
    assert sorted(asked) == [8, 9, 9, 10, 11, 12, 13]


def test_what_lies_before_a_join_is_not_asked_though_it_was_planned() -> None:
    """Of three hops to be asked the last came first, and is known."""
    limits = Limits()
    horizon = Horizon(limits)
    horizon.reached(11, 0.01)
    path = Economical(limits, horizon, learnt(TEN))
    for ttl in (8, 9, 12, 13):
        EveryHop(limits, horizon).sent(ttl)  # another trace asks it just now
    asked = play(path, TEN, dark=True, abreast=1)
    assert sorted(asked) == [10, 11, 12, 13]


def test_where_something_has_answered_the_way_back_goes_hop_by_hop() -> None:
    """Only where nothing has are several hops asked at the same time, of which one may do."""
    path = begin(learnt(TEN), distance=11)
    asked = play(path, [*TEN, router(11, 1)], dark=True)
    assert sorted(asked) == [10, 11, 12, 13, 14, 32]


def test_loops_teach_nothing() -> None:
    """A path that is a loop is no path that another could join."""
    routes = Routes(nowhere)
    path = begin(routes)
    two = [router(1), router(2)] * 20
    play(path, [*two[:32]], dark=True)
    assert path.stop == "loop"
    assert routes.before(1, router(1)) is None


EVENTS = st.tuples(
    st.sampled_from(["lost", "hop", "known", "same hop", "destination", "unreachable", "late"]),
    st.integers(0, 30),
    st.floats(0.0, 3.0),
    st.none() | st.integers(0, 255),
)


@settings(max_examples=400)
@given(
    st.lists(EVENTS, max_size=120),
    st.integers(1, 3),
    st.integers(1, 6),
    st.integers(1, 12),
    st.none() | st.integers(1, 12),
    st.none() | st.integers(1, 12),
    st.booleans(),
    st.none() | st.integers(1, 12),
    st.sampled_from([1, 2, 100]),
)
def test_every_path_ends_whatever_comes_back(
    events: list[tuple[str, int, float, int | None]],
    attempts: int,
    gap_limit: int,
    max_ttl: int,
    prior: int | None,
    border: int | None,
    known: bool,
    refused: int | None,
    pace: int,
) -> None:
    """It always goes on or ends, asks no hop too often, and leaves no hop unaccounted for.

    However few probes leave between two answers.
    """
    limits = Limits(max_ttl=max_ttl, gap_limit=gap_limit, attempts=attempts)
    routes = Routes(lambda address: border is not None and address == router(border))
    if known:
        routes.learn([REFUSED if ttl == refused else router(ttl) for ttl in range(1, 13)])
    path = begin(routes, prior and min(prior, max_ttl), limits)
    out: list[int] = []
    given_up: list[int] = []
    settled: set[int] = set()
    asked: dict[int, int] = {}
    for fate, which, rtt, reply_ttl in events + [("lost", 0, 0.0, None)] * 4 * 13 * 2:
        left = pace
        while left and (wanted := path.next_ttl()) is not None:
            path.sent(wanted)
            out.append(wanted)
            asked[wanted] = asked.get(wanted, 0) + 1
            left -= 1
        assert max(asked.values()) <= attempts + 1
        if path.stop is not None:
            break
        assert out, "neither over nor waiting for anything"
        late = fate == "late" and bool(given_up)
        ttl = given_up.pop(which % len(given_up)) if late else out.pop(which % len(out))
        settled.add(ttl)
        if fate == "lost":
            path.lost(ttl)
            given_up.append(ttl)
        elif fate == "destination":
            path.answered(ttl, TARGET, Kind.DESTINATION, rtt, reply_ttl=reply_ttl)
        elif fate == "unreachable":
            path.answered(ttl, "192.0.2.200", Kind.UNREACHABLE, rtt, quoted_ttl=reply_ttl)
        else:
            address = {"same hop": "198.51.100.1", "known": router(ttl)}.get(fate, f"10.0.0.{ttl}")
            path.answered(ttl, address, HOP, rtt, reply_ttl=reply_ttl, late=late)
    assert path.stop is not None
    assert 1 <= path.last <= max_ttl
    assert set(range(1, path.last + 1)) <= settled | set(path.inferred)
    assert not set(asked) & set(path.inferred)


def test_a_late_answer_from_nearer_than_the_way_back_has_come() -> None:
    """Where it joins a known path, what lies between that and the way back is asked."""
    path = begin(learnt(["10.0.0.1"]), distance=1)
    path.sent(1)
    path.lost(1)
    assert path.next_ttl() == 3
    path.sent(3)
    path.answered(1, "10.0.0.1", HOP, 2.7, late=True)
    wanted = set()
    while (ttl := path.next_ttl()) is not None:
        path.sent(ttl)
        wanted.add(ttl)
    assert wanted == {2, 4}


def test_a_late_refusal_from_nearer_than_the_way_back_begins() -> None:
    """The way back goes on from there although its first probe was never sent."""
    path = begin(learnt(["10.0.0.1"]), distance=2)
    path.sent(2)
    path.lost(2)
    assert path.next_ttl() == 3
    path.answered(2, "203.0.113.9", Kind.UNREACHABLE, 1.3, late=True)
    assert (path.stop, path.next_ttl()) == (None, 1)


def test_a_hop_that_differs_behind_one_that_does() -> None:
    """The way back goes on from it: what was taken over between the two is asked after all."""
    routes = Routes(lambda address: address == router(3))
    routes.learn([None, *map(router, range(2, 7))])
    routes.learn([None, router(2, 1), router(3, 1), router(4, 1)])
    path = begin(routes, distance=7)
    # Two hops that all traces have just asked.
    path._horizon.asked[2] = path._horizon.asked[3] = 1000
    path.sent(7)
    path.answered(7, TARGET, Kind.DESTINATION, 0.02, quoted_ttl=1)
    path.sent(6)
    path.answered(6, router(6), HOP, 0.01)
    for ttl in (1, 4, 5):
        assert path.next_ttl() == ttl
        path.sent(ttl)
    path.answered(4, router(4, 1), HOP, 0.01)
    path.answered(1, router(1), HOP, 0.01)
    path.answered(5, router(5, 2), HOP, 0.01)
    asked = []
    while (wanted := path.next_ttl()) is not None:
        path.sent(wanted)
        path.answered(wanted, router(wanted, 3), HOP, 0.01)
        asked.append(wanted)
    assert (sorted(asked), path.stop) == ([2, 3], "destination")


@pytest.mark.parametrize(
    ("distance", "looking"), [(None, [32]), (4, [4, 32]), (10, [10, 32]), (11, []), (20, [20])]
)
def test_whatever_was_thought_of_the_distance(distance: int | None, looking: list[int]) -> None:
    """A wrong idea of how far targets are costs the probes that look for it, and no hop."""
    path = begin(learnt(TEN), distance=distance)
    asked = play(path, TEN)
    assert sorted(asked) == sorted({*looking, 10, 11})
    assert (path.stop, path.last) == ("destination", 11)
    assert path.inferred == {ttl: router(ttl) for ttl in range(1, 11) if ttl not in asked}


REFUSER = "192.0.2.200"


def refused_on_the_way(routes: Routes) -> Economical:
    """A trace to a target that answers behind a router that had but refused, at the sixth hop."""
    path = begin(routes, distance=11)
    for ttl in (11, *range(10, 0, -1)):
        path.sent(ttl)
        if ttl == 11:
            path.answered(11, TARGET, Kind.DESTINATION, 0.02, quoted_ttl=1)
        elif ttl == 6:
            path.answered(6, REFUSER, Kind.UNREACHABLE, 0.01, quoted_ttl=1)
        else:
            path.answered(ttl, router(ttl), HOP, 0.001 * ttl)
    assert path.stop == "destination"
    return path


def test_a_hop_that_only_refused_is_not_taken_over_as_a_silent_one() -> None:
    """Somebody spoke there, whose time was not exceeded: who stands there is asked again."""
    routes = Routes(nowhere)
    refused_on_the_way(routes)
    path = begin(routes, distance=11)
    assert play(path, TEN) == [11, 10, 6]
    assert path.inferred == {ttl: router(ttl) for ttl in (1, 2, 3, 4, 5, 7, 8, 9)}


def test_what_answered_behind_a_refusal_teaches_nothing() -> None:
    """The path ends at the refusal: what was given up behind it is not known to be silent."""
    routes = learnt(["10.0.0.1"])
    path = begin(routes, distance=6)
    for ttl in (6, 32, 9):
        assert path.next_ttl() == ttl
        path.sent(ttl)
        if ttl == 32:
            path.lost(ttl)
        else:
            path.answered(ttl, router(ttl), HOP, 0.01)
    for ttl in (10, 11, 12):
        assert path.next_ttl() == ttl
        path.sent(ttl)
    path.answered(12, router(12), HOP, 0.01)
    path.lost(11)
    path.answered(10, REFUSER, Kind.UNREACHABLE, 0.01, quoted_ttl=1)
    assert play(path, TEN) == [8, 7, 5, 4, 3, 2, 1]
    assert (path.stop, path.last) == ("unreachable", 10)
    assert routes.before(12, router(12)) is None
    assert routes.before(9, router(9)) is not None
