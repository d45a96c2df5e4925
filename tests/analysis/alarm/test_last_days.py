"""Who was passed for long and is no more is told of, and who is passed of late alone."""

from __future__ import annotations

import datetime as dt
from itertools import product

import pytest

from analysis.alarm.last_days import last_of_many
from analysis.policy import Policy
from analysis.words.translation import Words
from tests.analysis.country import FIRST_DAY, Country

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


def test_who_is_measured_on_the_first_of_the_last_days_is_measured_on_them() -> None:
    """Six of ten pass it there as before, and are not measured on the six days that follow."""
    country = Country(10)
    country.everyone("lan own gate {up}", days=range(20))
    country.everyone("lan own gate {up}", days=[120], members=range(1, 7))
    country.everyone("lan own {up}", days=range(120, 127), members=range(7, 11))
    assert limits(country) == []


@pytest.mark.parametrize(("over", "of", "told"), [(2, 4, False), (2, 5, True)])
def test_who_goes_over_it_to_half_of_the_destinations_has_not_left(
    over: int, of: int, *, told: bool
) -> None:
    """Fewer are what a network that has left may have forgotten."""
    country = Country(10)
    country.everyone("lan own gate {up}", days=range(20))
    for i, day in product(range(1, 11), range(120, 127)):
        for n, destination in enumerate(country.destinations(of)):
            gate = "gate " if n < over else ""
            country.trace(i, destination, f"lan own {gate}far{6 + i % 9}", day=day)
    assert bool(limits(country)) is told


def test_who_comes_when_those_counted_have_left_is_not_one_of_these() -> None:
    """Eleven leave, and nine who were never counted go over it to three of five destinations."""
    country = Country(20)
    early, late = range(10), range(100, 107)
    country.everyone("lan own gate {up}", days=early, members=range(1, 12))
    country.everyone("lan own {up}", days=late, members=range(1, 12))
    country.everyone("lan own {up}", days=early, members=range(12, 21))
    for i, day in product(range(12, 21), late):
        for n, destination in enumerate(country.destinations()):
            gate = "gate " if n < 3 else ""
            country.trace(i, destination, f"lan own {gate}far{6 + i % 9}", day=day)
    (limit,) = limits(country)
    assert limit.startswith("On the last 7 days with data 0 of the 11 organisations")


def test_a_campaign_of_one_week() -> None:
    """All of it are the last days."""
    country = Country(10)
    country.everyone("lan own gate {up}", days=range(7))
    assert limits(country) == []


OVER = "are silent or are not measured: what the alarm is of may be over."
CUT = (
    "A cable cut, or another outage, that sends networks over a backup looks like this alarm while "
    "it lasts: it is over once 50% of those that moved are seen to have left for 7 days with data."
)


def of_the_alarm(country: Country) -> list[str]:
    """What the verdict says of how its alarm may be over."""
    verdict = country.judge()
    assert verdict.fields["timeline"]["alarm"]
    return [one for one in verdict.fields["limits"] if one == CUT or one.endswith(OVER)]


def test_a_cut_that_is_not_over_looks_like_a_switch_on() -> None:
    """Six of nine leave over a backup since a fortnight, and nobody knows how long they will."""
    country = Country(10)
    country.everyone("lan own {up}", days=range(30))
    country.everyone("lan own net10 {up}", days=range(30, 45), members=range(1, 7))
    country.everyone("lan own {up}", days=range(30, 45), members=range(7, 11))
    assert of_the_alarm(country) == [CUT]


@pytest.mark.parametrize("still", [0, 3, 4])
def test_a_cut_whose_end_other_targets_hide_is_said_to_be_over(still: int) -> None:
    """The list is replaced while it lasts: nobody is seen to leave, nor to pass it afterwards."""
    country = Country(12)
    country.everyone("lan own {up}", days=range(20))
    country.everyone("lan own net12 {up}", days=range(20, 34), members=range(1, 8))
    country.everyone("lan own {up}", days=range(20, 34), members=range(8, 13))
    for i, n, day in product(range(1, 12), range(11, 16), range(34, 64)):
        over = "net12 " if i <= still else ""
        country.trace(i, f"30.0.{n}.200", f"lan own {over}far{6 + i % 5}", day=day)
    expected = (
        f"On the last 7 days with data {still} of the 7 organisations that moved to Net 12 were "
        f"seen to pass it; the others left, {OVER}"
    )
    assert of_the_alarm(country) == [expected if still < 4 else CUT]
    said = of_the_alarm(country)
    assert all(Words("km").sentence(one).language == "km" for one in said)


def test_an_alarm_of_whom_the_grade_does_not_name_is_not_said_to_be_over() -> None:
    """They come by its addresses in twos, so that the figures count the ways without it."""
    country = Country(8)
    country.everyone("lan own {up}", days=range(20))
    for i in range(1, 9):
        site = (i + 1) // 2
        country.everyone(f"lan own 20.9.9.{site} {{up}}", days=range(20, 40), members=[i])
    verdict = country.judge()
    assert verdict.gateway is None
    assert of_the_alarm(country) == [CUT]


ALONE = "Judged by the last 7 days with data alone: "


def rolled_out(words: str, *, until: int = 11) -> Country:
    """Twelve networks, measured every fifth day, go over to these ways, one every fifteen days."""
    country = Country(12)
    for day, i in product(range(-165, 150, 5), range(1, 13)):
        moved = i <= until and day >= 15 * i - 50
        country.everyone(words if moved else "lan own {up}", days=[day], members=[i])
    return country


def test_a_slow_roll_out_that_is_through_is_not_called_diverse() -> None:
    """Of all days most networks leave by themselves; on the last ones nobody does."""
    fields = rolled_out("lan own gate {up}").judge().fields
    assert (fields["grade"], fields["gateway"]) == ("mixed", None)
    assert any(
        one.startswith(f"{ALONE}11 of 12 other organisations send") and "through Gate" in one
        for one in fields["reasons"]
    )


def test_what_forbids_diverse_on_the_last_days_forbids_it() -> None:
    """A gateway that never answers comes as slowly as another."""
    fields = rolled_out("lan own * {up}").judge().fields
    assert fields["grade"] == "mixed"
    assert any(one.startswith(f"{ALONE}") for one in fields["reasons"])


def test_last_days_on_which_few_have_moved_say_nothing() -> None:
    """Nor do last days on which too few are measured to say anything of them."""
    assert rolled_out("lan own gate {up}", until=2).judge().grade == "diverse"
    country = Country(12)
    country.everyone("lan own {up}", days=range(20))
    country.everyone("lan own gate {up}", days=range(20, 27), members=range(1, 5))
    assert country.judge().grade == "diverse"


@pytest.mark.parametrize(("days", "first"), [(14, None), (15, 8)])
def test_the_last_days_are_those_abroad_and_fewer_than_half(days: int, first: int | None) -> None:
    """Ways at home that are measured afterwards make no day on which nobody passes the border."""
    country = Country(2)
    country.everyone("lan own {up}", days=range(days))
    for day in range(days, days + 20):
        country.trace(1, "20.0.2.200", "lan own", day=day)
    expected = None if first is None else FIRST_DAY + dt.timedelta(days=first)
    assert last_of_many(country.judge().observations, Policy()) == expected
