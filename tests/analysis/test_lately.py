"""Whoever was passed for long and is passed no more is told of, where he is named all the same."""

from __future__ import annotations

import pytest

from tests.analysis.country import Country

LEFT = "left, are silent or are not measured: judge these days apart."


def limits(country: Country) -> list[str]:
    """What the verdict says of those that are passed no more; it names Gate."""
    verdict = country.judge()
    assert verdict.gateway is not None
    assert verdict.gateway["name"] == "Gate"
    return [limit for limit in verdict.fields["limits"] if limit.endswith(LEFT)]


@pytest.mark.parametrize(("stayed", "told"), [(0, True), (5, True), (6, False), (10, False)])
def test_a_first_campaign_that_outweighs_the_second(stayed: int, *, told: bool) -> None:
    """Twenty days over Gate, and months later a week on which half have left it."""
    country = Country(10)
    country.everyone("lan own gate {up}", days=range(20))
    later = range(120, 127)
    if stayed:
        country.everyone("lan own gate {up}", days=later, members=range(1, stayed + 1))
    country.everyone("lan own {up}", days=later, members=range(stayed + 1, 11))
    expected = (
        f"On the last 7 days with data {stayed} of the 10 organisations that are counted as "
        f"passing Gate were seen to pass it; the others {LEFT}"
    )
    assert limits(country) == [expected] * told


def test_others_take_part_in_the_second_campaign() -> None:
    """Nobody whom the verdict counts was measured in it."""
    country = Country(14)
    country.everyone("lan own gate {up}", days=range(10), members=range(1, 11))
    country.everyone("lan own {up}", days=range(100, 110), members=range(11, 15))
    assert len(limits(country)) == 1


def test_a_campaign_of_one_week() -> None:
    """All of it are the last days."""
    country = Country(10)
    country.everyone("lan own gate {up}", days=range(7))
    assert limits(country) == []
