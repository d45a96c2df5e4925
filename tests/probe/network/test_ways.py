from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.network import Kind, Method, NoRoute
from probe.network.ways import DARK, SILENT, End, Fates, Interface, Packet, Reaction, Way

TARGET = "203.0.113.7"
HOST = End(Interface(TARGET))

routers = st.builds(
    Interface,
    st.sampled_from(["192.0.2.1", "192.0.2.2", None]),
    counts_down=st.booleans(),
    forwards_zero=st.booleans(),
    tos=st.sampled_from([None, 8]),
)


def reactions(way: Way | None, *ttls: int, method: Method = Method.ICMP) -> list[list[Reaction]]:
    """What comes back for probes of these TTLs, sent one after the other."""
    fates = Fates(lambda _target, _flow: way, seed=0, jitter=0.0)
    return [fates.of(Packet(TARGET, 0, method, ttl), 0.0) for ttl in ttls]


@given(st.lists(routers, max_size=6), st.integers(1, 40))
def test_a_ttl_runs_out_at_a_router_that_counts_down(hops: list[Interface], ttl: int) -> None:
    """As many TTLs end before the target as routers count down; the rest is left at the target."""
    places = Way(tuple(hops), HOST).places()
    counting = [hop for hop in hops if hop.counts_down]
    assert len(places) == len(counting) + 1
    for place, router in zip(places, counting, strict=False):
        zero = router.forwards_zero
        assert place.left == (0 if zero else 1)
        assert zero or place.interface is router
    [answer] = reactions(Way(tuple(hops), HOST), len(counting) + ttl)[0]
    assert (answer.kind, answer.left) == (Kind.DESTINATION, ttl)
    assert answer.ttl == 64 - len(hops)


@given(st.lists(routers, min_size=1, max_size=6), st.data())
def test_a_loop_is_never_left(hops: list[Interface], data: st.DataObject) -> None:
    """However high the TTL, it runs out at a router, if one of those in the loop counts down."""
    loop = data.draw(st.integers(1, len(hops)))
    places = Way(tuple(hops), DARK, loop).places()
    if any(hop.counts_down for hop in hops[-loop:]):
        assert len(places) == 255
        assert not any(place.is_end for place in places)
    else:
        assert places[-1].is_end


PROBES = [(flow, ttl) for flow, ttl, _ in itertools.product((1, 2), (1, 2, 3), range(3))]


@given(st.permutations(PROBES))
def test_luck_does_not_depend_on_what_else_was_asked(order: list[tuple[int, int]]) -> None:
    """Losses and delays are those of the n-th equal probe, whatever went before to whom."""

    def luck(asked: list[tuple[int, int]]) -> dict[tuple[int, int], list[list[float]]]:
        hops = tuple(Interface(f"192.0.2.{n}", loss=0.5) for n in (1, 2, 3))
        fates = Fates(lambda _target, _flow: Way(hops, DARK), seed=1, jitter=5.0)
        found: dict[tuple[int, int], list[list[float]]] = {probe: [] for probe in PROBES}
        for flow, ttl in asked:
            reacted = fates.of(Packet(TARGET, flow, Method.UDP, ttl), 0.0)
            found[flow, ttl].append([each.delay for each in reacted])
        return found

    in_turn = luck(PROBES)
    assert luck(order) == in_turn
    assert 0 < sum(map(len, itertools.chain.from_iterable(in_turn.values()))) < len(PROBES)


def test_what_passes_a_mark_is_marked_and_what_ends_at_it_is_not() -> None:
    """A router rewrites what it passes on; what it answers itself it quotes as it came."""
    way = Way(
        (Interface("192.0.2.1", tos=8, rewrites=frozenset({"id"})), Interface("192.0.2.2")), HOST
    )
    [[first], [second], [host]] = reactions(way, 1, 2, 3)
    assert (first.tos, first.rewritten) == (0, frozenset())
    assert (second.tos, second.rewritten) == (host.tos, host.rewritten) == (8, frozenset({"id"}))


def test_an_answer_whose_ttl_runs_out_on_the_way_back_does_not_arrive() -> None:
    """A mirrored TTL is what the probe had left, and must last for the way back."""
    host = End(Interface(TARGET, reply_ttl="mirrored"))
    way = Way((Interface("192.0.2.1"), Interface("192.0.2.2")), host)
    assert reactions(way, 3, 4) == [[], []]
    [[answer]] = reactions(way, 5)
    assert answer.ttl == 1


def test_a_forger_speaks_where_nobody_else_does() -> None:
    """What is forged comes before the answer, and for silent hops as well."""
    way = Way(
        (
            Interface("192.0.2.1", (10.0,), forged="198.51.100.66"),
            Interface("192.0.2.2", methods=frozenset(), forged="198.51.100.66"),
        ),
        HOST,
    )
    [[forged, answer], [alone], [_]] = reactions(way, 1, 2, 3)
    assert (forged.forged, answer.forged, alone.forged) == (True, False, True)
    assert forged.delay < answer.delay
    assert forged.address == alone.address == "198.51.100.66"


def test_port_unreachable_is_how_a_target_answers_udp() -> None:
    """Whoever says so; to another method it is a refusal with the code p."""
    way = Way((), End(Interface("198.51.100.9"), Kind.UNREACHABLE, "p"))
    [[udp]] = reactions(way, 1, method=Method.UDP)
    [[ping]] = reactions(way, 1)
    assert (udp.kind, udp.err) == (Kind.DESTINATION, None)
    assert (ping.kind, ping.err) == (Kind.UNREACHABLE, "p")


def test_silence_and_no_route() -> None:
    """A silent hop and a dark end say nothing; without a way a packet cannot even be sent."""
    assert reactions(Way((SILENT,), DARK), 1, 2) == [[], []]
    with pytest.raises(NoRoute, match=TARGET):
        reactions(None, 1)
