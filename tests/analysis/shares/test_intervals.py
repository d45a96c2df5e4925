"""Bounds of what was counted, and intervals of figures when organisations are drawn anew."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.owners.operators import Node
from analysis.policy import Policy
from analysis.shares.convergence import divided
from analysis.shares.intervals import (
    captured_bounds,
    coverage_bounds,
    effective,
    effective_gateways,
    effective_interval,
    percentiles,
    resampled,
    resampled_interval,
)


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


@pytest.mark.parametrize("nodes", [1, 2, 3, 7, 10])
@pytest.mark.parametrize("destinations", [1, 4, 6, 15])
def test_equally_used_gateways_are_as_many_as_they_are(nodes: int, destinations: int) -> None:
    """Three are 3.0, at which "diverse" is decided, and not a hair less; one is never below 1."""
    all_of_them = [Node("organisation", f"G{n}") for n in range(nodes)]
    for organisations in range(nodes, 5 * nodes, nodes):
        chosen = {
            f"Net {i}": [all_of_them[(i + j) % nodes] for j in range(destinations)]
            for i in range(organisations)
        }
        assert effective_gateways(divided(chosen).values()) == nodes


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


@pytest.mark.xdist_group("scipy-stats")
@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
@pytest.mark.parametrize(("k", "n"), [(0, 1), (1, 1), (0, 7), (3, 7), (7, 7), (5, 12), (29, 30)])
def test_bounds_are_those_of_an_exact_binomial_test(k: int, n: int, confidence: float) -> None:
    """One-sided Clopper–Pearson bounds, as scipy's exact interval of twice the tail has them."""
    from scipy.stats import binomtest

    lower, upper = captured_bounds(k, n, confidence)
    exact = binomtest(k, n).proportion_ci(2 * confidence - 1, method="exact")
    assert lower == pytest.approx(exact.low, abs=1e-9)
    assert upper == pytest.approx(exact.high, abs=1e-9)


@pytest.mark.parametrize(("k", "n"), [(1, 5), (4, 5), (6, 9), (9, 9), (2, 20)])
def test_bounds_solve_the_binomial_sum(k: int, n: int) -> None:
    """At the lower bound, seeing k or more has a chance of 5%; at the upper, k or fewer has."""
    lower, upper = captured_bounds(k, n, 0.95)

    def chance(p: float, counts: range) -> float:
        return sum(math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in counts)

    assert chance(lower, range(k, n + 1)) == pytest.approx(0.05)
    if k < n:
        assert chance(upper, range(k + 1)) == pytest.approx(0.05)


def test_bounds_of_nothing_say_nothing() -> None:
    """No organisation, no knowledge."""
    assert captured_bounds(0, 0, 0.95) == (0.0, 1.0)


@settings(max_examples=150)
@given(st.integers(1, 60), st.data())
def test_bounds_enclose_the_share_and_grow_with_it(n: int, data: st.DataObject) -> None:
    """lower ≤ k/n ≤ upper, and one more captured organisation never lowers a bound."""
    k = data.draw(st.integers(0, n - 1))
    lower, upper = captured_bounds(k, n, 0.95)
    more = captured_bounds(k + 1, n, 0.95)
    assert 0 <= lower <= k / n <= upper <= 1
    assert more[0] > lower
    assert more[1] >= upper


@pytest.mark.parametrize(
    ("share", "coverage", "bounds"),
    [
        (1.0, 1.0, (1.0, 1.0)),
        (1.0, 0.3, (0.3, 1.0)),
        (0.0, 0.3, (0.0, 0.7)),
        (0.5, 0.0, (0.0, 1.0)),
    ],
)
def test_what_was_not_measured_widens_the_national_share(
    share: float, coverage: float, bounds: tuple[float, float]
) -> None:
    """Of a coverage c and a share S: [c·S, c·S + 1 − c]."""
    assert coverage_bounds(share, coverage) == pytest.approx(bounds)


@pytest.mark.parametrize(
    ("shares", "gateways"),
    [([1.0], 1.0), ([0.25] * 4, 4.0), ([0.5, 0.25, 0.25], 1 / 0.375), ([], 0.0)],
)
def test_effective_gateways(shares: list[float], gateways: float) -> None:
    """The inverse of the sum of squared shares."""
    assert effective_gateways(shares) == pytest.approx(gateways)


@settings(max_examples=100)
@given(st.lists(st.floats(0.01, 1), min_size=1, max_size=12))
def test_effective_gateways_lie_between_one_and_their_number(weights: list[float]) -> None:
    """Never fewer than one gateway, never more than there are."""
    shares = [w / sum(weights) for w in weights]
    assert 1 - 1e-9 <= effective_gateways(shares) <= len(shares) + 1e-9


def test_resampling_is_repeatable_and_knows_the_extremes() -> None:
    """Same seed, same interval; without spread there is no width; one value bounds nothing."""
    values = [0.0, 0.2, 0.9, 1.0, 1.0, 1.0]
    assert resampled_interval(values, Policy()) == resampled_interval(values, Policy())
    low, high = resampled_interval(values, Policy())
    assert 0 < low < sum(values) / len(values) < high < 1
    assert resampled_interval([0.0] * 9, Policy()) == (0.0, 0.0)
    assert resampled_interval([1.0], Policy()) == (0.0, 1.0)
    assert resampled_interval([], Policy()) == (0.0, 1.0)


def test_bounds_never_cross_however_little_is_asked() -> None:
    """Three quarters cut off at each end leave the middle one of three."""
    assert percentiles([1.0, 2.0, 3.0], Policy(confidence=0.25)) == (2.0, 2.0)
    assert percentiles([1.0, 2.0], Policy(confidence=0.25)) == (1.0, 2.0)
