"""Intervals of figures when organisations are drawn anew."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.convergence import resampled_interval
from analysis.intervals import effective, effective_interval, resampled
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


@pytest.mark.parametrize("resamples", [1, 2, 3, 100])
def test_the_lower_bound_is_never_above_the_upper(resamples: int) -> None:
    """Also where each tail is a half."""
    policy = Policy(confidence=0.5, resamples=resamples)
    values = [number / 5 for number in range(5)]
    for low, high in (resampled(values, mean, policy), resampled_interval(values, policy)):  # type: ignore[misc]
        assert low <= high


def test_one_organisation_has_no_spread() -> None:
    """Nor has none."""
    assert resampled([1.0], mean, Policy()) is None
    assert resampled([], mean, Policy()) is None


def test_effective_gateways_by_hand() -> None:
    """A and B over G, C half over G and half by itself: 5/6 and 1/6, 36 / 26 in effect."""
    gate, own = Node("organisation", "G"), Node("organisation", "C")
    exits = [{gate: 1.0}, {gate: 1.0}, {gate: 0.5, own: 0.5}]
    assert effective(exits) == pytest.approx(36 / 26)


@given(
    st.lists(
        st.dictionaries(st.sampled_from("GHIJK"), st.floats(0.01, 1), min_size=1, max_size=3),
        min_size=2,
        max_size=12,
    )
)
def test_the_interval_of_effective_gateways_holds_the_figure(parts: list[dict[str, float]]) -> None:
    """Whatever ways organisations take, the figure lies within, and the ends are possible."""
    exits = [
        {Node("organisation", name): part / sum(one.values()) for name, part in one.items()}
        for one in parts
    ]
    found = effective_interval(exits, Policy(resamples=100))
    assert found is not None
    low, high = found
    assert 1.0 <= low <= effective(exits) * (1 + 1e-9)
    assert effective(exits) <= high * (1 + 1e-9)
    assert high <= len({node for one in exits for node in one})


def test_one_organisation_has_no_interval_of_effective_gateways() -> None:
    """Nor has none."""
    assert effective_interval([{Node("organisation", "G"): 1.0}], Policy()) is None
