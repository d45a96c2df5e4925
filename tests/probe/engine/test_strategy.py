from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.engine.horizon import REMEMBERED, Horizon, Limits
from probe.engine.strategy import EveryHop, visits
from probe.network import Kind
from probe.network.distance import INITIAL_TTLS, distance_by_reply

HOP = Kind.TIME_EXCEEDED
TARGET = "203.0.113.7"


def begin(limits: Limits | None = None, horizon: Horizon | None = None) -> EveryHop:
    limits = limits or Limits()
    return EveryHop(limits, horizon or Horizon(limits))


def send_all(path: EveryHop) -> list[int]:
    """Send what the path asks for until it only waits."""
    ttls = []
    while (ttl := path.next_ttl()) is not None:
        path.sent(ttl)
        ttls.append(ttl)
    return ttls


def feel(limits: Limits | None = None) -> EveryHop:
    """A path whose first probe stays without an answer, so that it is felt for from near by."""
    path = begin(limits)
    [aim] = send_all(path)
    path.lost(aim)
    return path


def felt(heard: int | None = None, lost: Iterable[int] = ()) -> EveryHop:
    """A path whose first five hops were asked, of which one answered and some were given up."""
    path = feel(Limits(gap_limit=5))
    send_all(path)
    if heard is not None:
        path.answered(heard, f"192.0.2.{heard}", HOP, 0.001)
    for ttl in lost:
        path.lost(ttl)
    return path


@pytest.mark.parametrize("initial", INITIAL_TTLS)
def test_learns_the_distance_then_asks_each_hop_once(initial: int) -> None:
    """The target's answer says how far it may be, and no probe goes elsewhere."""
    path = begin()
    assert send_all(path) == [32]
    path.answered(32, TARGET, Kind.DESTINATION, 0.01, reply_ttl=initial - 6)
    assert send_all(path) == [1, 2, 3, 4, 5, 6, 7]
    path.answered(7, TARGET, Kind.DESTINATION, 0.01, reply_ttl=initial - 6)
    for ttl in range(1, 7):
        assert (path.stop, path.known) == (None, ttl - 1)
        path.answered(ttl, f"192.0.2.{ttl}", HOP, 0.001)
    assert (path.stop, path.last) == ("destination", 7)


@pytest.mark.parametrize(("quoted_ttl", "distance"), [(32, 1), (30, 3), (2, 31)])
def test_the_ttl_of_the_quoted_probe_beats_that_of_the_answer(
    quoted_ttl: int, distance: int
) -> None:
    """The probe's own way counts; the way back may be longer."""
    path = begin()
    send_all(path)
    path.answered(32, TARGET, Kind.DESTINATION, 0.01, reply_ttl=64 - 9, quoted_ttl=quoted_ttl)
    assert send_all(path) == list(range(1, distance + 1))


def test_targets_are_thought_to_be_where_most_of_the_last_were() -> None:
    """Those of long ago are forgotten, however many they were."""
    horizon = Horizon(Limits())
    distances = [9, *[12, 7, 12] * REMEMBERED, *[7, 9, 15] * REMEMBERED]
    for number, distance in enumerate(distances, 1):
        horizon.reached(distance, 0.01)
        last = Counter(distances[max(0, number - REMEMBERED) : number])
        assert horizon.distance is not None
        assert last[horizon.distance] == max(last.values())


def test_goes_where_the_last_targets_were() -> None:
    """A first probe that needs no more TTL than the path has is one of the probes wanted."""
    horizon = Horizon(Limits())
    horizon.reached(3, 0.01)
    path = begin(horizon=horizon)
    assert send_all(path) == [3]
    path.answered(3, TARGET, Kind.DESTINATION, 0.01, reply_ttl=62)
    assert sorted(send_all(path)) == [1, 2]


def test_a_router_where_the_target_was_thought_to_be_is_a_hop_and_no_answer_yet() -> None:
    """When the first probe falls short, a second one goes all the way."""
    horizon = Horizon(Limits())
    horizon.reached(3, 0.01)
    path = begin(horizon=horizon)
    send_all(path)
    path.answered(3, "192.0.2.3", HOP, 0.01)
    assert send_all(path) == [32]
    path.answered(32, TARGET, Kind.DESTINATION, 0.01, reply_ttl=60)
    assert sorted(send_all(path)) == [1, 2, 4, 5]


def test_a_reply_ttl_that_lies_low_costs_time_and_no_hop() -> None:
    """While routers answer where the target was thought to be, the path goes on."""
    path = begin()
    send_all(path)
    path.answered(32, TARGET, Kind.DESTINATION, 0.01, reply_ttl=64 - 1)
    assert send_all(path) == [1, 2]
    path.answered(2, "192.0.2.2", HOP, 0.01)
    assert send_all(path) == [3]
    path.answered(3, "192.0.2.3", HOP, 0.01)
    assert send_all(path) == [4]
    path.answered(4, TARGET, Kind.DESTINATION, 0.01, reply_ttl=63)
    path.answered(1, "192.0.2.1", HOP, 0.01)
    assert (path.stop, path.last) == ("destination", 4)


def test_a_reply_ttl_that_lies_low_behind_a_silent_hop() -> None:
    """Silence where the target was thought to be does not end a path whose target answers."""
    path = begin()
    send_all(path)
    path.answered(32, TARGET, Kind.DESTINATION, 0.01, reply_ttl=63)
    send_all(path)
    path.answered(1, "192.0.2.1", HOP, 0.01)
    path.lost(2)
    assert sorted(send_all(path)) == [2, 3, 4]
    path.lost(2)
    path.answered(4, TARGET, Kind.DESTINATION, 0.01, reply_ttl=63)
    assert path.known == 2
    path.answered(3, "192.0.2.3", HOP, 0.01)
    assert (path.stop, path.last) == ("destination", 4)


def test_a_reply_ttl_that_lies_low_before_a_silent_hop() -> None:
    """Nor does silence behind a router that answered where the target was thought to be."""
    path = begin()
    send_all(path)
    path.answered(32, TARGET, Kind.DESTINATION, 0.01, reply_ttl=64)
    assert send_all(path) == [1]
    path.answered(1, "192.0.2.1", HOP, 0.01)
    for _ in range(2):
        assert send_all(path) == [2]
        path.lost(2)
    assert send_all(path) == [3]
    path.answered(3, TARGET, Kind.DESTINATION, 0.01, reply_ttl=64)
    assert (path.stop, path.last) == ("destination", 3)


def test_a_reply_ttl_that_lies_high_costs_probes_and_no_hop() -> None:
    """The path ends at the nearest answer of the target, and those beyond are not waited for."""
    path = begin()
    send_all(path)
    path.answered(32, TARGET, Kind.DESTINATION, 0.01, reply_ttl=64 - 5)
    assert send_all(path) == [1, 2, 3, 4, 5, 6]
    path.answered(2, TARGET, Kind.DESTINATION, 0.01, reply_ttl=59)
    path.answered(1, "192.0.2.1", HOP, 0.01)
    assert (path.stop, path.last) == ("destination", 2)


def test_without_ttls_to_go_by_the_path_is_felt_for() -> None:
    """An answer that shows no TTL tells that there is an end, not where."""
    path = begin(Limits(gap_limit=3))
    send_all(path)
    path.answered(32, TARGET, Kind.DESTINATION, 0.01)
    assert send_all(path) == [1, 2, 3]
    path.answered(1, "192.0.2.1", HOP, 0.01)
    assert send_all(path) == [4]


def test_a_path_that_is_as_long_as_allowed_is_a_loop_or_cut_there() -> None:
    """What answers at the limit of TTLs does not make a path that long."""
    path = begin()
    send_all(path)
    path.answered(32, "192.0.2.1", HOP, 0.01)
    assert send_all(path) == [1, 2, 3, 4, 5]


def test_an_unanswered_first_probe_leaves_the_hops_to_be_felt_for() -> None:
    """From near by, as far ahead as it would wait for silent hops, once each."""
    path = feel(Limits(gap_limit=5))
    assert send_all(path) == [1, 2, 3, 4, 5]
    path.answered(1, "192.0.2.1", HOP, 0.001)
    assert send_all(path) == [6]


def test_the_first_probe_counts_when_its_answer_is_late() -> None:
    """Giving up waiting for it gives nothing away."""
    path = felt()
    path.answered(32, TARGET, Kind.DESTINATION, 1.4, reply_ttl=64 - 6, late=True)
    assert send_all(path) == [6, 7]


def test_two_silent_hops_behind_the_farthest_answer_are_worth_repeating() -> None:
    """A dark end costs no attempts that cannot change where the path is seen to end."""
    path = felt(lost=(1, 2, 3, 4, 5))
    assert send_all(path) == [1, 2]
    path.lost(1)
    path.lost(2)
    assert (path.stop, path.last) == ("gap", 5)


def test_hops_passed_over_are_worth_repeating() -> None:
    """When something farther on answers, the silent hops before it are asked again."""
    path = felt(lost=(1, 2, 3, 4))
    send_all(path)
    path.answered(5, "192.0.2.5", HOP, 0.001)
    assert {3, 4} < set(send_all(path))


def test_hops_before_an_end_that_answers_late_are_worth_repeating() -> None:
    """They were thought to be beyond the path, and asked but once for that."""
    path = felt(heard=1, lost=(4, 5))
    assert send_all(path) == [6]
    path.answered(32, TARGET, Kind.DESTINATION, 1.4, reply_ttl=64 - 5, late=True)
    assert send_all(path) == [4, 5]


def test_nothing_is_repeated_beyond_the_end() -> None:
    """Neither what was given up there before the end was known, nor what is after."""
    path = felt(heard=3, lost=(4, 5))
    assert send_all(path) == [6, 7, 8, 4, 5]
    path.lost(5)
    path.answered(4, TARGET, Kind.DESTINATION, 0.9)
    path.lost(6)
    assert (path.stop, send_all(path)) == (None, [])


def test_where_repeating_has_helped_hops_get_one_attempt_more() -> None:
    """Packets are lost on such a path, so that two without an answer do not mean silence."""
    path = felt(heard=5, lost=(1, 2))
    assert {1, 2} < set(send_all(path))
    path.lost(1)
    assert send_all(path) == []
    path.answered(2, "192.0.2.2", HOP, 0.001)
    assert send_all(path) == [1]
    path.lost(1)
    assert send_all(path) == []


def test_a_silent_hop_is_tried_by_another_method_at_last() -> None:
    """Unless repeating has helped on this path, which speaks for loss."""
    path = begin()
    send_all(path)
    path.answered(32, TARGET, Kind.DESTINATION, 0.01, reply_ttl=61)
    assert not any(path.by_another_method(ttl) for ttl in (1, 2, 3))
    send_all(path)
    path.lost(1)
    path.lost(2)
    assert path.by_another_method(1)
    send_all(path)
    path.answered(1, "192.0.2.1", HOP, 0.001)
    path.lost(2)
    assert path.next_ttl() == 2
    assert not path.by_another_method(2)


def test_a_first_attempt_is_by_the_method_of_the_trace() -> None:
    """Also where it is the only one."""
    path = feel(Limits(attempts=1))
    assert not any(path.by_another_method(ttl) for ttl in range(1, 6))


def test_a_hop_that_answers_is_asked_once() -> None:
    """Attempts are spent on silence only."""
    path = feel(Limits(attempts=3))
    send_all(path)
    path.answered(2, "192.0.2.2", HOP, 0.001)
    path.lost(1)
    assert set(send_all(path)) == {1, 6, 7}


def test_hops_come_before_attempts() -> None:
    """What has not been asked goes before what was silent, which so gets time to recover."""
    path = feel()
    send_all(path)
    path.lost(1)
    path.answered(3, "192.0.2.3", HOP, 0.001)
    assert send_all(path) == [6, 7, 8, 1]


def test_the_hop_left_alone_for_longest_is_next() -> None:
    """Traces of one run do not all ask the routers they share at the same time."""
    limits = Limits(gap_limit=3)
    horizon = Horizon(limits)
    one, other = EveryHop(limits, horizon), EveryHop(limits, horizon)
    for path in (one, other):
        send_all(path)
        path.lost(32)
    one.sent(1)
    one.sent(2)
    assert other.next_ttl() == 3
    other.sent(3)
    assert other.next_ttl() == 1


@pytest.mark.parametrize("kind", [Kind.DESTINATION, Kind.UNREACHABLE])
@pytest.mark.parametrize("order", [(5, 3), (3, 5)])
def test_the_nearest_answer_of_the_destination_counts(order: tuple[int, int], kind: Kind) -> None:
    """Probes that went beyond the destination reach it as well; the path ends at the first."""
    path = feel()
    send_all(path)
    for ttl in order:
        path.answered(ttl, TARGET, kind, 0.01)
    assert path.last == 3


@pytest.mark.parametrize("refused", [4, 9])
@pytest.mark.parametrize("refused_first", [True, False])
def test_of_a_loop_and_a_refusal_the_nearer_ends_the_path(
    refused: int, *, refused_first: bool
) -> None:
    """Whichever is heard of first."""
    path = feel(Limits(gap_limit=9))
    send_all(path)
    heard = [(refused, "192.0.2.200", Kind.UNREACHABLE)]
    heard[refused_first:refused_first] = [(ttl, "192.0.2.1", HOP) for ttl in (1, 3, 5)]
    for ttl, address, kind in heard:
        path.answered(ttl, address, kind, 0.01)
        wanted = path.next_ttl()
        assert wanted is None or wanted <= path.last
    assert (path.last, wanted) == (min(5, refused), None)


def test_a_loop_before_a_refusal_is_seen_where_nothing_is_lost() -> None:
    """Hops of a path whose end is known may be those of a loop all the same."""
    horizon = Horizon(Limits())
    horizon.reached(9, 0.01)
    path = begin(horizon=horizon)
    send_all(path)
    path.answered(9, "192.0.2.200", Kind.UNREACHABLE, 0.01, quoted_ttl=1)
    send_all(path)
    for ttl in range(1, 6):
        path.answered(ttl, f"192.0.2.{ttl % 2}", HOP, 0.01)
    assert (path.stop, path.last) == ("loop", 5)


def test_the_target_outweighs_a_router_that_refused() -> None:
    """A refusal nearer by does not end a path on which the target has answered."""
    path = feel()
    send_all(path)
    path.answered(2, "192.0.2.2", Kind.UNREACHABLE, 0.01)
    path.answered(4, TARGET, Kind.DESTINATION, 0.01)
    assert path.last == 4
    path.lost(3)
    assert path.next_ttl() == 3
    path.sent(3)
    path.lost(3)
    path.answered(1, "192.0.2.1", HOP, 0.01)
    assert path.stop == "destination"


def test_a_late_answer_makes_a_second_attempt_needless() -> None:
    """What is heard late is heard."""
    path = feel()
    send_all(path)
    path.lost(1)
    assert path.next_ttl() == 1
    path.answered(1, "192.0.2.1", HOP, 0.7, late=True)
    assert path.next_ttl() == 6


def test_no_probe_goes_beyond_max_ttl() -> None:
    """max_ttl holds while hops go on answering."""
    path = feel(Limits(max_ttl=7))
    for ttl in (1, 2, 3):
        send_all(path)
        path.answered(ttl, f"192.0.2.{ttl}", HOP, 0.001)
    assert path.next_ttl() is None
    for ttl in (4, 5, 6):
        path.answered(ttl, f"192.0.2.{ttl}", HOP, 0.001)
    assert path.stop is None
    path.answered(7, "192.0.2.7", HOP, 0.001, late=True)
    assert path.stop == "max_ttl"


def test_hops_are_known_as_far_as_something_answered_behind_them() -> None:
    """Silence at the far end may still turn out to be beyond the path."""
    path = feel(Limits(gap_limit=2, attempts=1))
    send_all(path)
    path.lost(1)
    assert path.known == 0
    path.answered(2, "192.0.2.2", HOP, 0.001)
    assert path.known == 2


def test_patience_follows_the_nearest_later_hop_within_floor_and_ceiling() -> None:
    """Ten times the RTT of the next hop that answered, between 0.4 and 2 seconds."""
    path = feel()
    send_all(path)
    assert path.patience(1) == 2.0
    path.answered(5, "192.0.2.5", HOP, 0.5)
    assert path.patience(1) == 2.0
    path.answered(4, "192.0.2.4", HOP, 0.1)
    assert path.patience(1) == 1.0
    path.answered(2, "192.0.2.2", HOP, 0.001)
    assert path.patience(1) == 0.4
    assert path.patience(5) == 2.0


def test_one_slow_target_is_forgotten_in_time() -> None:
    """It makes all wait longer for a while, and a hundred quick ones later hardly any more."""
    horizon = Horizon(Limits())
    for rtt in (*[0.01] * 8, 1.0):
        horizon.reached(12, rtt)
    assert horizon.patience() == 2.0
    waits = []
    for _ in range(300):
        horizon.reached(12, 0.01)
        waits.append(horizon.patience())
    assert waits == sorted(waits, reverse=True)
    assert waits[99] == pytest.approx(4 * 0.99**100)
    assert waits[-1] == 0.4


def test_the_first_probe_is_given_up_sooner_than_others() -> None:
    """There is something better to do meanwhile."""
    path = begin()
    path.sent(32)
    assert path.patience(32) == 1.0


def test_distance_by_reply_takes_the_next_initial_ttl() -> None:
    """64, 128 and 255 are what systems start from; 32 what some old ones do."""
    assert [distance_by_reply(ttl) for ttl in (255, 129, 128, 65, 64, 33, 32, 1)] == [
        1, 127, 1, 64, 1, 32, 1, 32,
    ]  # fmt: skip


def test_visits_counts_returns_not_repetitions() -> None:
    """A router heard at neighbouring TTLs was visited once."""
    assert visits([3]) == 1
    assert visits([3, 4, 5]) == 1
    assert visits([3, 4, 8]) == 2


FATES = st.sampled_from(["lost", "hop", "same hop", "destination", "unreachable", "late"])
EVENTS = st.tuples(FATES, st.integers(0, 30), st.floats(0.0, 3.0), st.none() | st.integers(0, 255))


@settings(max_examples=600)
@given(
    st.lists(EVENTS, max_size=150),
    st.integers(1, 3),
    st.integers(1, 6),
    st.integers(1, 12),
    st.none() | st.integers(1, 12),
)
def test_every_path_ends_whatever_comes_back(
    events: list[tuple[str, int, float, int | None]],
    attempts: int,
    gap_limit: int,
    max_ttl: int,
    prior: int | None,
) -> None:
    """There is always something to send or to wait for, no hop is asked too often, and it ends."""
    limits = Limits(max_ttl=max_ttl, gap_limit=gap_limit, attempts=attempts)
    horizon = Horizon(limits)
    if prior is not None:
        horizon.reached(min(prior, max_ttl), 0.01)
    path = EveryHop(limits, horizon)
    out: list[int] = []
    given_up: list[int] = []
    asked: dict[int, int] = {}
    slowest = 0.0
    for fate, which, rtt, reply_ttl in events + [("lost", 0, 0.0, None)] * 4 * 13 * 2:
        for ttl in send_all(path):
            out.append(ttl)
            asked[ttl] = asked.get(ttl, 0) + 1
        assert max(asked.values()) <= attempts + 1
        assert max(asked) <= max_ttl
        if path.stop is not None:
            break
        assert out, "neither over nor waiting for anything"
        assert path.known <= max(path.last, 0)
        late = fate == "late" and bool(given_up)
        ttl = given_up.pop(which % len(given_up)) if late else out.pop(which % len(out))
        assert 0.4 <= path.patience(ttl) <= max(2.0, slowest)
        if late:
            slowest = max(slowest, 1.25 * rtt)
        if fate == "lost":
            path.lost(ttl)
            given_up.append(ttl)
        elif fate == "destination":
            path.answered(ttl, TARGET, Kind.DESTINATION, rtt, reply_ttl=reply_ttl)
        elif fate == "unreachable":
            path.answered(ttl, "192.0.2.200", Kind.UNREACHABLE, rtt, quoted_ttl=reply_ttl)
        else:
            address = "192.0.2.1" if fate == "same hop" else f"10.0.0.{ttl}"
            path.answered(ttl, address, HOP, rtt, reply_ttl=reply_ttl, late=late)
    assert path.stop is not None
    assert 1 <= path.last <= max_ttl
    assert set(range(1, path.last + 1)) <= set(asked)


@pytest.mark.parametrize("asked_before", [4, 8])
def test_a_target_behind_a_refusal_opens_the_hops_between(asked_before: int) -> None:
    """A router refused, and later the target answers all the same: what lies between is asked."""
    horizon = Horizon(Limits())
    horizon.reached(8, 0.01)
    path = EveryHop(Limits(), horizon)
    path.sent(8)
    path.lost(8)
    out: list[int] = []
    while (ttl := path.next_ttl()) is not None and len(out) < asked_before:
        path.sent(ttl)
        out.append(ttl)
    for ttl in out:
        if ttl == 4:
            path.answered(ttl, "192.0.2.4", Kind.UNREACHABLE, 0.02)
        elif ttl in {2, 5, 8}:
            path.lost(ttl)
        else:
            path.answered(ttl, f"192.0.2.{ttl}", Kind.TIME_EXCEEDED, 0.01)
    path.answered(8, "203.0.113.7", Kind.DESTINATION, 1.1, late=True)
    answered = set(out) - {2, 5, 8}
    while path.stop is None:
        again = path.next_ttl()
        assert again is not None, "neither over nor anything to ask"
        path.sent(again)
        out.append(again)
        path.lost(again)
    assert (path.stop, path.last) == ("destination", 8)
    assert set(range(1, 8)) <= set(out)
    assert all(out.count(ttl) == (1 if ttl in answered else 2) for ttl in range(1, 8))
