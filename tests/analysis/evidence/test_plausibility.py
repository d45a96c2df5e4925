"""Inventions are set aside by what no network does, and real networks' oddities are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.evidence.panel import observe
from analysis.evidence.plausibility import Sign, least_rtt, signs_of, signs_of_times, verdict_on
from analysis.intake.load import load
from analysis.intake.told import Addresses, Rtts, Told
from analysis.owners.operators import Gazetteer
from analysis.policy import Policy
from probe.origin import open_origin
from tests.analysis.country import Country

REAL = Path(__file__).parents[2] / "data/traces/atlas_23449934_half.jsonl.gz"


def told(addresses: Addresses, rtts: Rtts) -> Told:
    return Told(None, None, None, "d", 4, 0.0, addresses, rtts)


@pytest.mark.parametrize(
    ("addresses", "rtts", "signs"),
    [
        (("a", "b", "c", "d"), (1.0, 2.0, 60.0, 61.0), ()),
        (("a", "b", "c", "d"), (1.0, 2.0, 9.0, 49.0), ("faster_than_light",)),
        (("a", "b", "c", "d"), (1.0, 2.0, 9.0, 0.0), ("faster_than_light",)),
        (("a", "b", "c"), (1.0, 2.0, 9.0), ()),
        (("a", "b", "c"), (1.0, -0.1, 9.0), ("faster_than_light",)),
        (("a", "b", "a", "d"), (1.0, 2.0, 3.0, 80.0), ("goes_in_circles",)),
        # As the probe cuts three routers of the own network, and two of private numbers between.
        (("20.1.2.0", "10.5.1.0", "20.1.2.0", "10.5.1.0", "d"), (1.0, 2.0, 3.0, 4.0, 80.0), ()),
        (("2001:db8:7::", "fd12:3:4::", "2001:db8:7::", "d"), (1.0, 2.0, 3.0, 80.0), ()),
        (("20.1.2.10", "10.5.1.0", "20.1.2.10", "d"), (1.0, 2.0, 3.0, 80.0), ("goes_in_circles",)),
        (("a", "b", "b", "d"), (1.0, 2.0, 3.0, 80.0), ()),
        (("a", "b", "a", "c"), (1.0, 2.0, 3.0, 80.0), ()),
        (("a", "b", "c", "e", "d"), (300.0, 300.0, 300.0, 70.0, 60.0), ("rtts_fall",)),
        (("a", "b", "c", "e", "d"), (300.0, 300.0, 100.0, 70.0, 60.0), ()),
        (("a", "b", "c", "e", "d"), (300.0, None, 300.0, None, 60.0), ()),
    ],
    ids=[
        "a usual path",
        "sooner than light over an ocean",
        "in no time at all",
        "no arrival, so no distance",
        "answered before it was asked",
        "there, back, and there",
        "routers that the probe cut to one block",
        "routers of IPv6 that the probe cut to one block",
        "a router that was not cut",
        "one router at two hops",
        "a loop that never arrives",
        "the way slower than its end",
        "two slow routers",
        "too few answers",
    ],
)
def test_signs_of_one_trace(addresses: Addresses, rtts: Rtts, signs: tuple[Sign, ...]) -> None:
    """Each sign shows where it must, and not where routers merely do odd things."""
    assert signs_of(told(addresses, rtts), 50.0, Policy()) == signs


def test_light_is_asked_only_where_an_ocean_lies_between() -> None:
    """Continents that touch, and places that are not known, bound nothing."""
    assert least_rtt("AS", "SA") == pytest.approx(50.03, abs=0.01)
    assert least_rtt("SA", "AS") == least_rtt("AS", "SA")
    assert least_rtt("AS", "EU") == least_rtt("AS", None) == least_rtt("AS", "AS") == 0.0


@pytest.mark.parametrize(
    ("signs", "reason"),
    [
        ([], None),
        (["rtts_fall"], None),
        (["rtts_fall", "rtts_fall"], None),
        (["rtts_fall", "seen_by_nobody_else"], "implausible"),
        (["rtts_fall", "faster_than_light"], "faster_than_light"),
    ],
)
def test_one_weak_sign_is_never_enough(signs: list[Sign], reason: str | None) -> None:
    """Two of different kinds are, and a strong one alone."""
    assert verdict_on(signs, Policy()) == reason


def test_a_listed_host_on_another_continent_cannot_answer_at_once() -> None:
    """The reason is counted by trace, and the trace is no evidence."""
    country = Country(3)
    country.table.sites["30.0.5.200"] = "SA"
    country.trace(1, "30.0.5.200@20", "lan own far6@15")
    country.trace(2, "30.0.5.200@90", "lan own far6@80")
    verdict = country.judge()
    assert verdict.fields["rejected"] == {"faster_than_light": 1}
    assert verdict.fields["signs"] == {"faster_than_light": 1}
    assert verdict.fields["measured"]["traces"] == 1


def test_where_the_targets_that_ship_stand_is_known() -> None:
    """By the list, not by registration; of any other address nothing is known."""
    origin = open_origin()
    assert origin.site("193.0.6.139") == "EU"
    assert origin.site("193.0.6.140") is None


def alone(words: str) -> Country:
    """Five keys of one network measure one destination; the last of them as these words say."""
    country = Country(3)
    for vantage in range(4):
        country.trace(1, "30.0.1.200", "lan own net2 far6", vantage=vantage)
    country.trace(1, "30.0.1.200", words, vantage=4)
    return country


def test_a_router_that_one_key_alone_sees_is_a_sign_and_no_more() -> None:
    """Four keys agree on the way; the fifth has seen the gateway: kept, and told."""
    verdict = alone("lan own gate far6").judge()
    assert verdict.fields["signs"] == {"seen_by_nobody_else": 1}
    assert verdict.fields["measured"]["traces"] == 5


def test_another_router_of_the_same_network_is_no_sign() -> None:
    """That a network has many routers surprises nobody."""
    assert alone("lan own 20.0.2.77 far6").judge().fields["signs"] == {}


def test_two_weak_signs_set_a_trace_aside() -> None:
    """The router that nobody else sees, on a way slower than its end."""
    verdict = alone("lan@500 own@500 gate@500 far6@90").judge()
    assert verdict.fields["rejected"] == {"implausible": 1}


def test_no_real_trace_is_set_aside() -> None:
    """What 440 probes of twenty countries measured bears a weak sign here and there at most."""
    table, loaded = open_origin(), load([str(REAL)])
    kept = signs = 0
    for country in sorted(
        {table.lookup(t.source).country or "" for t in loaded.traces if t.source}
    ):
        if country:
            panel = observe(loaded.traces, Gazetteer(table, country), table, Policy(), 1.79e9)
            assert not {"implausible", "faster_than_light"} & set(panel.rejected)
            kept += len(panel.observations)
            signs += panel.signs.total()
    assert kept > 400
    assert signs < kept / 50


@pytest.mark.parametrize(
    ("rtts", "signs"),
    [
        ((None, None), ()),
        ((1.0, None), ()),
        ((0.0, 60.0), ()),
        ((1.0, 50.0), ()),
        ((1.0, 49.9), ("faster_than_light",)),
        ((-0.1, 60.0), ("faster_than_light",)),
    ],
)
def test_what_is_not_told_and_what_is_just_possible_are_no_signs(
    rtts: tuple[float | None, ...], signs: tuple[str, ...]
) -> None:
    """To a destination that light needs 50 ms for, there and back."""
    assert signs_of_times(rtts, 50.0, Policy(), arrived=True) == signs
