from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from probe.network import Kind
from probe.strategy import EveryHop, Limits, visits

HOP = Kind.TIME_EXCEEDED


def send_all(path: EveryHop) -> list[int]:
    """Send what the path asks for until it only waits."""
    ttls = []
    while (ttl := path.next_ttl()) is not None:
        path.sent(ttl)
        ttls.append(ttl)
    return ttls


def test_probes_as_far_ahead_as_it_would_wait_for_silent_hops() -> None:
    """A new path has gap_limit TTLs in flight, and one more for each hop that answers."""
    path = EveryHop(Limits(gap_limit=5))
    assert send_all(path) == [1, 2, 3, 4, 5]
    path.answered(1, "192.0.2.1", HOP, 0.001)
    assert send_all(path) == [6]


def test_a_hop_that_answers_is_asked_once() -> None:
    """Attempts are spent on silence only."""
    path = EveryHop(Limits(attempts=3))
    send_all(path)
    path.answered(2, "192.0.2.2", HOP, 0.001)
    path.lost(1)
    assert path.next_ttl() == 1


def test_a_silent_hop_is_asked_again_before_the_path_goes_on() -> None:
    """Retries go first: they have waited longest."""
    path = EveryHop(Limits())
    send_all(path)
    path.lost(3)
    path.answered(5, "192.0.2.5", HOP, 0.001)
    assert send_all(path) == [3, 6, 7, 8, 9, 10]


def test_the_trace_waits_for_the_hops_before_the_destination() -> None:
    """An early answer of the destination does not cut off hops whose fate is open."""
    path = EveryHop(Limits())
    send_all(path)
    path.answered(4, "203.0.113.7", Kind.DESTINATION, 0.01)
    assert path.stop is None
    assert path.last == 4
    path.answered(1, "192.0.2.1", HOP, 0.001)
    path.answered(2, "192.0.2.2", HOP, 0.001)
    assert path.stop is None
    path.answered(3, "192.0.2.3", HOP, 0.001)
    assert path.stop == "destination"


def test_the_nearest_answer_of_the_destination_counts() -> None:
    """Probes that went beyond the destination reach it as well; the path ends at the first."""
    path = EveryHop(Limits())
    send_all(path)
    path.answered(5, "203.0.113.7", Kind.DESTINATION, 0.01)
    path.answered(3, "203.0.113.7", Kind.DESTINATION, 0.01)
    assert path.last == 3


def test_the_target_outweighs_a_router_that_refused() -> None:
    """A refusal nearer by does not end a path on which the target has answered."""
    path = EveryHop(Limits())
    send_all(path)
    path.answered(2, "192.0.2.2", Kind.UNREACHABLE, 0.01)
    path.lost(3)
    path.answered(4, "203.0.113.7", Kind.DESTINATION, 0.01)
    assert path.next_ttl() == 3
    path.sent(3)
    path.lost(3)
    path.answered(1, "192.0.2.1", HOP, 0.01)
    assert path.stop == "destination"
    assert path.last == 4


def test_a_late_answer_makes_a_second_attempt_needless() -> None:
    """What is heard late is heard."""
    path = EveryHop(Limits())
    send_all(path)
    path.lost(1)
    assert path.next_ttl() == 1
    path.answered(1, "192.0.2.1", HOP, 0.7)
    assert path.next_ttl() == 6


def test_no_probe_goes_beyond_max_ttl() -> None:
    """max_ttl holds while hops go on answering."""
    path = EveryHop(Limits(max_ttl=7))
    for ttl in (1, 2, 3):
        send_all(path)
        path.answered(ttl, f"192.0.2.{ttl}", HOP, 0.001)
    assert path.next_ttl() is None
    for ttl in (4, 5, 6, 7):
        path.answered(ttl, f"192.0.2.{ttl}", HOP, 0.001)
    assert path.stop == "max_ttl"


def test_patience_follows_the_nearest_later_hop_within_floor_and_ceiling() -> None:
    """Ten times the RTT of the next hop that answered, between 0.4 and 2 seconds."""
    path = EveryHop(Limits())
    send_all(path)
    assert path.patience(1) == 2.0
    path.answered(5, "192.0.2.5", HOP, 0.5)
    assert path.patience(1) == 2.0
    path.answered(4, "192.0.2.4", HOP, 0.1)
    assert path.patience(1) == 1.0
    path.answered(2, "192.0.2.2", HOP, 0.001)
    assert path.patience(1) == 0.4
    assert path.patience(5) == 2.0


def test_visits_counts_returns_not_repetitions() -> None:
    """A router heard at neighbouring TTLs was visited once."""
    assert visits([3]) == 1
    assert visits([3, 4, 5]) == 1
    assert visits([3, 4, 8]) == 2


FATES = st.sampled_from(["lost", "hop", "same hop", "destination", "unreachable"])


@settings(derandomize=True, max_examples=400)
@given(
    st.lists(st.tuples(FATES, st.integers(0, 30), st.floats(0.0, 3.0)), max_size=120),
    st.integers(1, 3),
    st.integers(1, 6),
    st.integers(1, 12),
)
def test_every_path_ends_whatever_comes_back(
    fates: list[tuple[str, int, float]], attempts: int, gap_limit: int, max_ttl: int
) -> None:
    """There is always something to send or to wait for, no hop is asked too often, and it ends."""
    path = EveryHop(Limits(max_ttl=max_ttl, gap_limit=gap_limit, attempts=attempts))
    out: list[int] = []
    asked: dict[int, int] = {}
    for fate, which, rtt in fates + [("lost", 0, 0.0)] * (attempts * max_ttl + 1):
        for ttl in send_all(path):
            out.append(ttl)
            asked[ttl] = asked.get(ttl, 0) + 1
        assert max(asked.values()) <= attempts
        assert max(asked) <= max_ttl
        if path.stop is not None:
            break
        assert out, "neither over nor waiting for anything"
        ttl = out.pop(which % len(out))
        assert 0.4 <= path.patience(ttl) <= 2.0
        if fate == "lost":
            path.lost(ttl)
        elif fate == "destination":
            path.answered(ttl, "203.0.113.7", Kind.DESTINATION, rtt)
        elif fate == "unreachable":
            path.answered(ttl, "192.0.2.200", Kind.UNREACHABLE, rtt)
        else:
            path.answered(ttl, "192.0.2.1" if fate == "same hop" else f"10.0.0.{ttl}", HOP, rtt)
    assert path.stop is not None
    assert 1 <= path.last <= max_ttl
    assert set(range(1, path.last + 1)) <= set(asked)
