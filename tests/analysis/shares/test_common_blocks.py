"""Private blocks on most ways that are no candidate: whose share is told, and of whom."""

from __future__ import annotations

import pytest

from analysis.candidates.blocks import Blocks
from analysis.policy import Policy
from analysis.shares.common_blocks import most_alike
from tests.analysis.country import Country


def alike_country(showing: int) -> Country:
    """Ten networks; so many of them have hops of one private block, and all go on apart."""
    country = Country(10)
    for i in range(1, 11):
        block = "10.53.0.1 " if i <= showing else ""
        for k, destination in enumerate(country.destinations()):
            for day in range(8):
                country.trace(i, destination, f"lan own {block}30.0.{6 + (i + k) % 9}.{i}", day=day)
    return country


def test_the_share_is_that_of_the_organisations_that_show_it() -> None:
    """Six of ten on all of their traces."""
    verdict = alike_country(6).judge()
    observations = verdict.observations
    found = most_alike(observations, Blocks(observations), Policy())
    assert found is not None
    assert (found.node.name, found.captured, found.of) == ("10.53.0.0/24", 6, 10)


@pytest.mark.parametrize(("destinations", "captured"), [(4, 10), (3, 0)])
def test_an_organisation_shows_it_by_four_fifths_of_its_traces_abroad(
    destinations: int, captured: int
) -> None:
    """Traces at home do not count, and a block of one network alone is another matter."""
    country = Country(10)
    for i in range(1, 11):
        country.trace(i, f"20.0.{1 + i % 10}.200", "lan own")
        for k, destination in enumerate(country.destinations()):
            block = "10.53.0.1 " if k < destinations else "10.77.0.1 " if i == 1 else ""
            country.trace(i, destination, f"lan own {block}30.0.{6 + (i + k) % 9}.{i}")
    observations = country.judge().observations
    found = most_alike(observations, Blocks(observations), Policy())
    assert found is not None
    assert (found.node.name, found.captured, found.of) == ("10.53.0.0/24", captured, 10)


def test_half_forbid_diverse_and_fewer_do_not() -> None:
    """And nobody is named either way."""
    five, four = alike_country(5).judge(), alike_country(4).judge()
    assert (five.grade, four.grade) == ("mixed", "diverse")
    assert five.gateway is None
    assert any(
        "5 of 10 organisations show hops of 10.53.0.0/24" in one for one in five.fields["reasons"]
    )


def numbered(words: str, showing: int) -> Country:
    """Ten networks that each leave over carriers of their own; so many of them over these hops."""
    country = Country(10)
    country.everyone(words, members=range(1, showing + 1))
    country.everyone("lan own {up}", members=range(showing + 1, 11))
    return country


@pytest.mark.parametrize(("showing", "grade"), [(10, "mixed"), (5, "mixed"), (4, "diverse")])
def test_a_block_for_each_network_may_be_one_gateways(showing: int, grade: str) -> None:
    """Neighbouring blocks right before the border, with different carriers behind: not diverse."""
    country = numbered("lan own 10.53.{i}.1 {up}", showing)
    verdict = country.judge()
    assert (verdict.grade, verdict.gateway) == (grade, None)
    said = f"{showing} of 10 organisations show hops of 10.53.1.0/24 … 10.53.{showing}.0/24"
    assert any(said in one for one in verdict.fields["reasons"]) is (grade == "mixed")


def test_a_block_inside_a_network_is_none_of_those_at_the_borders() -> None:
    """Whose numbers are of the same /16: the verdict does not call it a part of their gateway."""
    country = Country(10)
    country.everyone("lan own 10.53.{i}.1 {up}", members=range(1, 10))
    country.everyone("lan own 10.53.99.1 10.53.3.1 45.1.1.1 {up}", members=[10])
    said = "9 of 10 organisations show hops of 10.53.1.0/24 … 10.53.9.0/24 (9 blocks)"
    assert any(said in one for one in country.judge().fields["reasons"])


def test_of_two_groups_that_as_many_show_the_same_is_told_in_any_order() -> None:
    """Half of the networks number their borders from one /16, and half from another."""
    country = Country(10)
    country.everyone("lan own 10.53.{i}.1 {up}", members=range(1, 6))
    country.everyone("lan own 10.77.{i}.1 {up}", members=range(6, 11))
    observations = country.judge().observations
    for some in (observations, observations[::-1]):
        found = most_alike(some, Blocks(some), Policy())
        assert found is not None
        assert found.node.name.startswith("10.53.1.0/24")


def in_places(where: str) -> Country:
    """Fifteen networks in five places, each place with a block and a carrier of its own."""
    country = Country(15)
    for i in range(1, 16):
        place = i % 5 + 1
        block = where.format(place=place)
        for destination in country.destinations():
            for day in range(8):
                country.trace(i, destination, f"lan own {block} 30.0.{5 + place}.99", day=day)
    return country


def test_a_block_for_each_site_may_be_one_gateways() -> None:
    """Three networks meet at each of five sites, and each of these alone is passed by few."""
    verdict = in_places("10.53.{place}.1").judge()
    assert (verdict.grade, verdict.gateway) == ("mixed", None)
    said = "15 of 15 organisations show hops of 10.53.1.0/24 … 10.53.5.0/24 (5 blocks)"
    assert any(said in one for one in verdict.fields["reasons"])


def test_blocks_of_several_owners_are_no_sites_of_one() -> None:
    """Nothing in their numbers says that they belong together."""
    assert in_places("10.{place}.53.1").judge().grade == "diverse"


@pytest.mark.parametrize(
    "words",
    [
        "lan own 10.{i}.53.1 {up}",
        "lan own 10.53.{i}.1 45.{i}.1.1 {up}",
        "lan own 192.168.{i}.1 {up}",
        "lan 10.53.{i}.1 own {up}",
    ],
    ids=["no neighbours", "not at the border", "as homes are numbered", "of the own network"],
)
def test_blocks_elsewhere_say_nothing(words: str) -> None:
    """Networks have numbers of their own, and do not number their borders from one /16."""
    assert numbered(words, 10).judge().grade == "diverse"


def test_where_all_blocks_are_candidates_or_none_there_is_nothing_to_tell() -> None:
    """A gateway of private numbers is one; and most countries have no such blocks at all."""
    gateway = Country(10)
    gateway.everyone("lan own 10.201.147.{i} 30.0.9.9")
    plain = Country(10)
    plain.everyone("lan own {up}")
    for country in (gateway, plain):
        observations = country.judge().observations
        assert most_alike(observations, Blocks(observations), Policy()) is None
