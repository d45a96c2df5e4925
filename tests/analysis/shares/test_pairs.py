"""What one key and one destination may weigh where traces become pairs."""

from __future__ import annotations

import pytest

from tests.analysis.country import Country


@pytest.mark.parametrize(("silent", "candidates"), [(3, ["Gate"]), (4, [])])
def test_one_trace_does_not_speak_for_a_pair_that_is_silent_otherwise(
    silent: int, candidates: list[str]
) -> None:
    """One of four is a quarter, one of five is less."""
    country = Country(2)
    country.trace(1, "30.0.1.200", "lan own gate far6")
    for day in range(1, 1 + silent):
        country.trace(1, "30.0.1.200", "lan own * far7", day=day)
    assert [one["name"] for one in country.judge().fields["candidates"]] == candidates


def test_a_key_has_one_vote_a_day() -> None:
    """A hundred traces of one day are outvoted by two days of one trace each."""
    country = Country(2)
    for day in range(2):
        country.trace(1, "30.0.1.200", "lan own far6", day=day)
    for number in range(100):
        country.trace(1, "30.0.1.200", "lan own gate far6", day=2)
        country.results[-1]["paris_id"] = number
    assert country.judge().fields["candidates"] == []


def test_one_key_of_many_outweighs_nobody_with_destinations_of_its_own() -> None:
    """Where three keys measure five destinations, forty of a fourth key make no pairs."""
    country = Country(2)
    for vantage in range(3):
        for destination in country.destinations():
            country.trace(1, destination, "lan own far6", vantage=vantage)
    for number in range(40):
        country.trace(1, f"30.0.1.{number + 1}", "lan own gate far6", vantage=3)
    measured = country.judge().fields["measured"]
    assert (measured["pairs"], measured["pairs_of_few_keys"]) == (5, 40)


def test_the_days_measured_are_those_of_all_that_was_measured() -> None:
    """Traces of the ways at home alone were measured on days as well, and not on none."""
    country = Country(2)
    for day in range(3):
        country.trace(1, "20.0.2.200", "lan own", day=day)
    measured = country.judge().fields["measured"]
    assert (measured["traces"], measured["days"]) == (3, 3)


def test_of_two_carriers_on_every_pair_neither_carries_all() -> None:
    """Where the traces of each pair are shared evenly, the alphabet names no carrier of most."""
    country = Country(12)
    country.everyone("lan own far11", days=range(0, 8, 2))
    country.everyone("lan own far12", days=range(1, 8, 2))
    upstream = country.judge().fields["upstream"]
    assert 0.3 < upstream["share"]["equal"] < 0.7
    assert upstream["effective_gateways"] > 1.8
