"""Whoever is named and answers from as far away as abroad is may stand there."""

from __future__ import annotations

import pytest

from analysis.policy import Policy
from analysis.words.translation import Words
from probe.record import Attribution
from tests.analysis.country import HOME, Country, gated

TOLD = "Look where its routers are."


def told(country: Country, policy: Policy | None = None) -> list[str]:
    """What the limits of a verdict that names somebody say of how far away that one is."""
    verdict = country.judge(policy)
    assert verdict.gateway is not None
    return [limit for limit in verdict.fields["limits"] if limit.endswith(TOLD)]


@pytest.mark.parametrize(("far", "tells"), [(10, True), (5, True), (4, False), (0, False)])
def test_whoever_is_named_answers_from_far_away(far: int, *, tells: bool) -> None:
    """As a carrier of the country does from which all buy in one city abroad."""
    country = Country(10)
    country.everyone("lan own@1 gate@11 {up}", members=range(1, far + 1))
    country.everyone("lan own@1 gate@10.9 {up}", members=range(far + 1, 11))
    expected = (
        f"To {far} of the 10 organisations that are counted as passing Gate it answers 10 ms or "
        "more later than their own routers do, and so does all behind it: it may stand abroad, "
        f"where networks of many countries meet, or more than 1000 km away at home. {TOLD}"
    )
    said = told(country)
    assert said == [expected] * tells
    assert all(Words("km").sentence(one).language == "km" for one in said)


def test_a_private_block_of_a_carrier_abroad_is_told_as_well() -> None:
    """As where all buy from one satellite, whose operator numbers their ends."""
    assert len(told(gated(10, "lan own@1 10.44.{i}.1@600 30.0.7.250@601 {up}@601"))) == 1


def test_a_router_of_a_carrier_that_the_table_gives_to_a_network_at_home() -> None:
    """A hijack, or a block that was sold: it stands right behind everybody."""
    country = Country(10)
    country.table.add("30.77.0.0/24", Attribution(112, "SOLD", "Sold", HOME))
    country.everyone("lan own@1 30.77.0.1@45 {up}")
    assert len(told(country)) == 1


@pytest.mark.parametrize(
    "words",
    [
        "lan own@1 gate@40 30.0.6.99@9 {up}",
        "lan own@40 gate@41 {up}",
        "lan own@- gate@40 {up}",
        "lan own@1 gate@- {up}",
        "lan * gate@40 {up}",
        "lan@1 10.20.{i}.1@1 own@40 gate@41 {up}",
    ],
    ids=["slow", "slow line", "untimed own", "untimed", "silent own", "radio within"],
)
def test_who_answers_slowly_or_without_rtts_is_not_far_away(words: str) -> None:
    """What lies behind a slow router answers sooner; a slow line at home is before all."""
    assert told(gated(10, words)) == []


def test_the_steps_are_those_of_the_policy() -> None:
    """In a large country abroad begins farther away."""
    far = gated(10, "lan own@1 gate@30 {up}")
    assert len(told(far)) == 1
    assert told(far, Policy(abroad_step_ms=40)) == []
