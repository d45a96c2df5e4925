"""Error rates on countries of which the truth is known, and what follows for recruiting."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.intervals import captured_bounds
from analysis.planning import (
    CELLS,
    TRIED,
    Cell,
    Outcome,
    Rate,
    Row,
    as_json,
    count,
    draw,
    draws,
    from_json,
    invitees,
    judge_drawn,
    least_captured,
    limit,
    needs,
    redraw,
)
from analysis.policy import Policy

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


def test_how_many_processes_share_the_work_changes_nothing() -> None:
    """Each draw has a seed of its own."""
    cell = Cell("captured", 6, 0.97)
    assert list(draws(cell, range(4))) == list(draws(cell, range(4), processes=2))


def test_the_cells_are_those_of_the_table() -> None:
    """Eighteen rows, each with a name of its own."""
    assert len(CELLS) == 18
    assert len({cell.name for cell in CELLS}) == 18
    assert [cell.name for cell in CELLS[4:8:3]] == ["market-33-20", "captured-60-20"]


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


# ------------------------------------------------------------------------ whom to ask


@given(
    st.dictionaries(st.text("abcdefgh", min_size=1), st.integers(1, 10**6), min_size=1, max_size=9),
    st.data(),
)
def test_the_next_to_ask_narrows_the_bounds_most(
    weights: dict[str, int], data: st.DataObject
) -> None:
    """Coverage grows with each, by less and less among those to ask, up to all."""
    measured = data.draw(st.sets(st.sampled_from(sorted(weights))))
    asked = invitees(weights, measured)
    assert [one.measured for one in asked] == sorted((o.measured for o in asked), reverse=True)
    steps = [one.share for one in asked if not one.measured]
    assert steps == sorted(steps, reverse=True)
    assert asked[-1].coverage == pytest.approx(1.0)


def row_of(networks: int, share: float, hits: int, *, at_most: bool) -> Row:
    cell = Cell("captured", networks, share, at_most=at_most)
    return Row(cell, Rate(hits, 100), Rate(0, 0), Rate(0, 100), Rate(0, 0), None)


def test_what_is_reliable_is_read_from_the_error_rates() -> None:
    """Found in nine of ten, and no other country accused more often than one in twenty."""
    rows = [
        row_of(10, 0.97, 70, at_most=False),
        row_of(15, 0.97, 92, at_most=False),
        row_of(20, 0.97, 98, at_most=False),
        row_of(15, 0.6, 1, at_most=True),
    ]
    weights = {"A": 60.0, "B": 30.0, "C": 10.0}
    assert needs(weights, rows).reliable == 15
    assert needs(weights, [*rows, row_of(16, 0.6, 9, at_most=True)]).reliable == 20
    assert needs(weights, []).reliable is None
    assert needs(weights, rows).national == 2
    assert needs(weights, rows, measured={"C"}).national == 2
    assert needs(weights, rows).possible == 5
    assert needs(weights, rows).single == 7
    small = {f"Net {i}": 1.0 for i in range(100)}
    assert needs(small, rows).single == 10  # a tenth of the users, as `single_covered` asks
    assert needs(small, rows).national == 70
