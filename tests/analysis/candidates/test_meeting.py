"""Whether those who pass a network meet there, by its addresses and those right behind it."""

from __future__ import annotations

from itertools import product

import pytest

from analysis.candidates.meeting import meet_there
from analysis.evidence.panel import observe
from analysis.owners.operators import Gazetteer, Node
from analysis.policy import Policy
from probe.record import Attribution
from tests.analysis.country import HOME, NOW, Country

GATE = Node("organisation", "Gate")
APART = "lan own 20.9.9.{i} {up}"


def meet(*words: str, others: int = 2) -> bool:
    """Six networks; each goes to its destinations over one after the other of these hops."""
    country = Country(6)
    for i in range(71, 78):
        country.table.add(f"20.0.{i}.0/24", Attribution(100 + i, f"N{i}", f"Unmeasured {i}", HOME))
    for i in range(1, 7):
        for n, destination in enumerate(country.destinations(4)):
            half, pair = (i - 1) % 2 + 1, (i - 1) % 3 + 1
            hops = words[n % len(words)].format(i=i, half=half, pair=pair, up=f"far{6 + i}")
            country.trace(i, destination, hops)
    traces = country.traces()
    panel = observe(traces, Gazetteer(country.table, HOME), country.table, Policy(), NOW)
    return meet_there({GATE}, panel.observations, others)


@pytest.mark.parametrize(
    "words",
    [
        "lan own gate {up}",
        "lan own 20.9.9.{i} 20.9.9.250 {up}",
        "lan own 20.9.9.{i} 30.0.9.9",
        "lan own 20.9.9.{i} 20.9.9.1{i} 30.0.9.9",
        "lan own 20.9.9.{i} * 30.0.9.9",
        "lan own 20.9.9.{i} net6 {up}",
        "lan own 20.0.77.1 gate {up}",
    ],
    ids=[
        "one address",
        "a core",
        "a carrier",
        "behind two routers",
        "behind silence",
        "a carrier at home",
        "over one who was not measured",
    ],
)
def test_one_address_in_common_is_a_meeting(words: str) -> None:
    """Of the network itself, or right behind it."""
    assert meet(words)


@pytest.mark.parametrize(
    "words",
    [
        APART,
        "lan own 20.9.9.{i} homeix {up}",
        "lan own 20.9.9.{i} 20.8.8.7 {up}",
        "lan own 20.9.9.{i} 20.9.9.{i} 10.2.3.4 {up}",
        "lan own 20.9.9.{i} farix {up}",
        "lan own 20.9.9.{i}",
        "lan 20.9.9.250 own 20.9.9.{i} {up}",
    ],
    ids=[
        "by themselves", "ports", "one port", "private numbers", "an exchange abroad", "nothing",
        "the line home",
    ],
)  # fmt: skip
def test_numbers_alone_are_no_meeting(words: str) -> None:
    """Each has addresses of its own there, whatever is met at an exchange."""
    assert not meet(words)


def test_a_link_by_which_others_read_a_network_is_in_common() -> None:
    """Where a network is silent, or the others' word for it, only what stands behind it shows."""
    country = Country(6)
    for i in range(1, 7):
        before = f"20.9.9.{i}" if i <= 3 else "*"
        for n, destination in enumerate(country.destinations(4)):
            country.trace(i, destination, f"lan own {before} 30.0.6.{90 + n}")
    traces = country.traces()
    panel = observe(traces, Gazetteer(country.table, HOME), country.table, Policy(), NOW)
    read = [o for o in panel.observations if o.crossing is not None and GATE in o.crossing.strict]
    assert len(read) == 24
    assert meet_there({GATE}, read, 2)
    assert meet_there({GATE}, [seen for seen in read if seen.organisation > "Net 3"], 2)


def test_who_comes_over_such_a_link_is_one_of_those_who_meet() -> None:
    """Two show the network before it and two are silent; four others go by themselves."""
    country = Country(8)
    for i in range(1, 9):
        before = "*" if i in {3, 4} else f"20.9.9.{i}"
        for n, destination in enumerate(country.destinations(4)):
            behind = f"30.0.6.{90 + n}" if i <= 4 else f"far{6 + i}"
            country.trace(i, destination, f"lan own {before} {behind}")
    traces = country.traces()
    panel = observe(traces, Gazetteer(country.table, HOME), country.table, Policy(), NOW)
    assert meet_there({GATE}, panel.observations, 2)


def test_half_of_the_destinations_suffice() -> None:
    """Customers of one router may have links to carriers of their own besides."""
    assert meet(APART, "lan own gate {up}")
    assert not meet(APART, APART, APART, "lan own gate {up}")


@pytest.mark.parametrize(("shared", "traces", "met"), [(4, 1, True), (3, 1, False), (3, 9, False)])
def test_a_destination_is_met_on_half_of_its_days(shared: int, traces: int, *, met: bool) -> None:
    """What few traces show is an accident of the path, however many are sent on those days."""
    country = Country(6)
    for i, day in product(range(1, 7), range(8)):
        hops = "lan own gate {up}" if day < shared else APART
        for _ in range(traces if day < shared else 1):
            country.trace(i, "30.0.1.200", hops.format(i=i, up=f"far{6 + i}"), day=day)
            country.results[-1]["timestamp"] += len(country.results)
    traces_read = country.traces()
    panel = observe(traces_read, Gazetteer(country.table, HOME), country.table, Policy(), NOW)
    assert meet_there({GATE}, panel.observations, 2) is met


def test_ways_that_do_not_pass_it_say_nothing() -> None:
    """Neither those over another network nor those that were not seen to leave."""
    assert meet("lan own gate {up}", "lan own net6 {up}", "lan own * *", "lan own 20.9.9.9")


def test_two_by_two_is_no_meeting_of_many() -> None:
    """Rivals who share a carrier's router in pairs, or one who shows what each of them does."""
    pairs = "lan own 20.9.9.{i} 30.0.9.{pair}"
    assert not meet(pairs)
    assert meet(pairs, others=1)


@pytest.mark.parametrize("others", [1, 2])
def test_a_customer_comes_by_the_addresses_of_its_provider(others: int) -> None:
    """Where one of those that pass a network lies on the way of the other, they are one."""
    assert not meet("lan own net{pair} 20.9.9.{pair} 30.0.9.{pair}", others=others)


@pytest.mark.parametrize("silent", [2, 4])
@pytest.mark.parametrize("rival", [6, 77])
def test_a_silent_hop_makes_nobody_of_a_rivals_customers(rival: int, silent: int) -> None:
    """On some ways of each the rival that all come over does not answer, measured itself or not."""
    country = Country(6)
    country.table.add("20.0.77.0/24", Attribution(177, "N77", "Unmeasured", HOME))
    for i, (n, destination) in product(range(1, 7), enumerate(country.destinations(5))):
        for day in range(2):
            lost = (n + i + 5 * day) % 10 < silent
            before = "*" if lost else f"20.0.{rival}.1"
            words = f"{before} 20.9.9.9 far15" if i <= 4 else f"20.9.9.{i} far{6 + i}"
            country.trace(i, destination, f"lan own {words}", day=day)
    traces = country.traces()
    panel = observe(traces, Gazetteer(country.table, HOME), country.table, Policy(), NOW)
    assert not meet_there({GATE}, panel.observations, 2)


@pytest.mark.parametrize(("over", "met"), [("{half}", False), ("{pair}", True), ("1", True)])
def test_customers_of_one_network_come_by_its_addresses(over: str, *, met: bool) -> None:
    """Nothing was measured in it: two of such are two that come, and one tells of nobody else."""
    assert meet(f"lan own 20.0.7{over}.1 20.9.9.7 30.0.9.9") is met
