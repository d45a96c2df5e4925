"""Who is passed by one protocol and not by another is told of."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from analysis.words.translation import Words
from tests.analysis.country import Country


def measure(country: Country, proto: str, words: str, members: Iterable[int]) -> None:
    for i in members:
        for destination in country.destinations():
            for day in range(8):
                hops = words.format(up=f"far{6 + i % 9}")
                country.trace(i, destination, hops, day=day, proto=proto)


def limits(country: Country) -> list[str]:
    """What the verdict says of protocols; it names Gate."""
    verdict = country.judge()
    assert verdict.gateway is not None
    assert verdict.gateway["name"] == "Gate"
    return [limit for limit in verdict.fields["limits"] if "go around it" in limit]


@pytest.mark.parametrize(
    ("around", "over", "told"),
    [(10, 0, "10 of the 10"), (5, 5, "5 of the 10"), (4, 6, ""), (3, 0, "3 of the 3"), (0, 5, "")],
)
def test_a_protocol_that_goes_around_whoever_is_named(around: int, over: int, told: str) -> None:
    """ICMP and UDP go over Gate; of those that measure by TCP as well, half or more go past it."""
    country = Country(10)
    measure(country, "ICMP", "lan own gate {up}", range(1, 11))
    measure(country, "UDP", "lan own gate {up}", range(1, 11))
    measure(country, "TCP", "lan own {up}", range(1, around + 1))
    measure(country, "TCP", "lan own gate {up}", range(around + 1, around + over + 1))
    found = limits(country)
    expected = (
        f"By TCP {told} organisations that are counted as passing Gate and measured by it do not "
        "pass Gate to most of their destinations: what is sent so may go around it, so judge each "
        "protocol by itself."
    )
    assert found == ([expected] if told else [])
    for sentence in found:
        assert Words("km").sentence(sentence).language == "km"


def test_a_way_that_is_not_known_goes_around_nobody() -> None:
    """By TCP the hops before the border are silent."""
    country = Country(10)
    measure(country, "ICMP", "lan own gate {up}", range(1, 11))
    measure(country, "UDP", "lan own gate {up}", range(1, 11))
    measure(country, "TCP", "lan own * * {up}", range(1, 11))
    assert limits(country) == []
