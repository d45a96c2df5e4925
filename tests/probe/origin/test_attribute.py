"""Joining a trace with the address table."""

from __future__ import annotations

from probe.origin.attribute import attribute, majority
from probe.record import Hop, Reply, Trace
from tests.probe.table import ABROAD, PROVIDER, Table


def trace(*hops: tuple[Reply, ...]) -> Trace:
    return Trace(
        dst_addr="80.231.1.1",
        af=4,
        proto="ICMP",
        timestamp=0,
        endtime=1,
        hops=tuple(Hop(number, replies) for number, replies in enumerate(hops, start=1)),
    )


def test_each_hop_is_attributed_by_its_majority_address() -> None:
    """Two of three replies decide whose a hop is; a silent hop stays nobody's."""
    found = attribute(
        trace(
            (Reply("36.37.1.1", 1.0), Reply("80.231.1.1", 1.0), Reply("36.37.1.1", 1.0)),
            (Reply(),),
            (Reply("80.231.1.1", 9.0),),
        ),
        Table(),
    )
    assert [hop.attribution and hop.attribution.asn for hop in found.hops] == [
        PROVIDER,
        None,
        ABROAD,
    ]
    assert found.hops[1].attribution is None


def test_the_snapshot_is_named() -> None:
    """A record says which state of the table judged it."""
    assert attribute(trace(), Table()).snapshots == ("table@2026-06-17+0123456789ab",)


def test_measured_values_are_left_alone() -> None:
    """Attribution adds to a hop and changes no reply."""
    before = trace((Reply("36.37.1.1", 1.0, ttl=63),))
    assert attribute(before, Table()).hops[0].replies == before.hops[0].replies


def test_duplicates_and_late_answers_do_not_vote() -> None:
    """An answer that came twice, or too late, does not decide whose the hop is."""
    replies = [
        Reply("192.0.2.1", 1.0),
        Reply("192.0.2.9", 1.0, duplicate=True),
        Reply("192.0.2.9", 1.0, late=2),
    ]
    assert majority(replies) == "192.0.2.1"


def test_a_tie_goes_to_the_first_heard() -> None:
    """Where two addresses are level, the result does not depend on chance."""
    assert majority([Reply("192.0.2.9", 1.0), Reply("192.0.2.1", 1.0)]) == "192.0.2.9"
