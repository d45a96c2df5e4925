"""Traces that are alike are one observation, and can be taken apart by day again."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from functools import cache

from hypothesis import given
from hypothesis import strategies as st

from analysis.evidence.observation import Observation, by_day
from analysis.evidence.panel import observe
from analysis.owners.operators import Gazetteer
from analysis.policy import Policy
from tests.analysis.country import HOME, NOW, Country


@cache
def an_observation() -> Observation:
    country = Country(3)
    country.trace(1, "30.0.1.200", "lan own far6")
    table, traces = country.table, country.traces()
    (seen,) = observe(traces, Gazetteer(table, HOME), table, Policy(), NOW).observations
    return seen


def on(days: dict[int, int], number: int) -> Observation:
    """Traces that are alike: how many of them on each day."""
    dates = tuple(dt.date(2022, 2, 1) + dt.timedelta(day) for day in sorted(days))
    counts = tuple(count for _, count in sorted(days.items()))
    return replace(an_observation(), vantage=str(number), days=dates, counts=counts)


ALIKE = st.lists(st.dictionaries(st.integers(0, 20), st.integers(1, 9), min_size=1), max_size=6)


@given(ALIKE)
def test_each_day_has_what_was_observed_on_it(many: list[dict[int, int]]) -> None:
    """Each trace once, the days in order, and those of a day in the order given."""
    observations = [on(days, number) for number, days in enumerate(many)]
    found = list(by_day(observations))
    assert [day for day, _ in found] == sorted({day for seen in observations for day in seen.days})
    for day, there in found:
        assert [(seen.vantage, seen.days, seen.counts) for seen in there] == [
            (seen.vantage, (day,), (count,))
            for seen in observations
            for at, count in seen.daily()
            if at == day
        ]


@given(st.dictionaries(st.integers(0, 20), st.integers(1, 9), min_size=1), st.integers(0, 21))
def test_what_is_since_a_day(days: dict[int, int], first: int) -> None:
    """That day and those after it."""
    late = on(days, 0).since(dt.date(2022, 2, 1) + dt.timedelta(first))
    left = {day: count for day, count in days.items() if day >= first}
    assert late == (on(left, 0) if left else None)


def test_traces_within_days_are_those_from_the_first_and_before_the_end() -> None:
    """So two spans that follow each other count no trace twice."""
    day = dt.date(2022, 2, 1)
    seen = on({0: 1, 3: 10, 5: 100}, 0)
    assert seen.traces_within(day, day + dt.timedelta(3)) == 1
    assert seen.traces_within(day + dt.timedelta(3), day + dt.timedelta(6)) == 110
