"""Whoever is named by networks that show no router of their own may be the line measured by."""

from __future__ import annotations

from itertools import product

import pytest

from analysis.judgement.judge import Judgement
from analysis.words.translation import Words
from tests.analysis.country import Country

TOLD = "or the table may give it their addresses: look whose the lines are."


def told(verdict: Judgement, name: str = "Gate") -> list[str]:
    """What the limits of a verdict that names this one say of networks that do not show."""
    assert verdict.gateway is not None
    assert verdict.gateway["name"] == name
    return [limit for limit in verdict.fields["limits"] if limit.endswith(TOLD)]


@pytest.mark.parametrize(("behind", "tells"), [(10, True), (5, True), (4, False), (0, False)])
def test_networks_that_show_nothing_before_whoever_is_named(behind: int, *, tells: bool) -> None:
    """As behind a VPN in a router whose owner names his network himself."""
    country = Country(10)
    country.everyone("lan gate {up}", members=range(1, behind + 1))
    country.everyone("lan own gate {up}", members=range(behind + 1, 11))
    expected = (
        f"No router of their own is seen on any way of {behind} of the 10 organisations that are "
        f"counted as passing Gate, and it is the first to show there: they may be measured over a "
        f"line of Gate, such as a VPN, {TOLD}"
    )
    said = told(country.judge())
    assert said == [expected] * tells
    assert all(Words("km").sentence(one).language == "km" for one in said)


def test_own_routers_that_answer_now_and_then_are_seen() -> None:
    """On the ways at home as well as abroad: who has them is there."""
    country = Country(10)
    country.everyone("lan * gate {up}")
    for i in range(1, 7):
        country.trace(i, "20.0.7.200", "lan own gate net7")
    assert told(country.judge()) == []


def test_somebody_else_shows_before_whoever_is_named() -> None:
    """A provider between: what is measured over is a line of that one."""
    country = Country(14)
    for i in range(1, 11):
        country.everyone(f"lan net{11 + i % 4} gate {{up}}", members=[i])
    assert told(country.judge()) == []


def test_private_blocks_behind_silent_networks_are_told_as_well() -> None:
    """Whether they are the own network's nobody knows."""
    country = Country(10)
    country.everyone("lan 10.20.1.1 30.0.6.99 {up}")
    assert len(told(country.judge(), "10.20.1.0/24")) == 1


def test_the_private_ends_of_tunnels_are_nobody() -> None:
    """Each volunteer's end is numbered by another block, and stands before the operator's line."""
    country = Country(10)
    country.everyone("lan 10.66.{i}.2 gate {up}")
    assert len(told(country.judge())) == 1


def test_who_is_not_counted_as_passing_is_not_counted_as_silent() -> None:
    """Two of the seven that pass Gate show nothing; three more do, and go elsewhere, too."""
    country = Country(10)
    country.everyone("lan own gate {up}", members=range(1, 6))
    country.everyone("lan * gate {up}", members=[6, 7])
    for i, (n, destination) in product((8, 9, 10), enumerate(country.destinations())):
        country.trace(i, destination, f"lan * gate far{i}" if n < 3 else f"lan * far{i + 4}")
    assert told(country.judge()) == []


@pytest.mark.parametrize(("first", "of", "tells"), [(18, 35, True), (18, 36, False)])
def test_it_is_the_first_to_show_on_more_than_half(first: int, of: int, *, tells: bool) -> None:
    """A provider that answers before it as often is the line that they are measured over."""
    country = Country(14)
    for i, n in product(range(1, 11), range(of)):
        before = "*" if n < first else f"net{11 + i % 4}"
        words = f"lan {before} gate far{6 + i % 9}"
        country.trace(i, country.destinations()[n % 5], words, day=n // 5)
    assert bool(told(country.judge())) is tells


def test_a_home_router_with_the_numbers_of_a_private_gateway_is_none() -> None:
    """Homes may be numbered as the gateway is; the provider behind them is the first to show."""
    country = Country(14)
    for i in range(1, 11):
        country.everyone(f"10.20.1.1 net{11 + i % 4} 10.20.1.9 30.0.6.99 {{up}}", members=[i])
    assert told(country.judge(), "10.20.1.0/24") == []
