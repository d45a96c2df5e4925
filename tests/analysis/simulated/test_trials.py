"""Simulated countries, tried whole: what is true is found, and hardly ever anything else said."""

from __future__ import annotations

from itertools import pairwise

import pytest

from analysis.policy import Policy
from analysis.simulated.error_rates import TRIED, Cell, least_captured
from analysis.simulated.trials import draw, draws, judge_drawn, redraw

DIVERSE = Cell("diverse", 20)
CAPTURED = Cell("captured", 15, 0.97, at_most=False)
PARTLY = Cell("captured", 12, 0.6)


@pytest.mark.parametrize("cell", [DIVERSE, PARTLY], ids=lambda cell: cell.name)
def test_no_country_without_a_single_gateway_is_given_one(cell: Cell) -> None:
    """Whole pipeline from traces to grade, all faults on; whoever shows 97% by luck is left out."""
    for outcome in draws(cell, range(12)):
        least = least_captured(outcome.networks)
        if least is None or outcome.captured < least - 1:
            assert not outcome.said, outcome


def test_most_captured_countries_are_found_and_nobody_else_is_named() -> None:
    """15 networks, nearly all behind the gateway: at least three in four are found."""
    outcomes = list(draws(CAPTURED, range(16)))
    assert sum(outcome.said for outcome in outcomes) >= 12
    assert not any(outcome.wrong_name for outcome in outcomes)
    assert not any(outcome.grade == "diverse" for outcome in outcomes)


def test_without_reading_links_fewer_are_found() -> None:
    """What wins the power back is the attribution: without it the same draws lose half."""
    plain = Policy(resamples=2, link_organisations=99, pair_shown=1.0)
    outcomes = list(draws(CAPTURED, range(10), policy=plain))
    assert sum(outcome.said for outcome in outcomes) <= 5


def test_a_switch_is_found_and_a_quiet_time_is_quiet() -> None:
    """The alarm with its onset near the truth; and none without a switch."""
    switched = draw(Cell("switched", 10), 1)
    assert switched.said
    assert switched.onset_days is not None
    assert abs(switched.onset_days) <= 35
    assert not draw(Cell("quiet", 6), 1).said


def test_a_provider_that_was_cut_off_and_is_back_was_not_switched_on() -> None:
    """Who left over the rival for weeks is back; while the cut lasts, the rival is an alarm."""
    cell = Cell("cut", 12, 0.7)
    assert [draw(cell, number).said for number in (1, 2)] == [False, False]
    simulated = redraw(cell, 1)
    during = {one.day for one in simulated.departures if one.operator == "Transit 1"}
    gap = max(b - a for a, b in pairwise(sorted(during)))
    (back,) = (b for a, b in pairwise(sorted(during)) if b - a == gap)
    alarm = judge_drawn(simulated, TRIED, back).fields["timeline"]
    assert (gap.days > 7, alarm["gateway"]["name"]) == (True, "Transit 2")


def test_how_many_processes_share_the_work_changes_nothing() -> None:
    """Each draw has a seed of its own."""
    cell = Cell("captured", 6, 0.97)
    assert list(draws(cell, range(4))) == list(draws(cell, range(4), processes=2))


def test_in_a_market_nobody_leaves_by_himself() -> None:
    """Of three equal transit providers one is before every network's way abroad."""
    simulated = redraw(Cell("market", 12, 1 / 3), 1)
    assert not simulated.behind
    fields = judge_drawn(simulated, TRIED).fields
    leading = {one["name"] for one in fields["candidates"][:3]}
    assert leading == {"Transit 1", "Transit 2", "Transit 3"}


def test_the_larger_of_two_is_told_by_the_row_of_its_market() -> None:
    """What counts there is any name, since nobody is the gateway."""
    outcome = draw(Cell("market", 20, 0.7), 0)
    assert outcome.captured == 0
    assert (outcome.grade, outcome.wrong_name) == ("concentrated", True)
