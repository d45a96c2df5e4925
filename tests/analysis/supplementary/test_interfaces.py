"""One organisation with many interfaces, or one interface that many organisations meet."""

from __future__ import annotations

import pytest

from analysis.candidates.blocks import Blocks
from analysis.evidence.panel import observe
from analysis.owners.operators import Gazetteer, Node
from analysis.policy import Policy
from analysis.shares.intervals import captured_bounds
from analysis.shares.pairs import by_organisation, make_pairs
from analysis.supplementary.interfaces import Interfaces, first_abroad, interfaces_of
from tests.analysis.country import HOME, NOW, Country

GATE = Node("organisation", "Gate")


def at_both_levels(
    country: Country, left_out: tuple[str, ...] = (), node: Node = GATE
) -> tuple[Interfaces, Interfaces]:
    traces = country.traces()
    seen = observe(traces, Gazetteer(country.table, HOME), country.table, Policy(), NOW)
    blocks = Blocks(seen.observations)
    grouped = by_organisation(make_pairs(seen.observations, blocks, Policy()))
    return (
        interfaces_of(node, seen.observations, blocks, grouped, Policy(), left_out=left_out),
        first_abroad(grouped, Policy(), left_out=left_out),
    )


def test_one_interface_that_everybody_meets() -> None:
    """Six networks over one interface of Gate."""
    country = Country(6)
    country.everyone("lan own gate {up}", days=[0])
    gateway, _ = at_both_levels(country)
    assert (gateway.count, gateway.busiest) == (1, "20.9.9.1")
    assert gateway.effective == pytest.approx(1.0)
    assert (gateway.captured, gateway.of) == (6, 6)
    assert gateway.lower == pytest.approx(0.05 ** (1 / 6))


def test_one_organisation_with_many_interfaces() -> None:
    """Each of six networks meets an interface of its own: none captures more than one."""
    country = Country(6)
    country.everyone("lan own 20.9.9.{i} {up}", days=[0])
    gateway, _ = at_both_levels(country)
    assert gateway.count == 6
    assert gateway.effective == pytest.approx(6.0)
    assert (gateway.captured, gateway.of) == (1, 6)


def test_two_interfaces_of_one_way_share_its_weight() -> None:
    """In and out of one router, or two routers in a row: two interfaces, both on every way."""
    country = Country(6)
    country.everyone("lan own 20.9.9.1 20.9.9.2 {up}", days=[0])
    gateway, _ = at_both_levels(country)
    assert gateway.effective == pytest.approx(2.0)
    assert (gateway.busiest, gateway.captured) == ("20.9.9.1", 6)


def test_an_interface_behind_the_border_is_not_the_gateways_at_home() -> None:
    """A loop: out over Gate, abroad, and back to a router of Gate that stands there."""
    country = Country(6)
    country.everyone("lan own 20.9.9.1 {up} 20.9.9.2@90 {up}", days=[0])
    gateway, _ = at_both_levels(country)
    assert (gateway.count, gateway.busiest) == (1, "20.9.9.1")


def test_an_interface_on_half_of_the_traces_belongs_to_no_pair() -> None:
    """Load balancing over two: neither is on more than half."""
    country = Country(6)
    country.everyone("lan own 20.9.9.1 {up}", days=[0])
    country.everyone("lan own 20.9.9.2 {up}", days=[1])
    gateway, _ = at_both_levels(country)
    assert (gateway.count, gateway.busiest, gateway.captured) == (0, None, 0)
    assert gateway.effective == 0.0


def test_silent_borders_do_not_count_against_an_interface() -> None:
    """Only known crossings are counted: it is on two of three; two days are silent."""
    country = Country(6)
    country.everyone("lan own 20.9.9.1 {up}", days=[0, 1])
    country.everyone("lan own 20.9.9.2 {up}", days=[2])
    country.everyone("lan own * * {up}", days=[3, 4])
    gateway, _ = at_both_levels(country)
    assert (gateway.count, gateway.busiest, gateway.captured) == (1, "20.9.9.1", 6)


def test_an_interface_captures_who_takes_it_on_four_of_five_ways() -> None:
    """Nets 1 to 4 do and net 5 does not; each network weighs as much, however many ways it has."""
    country = Country(6)
    takes_the_first = {4: {5}, 5: {4, 5}, 6: {1}}
    for i in range(1, 7):
        for n, destination in enumerate(country.destinations(1 if i == 6 else 5), start=1):
            router = "20.9.9.1" if n in takes_the_first.get(i, ()) else "20.9.9.2"
            country.trace(i, destination, f"lan own {router} far{6 + i}")
    gateway, _ = at_both_levels(country)
    assert (gateway.count, gateway.busiest, gateway.captured) == (2, "20.9.9.2", 4)
    assert (gateway.lower, gateway.upper) == captured_bounds(4, 6, Policy().confidence)
    assert gateway.effective == pytest.approx(6.0**2 / (1.6**2 + 4.4**2))


def test_of_two_that_capture_as_many_the_more_used_is_the_busiest() -> None:
    """Net 3 takes both, and the second on three of five ways."""
    country = Country(3)
    for i in (1, 2, 3):
        for n, destination in enumerate(country.destinations(), start=1):
            second = i == 2 or (i == 3 and n > 2)
            country.trace(i, destination, f"lan own 20.9.9.{1 + second} far{6 + i}")
    gateway, _ = at_both_levels(country)
    assert (gateway.busiest, gateway.captured) == ("20.9.9.2", 1)


def test_the_gateways_own_volunteers_are_left_out() -> None:
    """They see their own routers."""
    country = Country(6)
    country.everyone("lan own gate {up}", days=[0])
    gateway, _ = at_both_levels(country, left_out=("Net 1", "Net 2"))
    assert (gateway.captured, gateway.of) == (4, 4)


def test_a_thin_gateway_shows_at_the_first_interfaces_abroad() -> None:
    """No domestic node is shared, and everybody meets on one interface behind the border."""
    country = Country(8)
    country.everyone("lan own 30.0.9.9", days=[0])
    gateway, abroad = at_both_levels(country)
    assert (gateway.count, gateway.captured) == (0, 0)
    assert (abroad.count, abroad.busiest, abroad.captured) == (1, "30.0.9.9", 8)


def test_own_carriers_are_as_many_interfaces() -> None:
    """Each of eight networks has its own way: nothing is shared."""
    country = Country(8)
    country.everyone("lan own {up}", days=[0])
    _, abroad = at_both_levels(country)
    assert abroad.count == 8
    assert abroad.effective == pytest.approx(8.0)
    assert abroad.captured == 1


def test_interfaces_of_merged_blocks_are_one_candidates() -> None:
    """Ten private blocks that are one gateway show ten interfaces."""
    country = Country(6)
    country.everyone("lan own 10.20.{i}.1 30.0.9.9", days=[0])
    merged = Node("unmapped", "10.20.1.0/24 … 10.20.6.0/24 (6 blocks)")
    gateway, _ = at_both_levels(country, node=merged)
    assert gateway.count == 6
    assert gateway.of == 6
