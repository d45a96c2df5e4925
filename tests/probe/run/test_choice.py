"""Which targets may be probed from here."""

from __future__ import annotations

import ipaddress
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.record import Trace
from probe.redaction.premises import Premises
from probe.run.choice import (
    OWN_SUBNET,
    RESUMABLE,
    fit,
    measured,
    objection,
    unmeasured,
    version_of,
    witnesses,
)
from probe.run.exclusions import LISTED, Exclusions
from probe.run.targets import Target
from tests.probe.paths import HOME


def target(address: str) -> Target:
    return Target(address=address, name=address, why="a test")


def chosen(*addresses: str, own_network: bool = False) -> tuple[list[str], dict[str, int]]:
    found, left_out = fit(map(target, addresses), HOME, Exclusions(), own_network=own_network)
    return [one.address for one in found], left_out


UNASKED = ["10.1.2.3", "127.0.0.1", "100.64.1.1", "240.0.0.1", "fd00:9::1", "192.0.2.1"]


def test_public_hosts_are_probed() -> None:
    """Ordinary addresses of both IP versions are left in, in order."""
    assert chosen("80.231.1.1", "2001:5a0::1", "9.9.9.9") == (
        ["80.231.1.1", "2001:5a0::1", "9.9.9.9"],
        {},
    )


def test_special_addresses_are_left_out_by_reason() -> None:
    """What means nothing outside one network is left out, counted by its class."""
    assert chosen("80.231.1.1", *UNASKED, "10.1.2.4") == (
        ["80.231.1.1"],
        {
            "private": 2,
            "loopback": 1,
            "cgnat": 1,
            "reserved": 1,
            "ula": 1,
            "documentation": 1,
        },
    )


@pytest.mark.parametrize(
    "address", ["4000::1", "e000::1", "100:0:0:1::1", "1fff::1", "::80.231.1.1", "fe00::1"]
)
def test_what_was_never_given_out_of_ipv6_is_reserved(address: str) -> None:
    """Of IPv6 only 2000::/3 is for hosts that all can reach; no special block ends there."""
    assert chosen(address) == ([], {"reserved": 1})
    assert chosen(address, own_network=True) == ([address], {})


def test_what_only_wraps_an_ipv4_address_is_judged_as_that() -> None:
    """An IPv4 host behind a NAT64 is one like others, though not in 2000::/3."""
    assert chosen("64:ff9b::808:808", "64:ff9b::a00:1") == (["64:ff9b::808:808"], {"private": 1})


def test_what_stands_behind_a_6to4_router_is_judged_by_that_router_too() -> None:
    """Whoever relays the packet would send it to a private address, or to itself."""
    assert chosen("2002:808:808::1") == (["2002:808:808::1"], {})
    assert chosen("2002:a00:1::1", "2002:7f00:1::1") == ([], {"private": 1, "loopback": 1})
    assert chosen("2002:a00:1::1", own_network=True) == (["2002:a00:1::1"], {})


def test_in_ones_own_network_special_addresses_are_allowed() -> None:
    """Who runs the network may probe its private addresses."""
    assert chosen(*UNASKED, own_network=True) == (UNASKED, {})


def test_no_host_and_home_are_never_probed() -> None:
    """Multicast, broadcast and one's own subnets stay out whatever is said."""
    never = ["224.0.0.5", "ff02::1", "255.255.255.255", "0.0.0.0", "192.168.1.255"]
    for own_network in (False, True):
        found, left_out = chosen(*never, own_network=own_network)
        assert (found, sum(left_out.values())) == ([], len(never))
    assert chosen("192.168.1.77", "fd00:1::77", own_network=True) == ([], {OWN_SUBNET: 2})
    public = Premises(frozenset({"80.231.1.7"}), (ipaddress.ip_network("80.231.1.0/24"),))
    assert fit([target("80.231.1.9")], public, Exclusions(), own_network=False) == (
        [],
        {OWN_SUBNET: 1},
    )


def test_the_version_is_that_of_the_address() -> None:
    """A colon makes it IPv6."""
    assert (version_of(target("80.231.1.1")), version_of(target("2001:5a0::1"))) == (4, 6)


@given(st.lists(st.integers(), max_size=50, unique=True))
def test_witnesses_are_a_few_of_the_list_from_its_first_to_its_last(items: list[int]) -> None:
    """At most three, all different, in order, with both ends."""
    found = witnesses(items)
    assert len(found) == len(set(found)) == min(3, len(items))
    assert found == sorted(found, key=items.index)
    assert found[:1] == items[:1]
    assert found[-1:] == items[-1:]


def test_what_is_excluded_is_left_out_whoever_asks() -> None:
    """The do-not-probe list holds in one's own network too."""
    excluded = Exclusions((ipaddress.ip_network("80.231.0.0/16"),))
    for own_network in (False, True):
        assert fit(
            map(target, ["80.231.1.1", "9.9.9.9"]),
            HOME,
            excluded,
            own_network=own_network,
        ) == ([target("9.9.9.9")], {LISTED: 1})


def test_whoever_runs_the_network_may_trace_to_a_neighbour() -> None:
    """On the screen nothing is kept, so one's own subnet is one's own business there."""
    for address, without, with_word in (
        ("192.168.1.77", "private", None),
        ("fd00:1::77", "ula", None),
        ("192.168.1.255", "broadcast", "broadcast"),
        ("80.231.1.1", None, None),
    ):
        for own_network, expected in ((False, without), (True, with_word)):
            said = objection(address, HOME, Exclusions(), own_network=own_network)
            assert said == expected, address


def trace(target: str, flow: int, at: float) -> Trace:
    return Trace(target, 4, "ICMP", at, at + 1, (), paris_id=flow)


def test_measured_are_the_targets_of_one_flow_within_a_day() -> None:
    """An older run is over, and another flow another run."""
    now = 1_645_012_800.0
    traces = [
        trace("80.231.1.1", 3, now - RESUMABLE),
        trace("80.231.1.2", 3, now - RESUMABLE + 1),
        trace("80.231.1.3", 4, now),
    ]
    assert measured(traces, 3, now) == {"80.231.1.2": 1}
    assert measured(traces, 4, now) == {"80.231.1.3": 1}


def test_all_that_one_run_kept_counts() -> None:
    """Also what it kept twice of one block, whose targets records do not tell apart."""
    now = 1_645_012_800.0
    kept = ["80.231.1.1", "36.37.9.0", "80.231.1.2", "36.37.9.0"]
    traces = [trace("80.231.1.9", 2, now), *(trace(target, 3, now) for target in kept)]
    assert measured(traces, 3, now) == {"80.231.1.1": 1, "80.231.1.2": 1, "36.37.9.0": 2}


def test_a_flow_that_came_round_is_another_run() -> None:
    """There are but sixteen: who runs often has the same one twice a day."""
    now = 1_645_012_800.0
    traces = [trace(f"80.231.1.{n}", n % 16 + 1, now - 60 * (20 - n)) for n in range(18)]
    assert measured(traces, 2, now) == {"80.231.1.17": 1}


@pytest.mark.parametrize(
    ("kept", "expected"),
    [
        ([], ["36.37.9.7", "36.37.9.0", "36.37.9.77", "80.231.1.1"]),
        (["36.37.9.0"], ["36.37.9.7", "36.37.9.77", "80.231.1.1"]),
        (["36.37.9.0", "36.37.9.0"], ["36.37.9.77", "80.231.1.1"]),
        (["36.37.9.0", "36.37.9.0", "36.37.9.0", "80.231.1.0"], []),
        (["80.231.1.1"], ["36.37.9.7", "36.37.9.0", "36.37.9.77"]),
    ],
)
def test_of_a_block_that_records_are_cut_to_so_many_are_measured_as_were_kept(
    kept: list[str], expected: list[str]
) -> None:
    """Which of them they were no record tells any more; the others are not measured by that."""
    targets = [target(one) for one in ("36.37.9.7", "36.37.9.0", "36.37.9.77", "80.231.1.1")]
    assert [one.address for one in unmeasured(targets, Counter(kept))] == expected
