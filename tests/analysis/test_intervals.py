"""Intervals of figures when organisations are drawn anew."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.convergence import resampled_interval
from analysis.intervals import effective, resampled
from analysis.operators import Node
from analysis.policy import Policy


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=8))
def test_of_a_mean_it_is_that_of_the_share(values: list[float]) -> None:
    """The same draws, the same percentiles as the interval of the share."""
    policy = Policy(resamples=100)
    assert resampled(values, mean, policy) == resampled_interval(values, policy)


def test_the_percentiles_of_all_draws() -> None:
    """Of two organisations, 0 and 1, there are four draws: a quarter 0, a half 0.5, a quarter 1.

    Cutting off 30% at each end leaves the middle alone, cutting off 20% nothing of it.
    """
    draws = sorted(mean(draw) for draw in itertools.product([0.0, 1.0], repeat=2))
    assert draws == [0.0, 0.5, 0.5, 1.0]
    assert resampled([0.0, 1.0], mean, Policy(confidence=0.7)) == (0.5, 0.5)
    assert resampled([0.0, 1.0], mean, Policy(confidence=0.8)) == (0.0, 1.0)


def test_one_organisation_has_no_spread() -> None:
    """Nor has none."""
    assert resampled([1.0], mean, Policy()) is None
    assert resampled([], mean, Policy()) is None


def test_effective_gateways_by_hand() -> None:
    """A and B over G, C half over G and half by itself: 5/6 and 1/6, 36 / 26 in effect."""
    gate, own = Node("organisation", "G"), Node("organisation", "C")
    exits = [{gate: 1.0}, {gate: 1.0}, {gate: 0.5, own: 0.5}]
    assert effective(exits) == pytest.approx(36 / 26)
