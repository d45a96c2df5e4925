"""The table of error rates: what is counted, what could be known, and how it is kept."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.policy import Policy
from analysis.shares.intervals import captured_bounds
from analysis.simulated.error_rates import (
    CELLS,
    Cell,
    Outcome,
    Rate,
    Row,
    as_json,
    count,
    from_json,
    least_captured,
    limit,
)


def test_the_cells_are_those_of_the_table() -> None:
    """Twenty rows, each with a name of its own."""
    assert len(CELLS) == 20
    assert len({cell.name for cell in CELLS}) == 20
    assert [cell.name for cell in CELLS[4:8:3]] == ["market-33-20", "captured-60-20"]


@given(st.integers(1, 60))
def test_the_least_number_is_the_first_that_suffices(of: int) -> None:
    """One fewer has a lower bound below what "single gateway" demands."""
    policy = Policy()
    least = least_captured(of)
    if least is None:
        assert captured_bounds(of, of, 0.95)[0] < policy.single or of < policy.organisations
    else:
        assert captured_bounds(least, of, 0.95)[0] >= policy.single
        one_less = captured_bounds(least - 1, of, 0.95)[0]
        assert one_less < policy.single or least - 1 < policy.single_share * of
        assert least >= policy.single_share * of


@given(st.integers(1, 40), st.floats(0.01, 0.99))
def test_the_limit_is_the_binomial_sum(of: int, share: float) -> None:
    """Redone by adding the probabilities one by one."""
    least = least_captured(of)
    expected = 0.0
    if least is not None:
        expected = sum(
            math.comb(of, k) * share**k * (1 - share) ** (of - k) for k in range(least, of + 1)
        )
    assert limit(of, share) == pytest.approx(expected, abs=1e-9)


def test_outcomes_are_counted() -> None:
    """Three draws by hand: two said so, one of the two with just the share captured."""
    cell = Cell("captured", 10, 0.6)
    row = count(
        cell,
        [
            Outcome(10, 6, True, "single_gateway", False),
            Outcome(10, 10, True, "single_gateway", False),
            Outcome(10, 6, False, "concentrated", True),
        ],
    )
    assert row.said == Rate(2, 3)
    assert row.exactly == Rate(1, 2)
    assert row.wrong_name == Rate(1, 3)
    assert row.in_time.rate is None
    low, high = row.said.bounds
    assert low < 2 / 3 < high


@given(st.sampled_from(CELLS), st.integers(0, 9), st.none() | st.floats(-5, 40))
def test_rows_survive_a_file(cell: Cell, hits: int, onset: float | None) -> None:
    """What is kept is what was counted."""
    row = Row(cell, Rate(hits, 9), Rate(0, 0), Rate(1, 9), Rate(2, 9), onset)
    assert from_json(as_json(row)) == row
