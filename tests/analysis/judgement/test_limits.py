"""Limits that tell how little those counted as passing whoever is named have in common."""

from __future__ import annotations

from itertools import product

import pytest

from analysis.intake.load import Loaded
from analysis.judgement.judge import judge
from analysis.policy import Policy
from analysis.words.translation import Words
from probe.record import Vantage, from_json
from tests.analysis.country import HOME, NOW, Country, gated

TOLD = "Look which they are."


def told(country: Country) -> list[str]:
    """What the limits of a verdict that names Gate say of numbers that may be all there is."""
    verdict = country.judge()
    assert verdict.gateway is not None
    assert verdict.gateway["name"] == "Gate"
    return [limit for limit in verdict.fields["limits"] if limit.endswith(TOLD)]


def test_rivals_whose_carriers_answer_with_one_address_are_named_with_a_doubt() -> None:
    """The incumbent numbers their borders, and each buys from two of three carriers abroad."""
    country = Country(10)
    for i, (n, destination), day in product(
        range(1, 11), enumerate(country.destinations()), range(8)
    ):
        carrier = 7 + (i + n % 2) % 3
        country.trace(i, destination, f"lan own 20.9.9.{i} 30.0.{carrier}.250", day=day)
    said = told(country)
    assert said == [
        "10 of the 10 organisations that are counted as passing Gate show addresses of it that no "
        "other shows; what they have in common is right behind: so it is of customers that each "
        "come by a link of their own, and of rivals whose borders it numbered, if these go on over "
        f"routers that answer all with one address. {TOLD}"
    ]
    assert all(Words("km").sentence(one).language == "km" for one in said)


@pytest.mark.parametrize(
    "words",
    [
        "lan own gate {up}",
        "lan own 20.9.9.{i} 20.9.9.250 {up}",
        "lan own net11 20.9.9.111 30.0.7.250",
    ],
    ids=["one address", "a core", "over one who was not measured"],
)
def test_customers_that_show_one_address_meet_there(words: str) -> None:
    """It is one router, whoever sells what is behind it."""
    country = Country(11)
    country.everyone(words, members=range(1, 11))
    assert told(country) == []


@pytest.mark.parametrize(("alone", "tells"), [(5, True), (4, False)])
def test_half_of_those_counted_must_show_addresses_of_their_own(alone: int, *, tells: bool) -> None:
    """A few customers on links of their own are no doubt."""
    country = Country(10)
    country.everyone("lan own 20.9.9.{i} 30.0.7.250", members=range(1, alone + 1))
    country.everyone("lan own 20.9.9.99 30.0.7.250", members=range(alone + 1, 11))
    assert bool(told(country)) is tells


@pytest.mark.parametrize(("around", "tells"), [(0, True), (1, False)])
def test_who_stands_before_whoever_is_named_on_every_way_is_told(
    around: int, *, tells: bool
) -> None:
    """Nobody can say which of the two a network needs; one that goes around the other can."""
    country = Country(11)
    country.everyone("lan own net11 gate {up}", members=range(1, 11 - around))
    country.everyone("lan own gate {up}", members=range(11 - around, 11))
    verdict = country.judge()
    assert verdict.gateway is not None
    assert verdict.gateway["name"] == "Gate"
    said = [limit for limit in verdict.fields["limits"] if "paths do not tell" in limit]
    assert said == tells * [
        "All that pass Gate pass Net 11 as well: paths do not tell on which of them they depend."
    ]
    assert all(Words("km").sentence(one).language == "km" for one in said)


def test_private_numbers_are_nobodys_to_lend() -> None:
    """Of these it is asked who goes on together, and no more."""
    verdict = gated(10, "lan own 10.20.1.{i} 30.0.7.250").judge()
    assert verdict.gateway is not None
    assert not any(limit.endswith(TOLD) for limit in verdict.fields["limits"])


def test_records_beside_the_bundles_that_hold_them_are_told() -> None:
    """In both languages; of records alone nothing is said."""
    country = gated(10)
    records = [
        trace._replace(vantage=Vantage(f"v{trace.prb_id}", 100 + trace.prb_id // 1000, None, HOME))
        for trace in map(from_json, country.results)
        if trace.prb_id is not None
    ]
    bundles = [
        trace._replace(key=f"{trace.prb_id:064x}") for trace in records if trace.prb_id != 1000
    ]
    for traces, count in ((records, 0), ([*records, *bundles], 9)):
        verdict = judge(Loaded(traces=traces), country.table, HOME, Policy(), now=NOW)
        said = [limit for limit in verdict.fields["limits"] if "unsigned records" in limit]
        assert said == bool(count) * [
            "Vantage points that are told of in signed bundles and in unsigned records of the same "
            f"days: {count}. Where these hold the same traces, each counts twice, as of two "
            "volunteers; judge one form of them."
        ]
        assert all(Words("km").sentence(one).language == "km" for one in said)
