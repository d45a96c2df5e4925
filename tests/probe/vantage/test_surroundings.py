"""What traces tell of the place: a captive portal, a carrier's NAT."""

from __future__ import annotations

import pytest

from probe.origin.attribute import attribute
from probe.record import Hop, Reply, Trace
from probe.vantage.surroundings import (
    are_answered_alike,
    gets_new_ttl,
    is_answered_next_door,
    is_behind_carrier_nat,
    is_walled_in,
)
from tests.probe.table import Table

TABLE = Table()
TARGETS = ("80.231.1.1", "203.144.64.1", "80.231.9.9")


def trace(
    *hops: str | None, stop: str = "destination", rtt: float = 1.0, refused: str | None = None
) -> Trace:
    """A trace to the last of the hops, or to another target that the last ``refused`` by a code."""
    measured = Trace(
        dst_addr=TARGETS[0] if refused else hops[-1] or TARGETS[0],
        af=4,
        proto="ICMP",
        timestamp=0.0,
        endtime=1.0,
        hops=tuple(
            Hop(
                number,
                (
                    Reply(address, rtt, err=refused if number == len(hops) else None)
                    if address
                    else Reply(),
                ),
            )
            for number, address in enumerate(hops, start=1)
        ),
        stop="unreachable" if refused else stop,
    )
    return attribute(measured, TABLE)


@pytest.mark.parametrize(
    ("measured", "expected"),
    [
        (trace("80.231.1.1"), True),
        (trace("192.168.1.1", "80.231.1.1"), True),
        (trace("192.168.1.1", "36.37.9.9", "80.231.1.1"), False),
        (trace("192.168.1.1", "80.231.1.1", stop="unreachable"), False),
        # The own provider's first address may well stand next door, and so may an own server.
        (trace("192.168.1.1", "36.37.0.1"), False),
        (trace("192.168.1.1", "192.168.2.7"), False),
        # A portal may refuse instead of answering; a line that is down and a provider do as well.
        (trace("192.168.1.1", "192.168.1.1", refused="p"), True),
        (trace("192.168.1.1", refused="A"), True),
        (trace("192.168.1.1", "192.168.1.1", refused="N"), False),
        (trace("192.168.1.1", "192.168.1.1", refused="H"), False),
        (trace("fd00::1", refused="h"), False),
        (trace("fd00::1", refused="A"), True),
        (trace("192.168.1.1", "36.37.9.9", refused="A"), False),
        (trace("192.168.1.1", None, "10.0.0.1", refused="A"), False),
    ],
)
def test_nobody_elses_server_stands_next_door(measured: Trace, expected: bool) -> None:
    """A target of another organisation that answers within two hops is answered for."""
    assert is_answered_next_door(measured, "Viettel", TABLE) == expected


@pytest.mark.parametrize(
    ("traces", "expected"),
    [
        ([trace(target) for target in TARGETS], True),
        # A portal that sits four hops away.
        ([trace("192.168.1.1", None, "10.0.0.1", target) for target in TARGETS], True),
        # Two are too few to tell.
        ([trace(target) for target in TARGETS[:2]], False),
        ([trace(TARGETS[0])] * 3, False),
        # Unequally far, in hops or in time; one is not reached; or somebody's network shows.
        ([trace(*["10.0.0.1"] * index, target) for index, target in enumerate(TARGETS)], False),
        ([trace(t, rtt=9.0 * index) for index, t in enumerate(TARGETS)], False),
        ([trace(*TARGETS[:1]), trace(TARGETS[1]), trace(TARGETS[2], stop="gap")], False),
        ([trace("36.37.9.9", target) for target in TARGETS], False),
        ([], False),
    ],
)
def test_the_world_is_not_equally_far(traces: list[Trace], expected: bool) -> None:
    """Where all targets answer at one distance, with no network between, one answers for all."""
    assert are_answered_alike(traces) == expected


@pytest.mark.parametrize(
    ("measured", "reply_ttl", "expected"),
    [
        (trace("192.168.1.1", TARGETS[0]), 51, True),
        (trace(TARGETS[0]), 115, True),
        (trace("192.168.1.1", "192.168.43.1", TARGETS[0]), 246, True),
        # By its answer it does stand there, or nobody knows.
        (trace("192.168.1.1", TARGETS[0]), 63, False),
        (trace("192.168.1.1", TARGETS[0]), 59, False),
        (trace("192.168.1.1", TARGETS[0]), None, False),
        # A network shows, a hop is silent, or it is too far, not reached, or at home.
        (trace("192.168.1.1", "36.37.9.9", TARGETS[0]), 51, False),
        (trace("192.168.1.1", "100.64.3.7", TARGETS[0]), 51, False),
        (trace("192.168.1.1", None, TARGETS[0]), 51, False),
        (trace(*["10.0.0.1"] * 4, TARGETS[0]), 51, False),
        (trace("192.168.1.1", TARGETS[0], stop="gap"), 51, False),
        (trace("192.168.1.1", "192.168.2.7"), 51, False),
    ],
)
def test_where_packets_get_a_new_ttl_targets_only_seem_to_be_near(
    measured: Trace, reply_ttl: int | None, expected: bool
) -> None:
    """By the TTL of its answer a target that answers behind one's own router stands far off."""
    hops = tuple(
        hop._replace(replies=tuple(reply._replace(ttl=reply_ttl) for reply in hop.replies))
        for hop in measured.hops
    )
    assert gets_new_ttl(measured._replace(hops=hops)) == expected


def test_a_carriers_nat_shows_by_its_addresses() -> None:
    """100.64.0.0/10 stands for nothing else."""
    assert is_behind_carrier_nat(trace("192.168.1.1", "100.64.3.7", "36.37.9.9", TARGETS[0]))
    assert not is_behind_carrier_nat(trace("192.168.1.1", "10.0.3.7", "36.37.9.9", TARGETS[0]))


def test_walls_are_where_nothing_answers_from_outside() -> None:
    """The own router, another one behind it; a carrier's NAT is outside, and so is a target."""
    router = trace("192.168.1.1", None, None, stop="gap")
    assert is_walled_in([router, trace("192.168.1.1", "10.0.0.1", None, stop="unreachable")])
    assert not is_walled_in([router, trace("192.168.1.1", "100.64.0.1", None, stop="gap")])
    assert not is_walled_in([router, trace("192.168.1.1", None, TARGETS[0])])
    assert not is_walled_in([trace(None, None, stop="gap")])
