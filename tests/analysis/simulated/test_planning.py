"""What follows from the rule and from error rates for recruiting: how many, and whom next."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.grading.verdict import grade
from analysis.policy import Policy
from analysis.shares.intervals import captured_bounds
from analysis.simulated.error_rates import Cell, Rate, Row, least_captured
from analysis.simulated.planning import Needs, invitees, least_for_name, least_for_single, needs
from tests.analysis.grading.test_verdict import figures


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

    def needed(rows: list[Row], weights: dict[str, float] = weights) -> Needs:
        return needs(weights, rows, Policy())

    assert needed(rows).reliable == 15
    assert needed([*rows, row_of(16, 0.6, 9, at_most=True)]).reliable == 20
    assert needed([]).reliable is None
    assert needed(rows).national == 2
    assert needs(weights, rows, Policy(), measured={"C"}).national == 2
    assert needed(rows).possible == 5
    assert needed(rows).single == 7
    small = {f"Net {i}": 1.0 for i in range(100)}
    assert needed(rows, small).single == 10  # a tenth of the users, as `single_covered` asks
    assert needed(rows, small).national == 70


@given(st.integers(0, 90), st.sampled_from([0.9, 0.95, 0.99]), st.integers(0, 20))
def test_the_least_for_a_single_gateway_is_the_first_that_can_have_one(
    percent: int, confidence: float, organisations: int
) -> None:
    """With one fewer not even all of them suffice."""
    single = percent / 100 + 0.003  # no bound is just so
    policy = Policy(single=single, confidence=confidence, organisations=organisations)
    least = least_for_single(policy)
    assert least is not None
    assert least_captured(least, policy) is not None
    assert least == 1 or least_captured(least - 1, policy) is None


@pytest.mark.parametrize(
    ("policy", "named", "single"),
    [
        (Policy(), 5, 7),
        (Policy(organisations=20), 20, 20),
        (Policy(concentrated_lower=0.65, concentrated=0.65), 7, 7),
        (Policy(organisations=1, concentrated_lower=0.0), 2, 7),
        (Policy(organisations=1, key_organisations=9), 9, 9),
        (Policy(concentrated_lower=1.0, concentrated=1.0, single=1.0), None, None),
    ],
)
def test_how_many_a_name_needs_follows_the_rule(
    policy: Policy, named: int | None, single: int | None
) -> None:
    """With all of them captured: the bound, and the organisations that must say so."""
    assert least_for_name(policy) == named
    found = needs({"A": 1.0}, [], policy)
    assert (found.named, found.single) == (named, single)


@given(st.integers(0, 90), st.sampled_from([0.9, 0.95, 0.99]), st.integers(0, 20))
def test_the_least_for_a_name_is_the_first_that_the_rule_names(
    percent: int, confidence: float, organisations: int
) -> None:
    """As the rule has it where all are captured, and with one fewer not."""
    lower = percent / 100 + 0.003  # no bound is just so
    policy = Policy(
        concentrated_lower=lower, concentrated=lower, diverse_upper=0.0, single=0.95,
        confidence=confidence, organisations=organisations,
    )  # fmt: skip

    def named(n: int) -> bool:
        lower, upper = captured_bounds(n, n, confidence)
        said, _ = grade(figures(n, n, lower=lower, upper=upper), policy)
        return said in {"concentrated", "single_gateway"}

    least = least_for_name(policy)
    assert least is not None
    assert named(least)
    assert not named(least - 1)
