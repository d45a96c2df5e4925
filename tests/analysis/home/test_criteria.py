"""What is shown of the rule at home is the rule: a step is taken where all listed for it is met."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.grading.criteria import Criterion
from analysis.home.criteria import criteria_at_home
from analysis.home.figures import HomeFigures, Spread, Standing
from analysis.home.hub import domestic_grade
from analysis.policy import Policy
from analysis.shares.convergence import Candidate
from tests.analysis.country import Country
from tests.analysis.grading.test_verdict import made

POLICY = Policy()


@st.composite
def candidates(draw: st.DrawFn) -> Candidate:
    of = draw(st.integers(0, 20))
    return made(draw(st.one_of(st.integers(0, of), st.just(of))), of)


standings = st.builds(
    Standing,
    candidate=candidates(),
    reached=candidates(),
    reached_weighed=st.sampled_from([0.49, 0.5, 1.0]),
    covered=st.sampled_from([0.09, 0.1, 1.0]),
    weighed=st.sampled_from([0.49, 0.5, 1.0]),
    unit=st.just("users"),
    turns=st.integers(0, 3),
    meets=st.booleans(),
)
some = st.sampled_from([None, made(6, 11), made(1, 11)])
spreads = st.builds(
    Spread,
    abroad=st.sampled_from([0.0, 0.49, 0.5]),
    carrier=some,
    unmapped=some,
    apart=some,
    effective=st.sampled_from([2.9, 3.0, 5.0]),
)


def met(found: list[Criterion], *steps: str) -> bool:
    listed = [one.met for one in found if one.step in steps]
    return bool(listed) and all(listed)


@given(
    st.builds(
        HomeFigures,
        organisations=st.integers(0, 20),
        resolved=st.sampled_from([0.59, 0.6, 1.0]),
        silent=st.sampled_from([0, 1, 5]),
        spread=spreads,
        standing=st.none() | standings,
    )
)
def test_each_grade_is_given_where_its_steps_are_taken(figures: HomeFigures) -> None:
    """Whatever was measured; what is in between is mixed."""
    found = criteria_at_home(figures, POLICY)
    if not met(found, "said"):
        expected = "insufficient"
    elif met(found, "named"):
        expected = "single_hub" if met(found, "single") else "concentrated"
    else:
        expected = "diverse" if met(found, "diverse") else "mixed"
    assert domestic_grade(figures, POLICY)[0] == expected


@pytest.mark.parametrize(
    ("captured", "turns", "met"),
    [(6, 0, True), (10, 0, True), (10, 1, True), (10, 2, False), (6, 1, False)],
)
def test_turns_are_held_against_a_hub_only_where_somebody_takes_them(
    captured: int, turns: int, met: bool
) -> None:
    """As abroad: where nobody does, that too few pass it is a matter of the share alone."""
    standing = Standing(
        made(captured, 11),
        reached=made(10, 11),
        reached_weighed=1.0,
        covered=1.0,
        weighed=1.0,
        unit="users",
        turns=turns,
        meets=False,
    )
    listed = criteria_at_home(
        HomeFigures(
            11, 1.0, silent=0, spread=Spread(0.0, None, None, None, 5.0), standing=standing
        ),
        POLICY,
    )
    assert [one.met for one in listed if one.key == "always"] == [met]


def test_the_verdict_tells_what_an_exchange_lacks_to_be_a_hub() -> None:
    """All meet there, and that is the one thing which is not met."""
    country = Country(8)
    for i, j in permutations(range(1, 9), 2):
        country.trace(i, f"20.0.{j}.200", "lan own homeix")
    listed = country.judge().fields["domestic"]["criteria"]
    steps = {"said", "named", "single"}
    unmet = {one["key"] for one in listed if one["step"] in steps and not one["met"]}
    assert unmet == {"meeting_place"}
    assert len({one["key"] for one in listed}) == len(listed)


def test_of_nothing_measured_at_home_nothing_is_met() -> None:
    """Nor is a hub asked for where there is no candidate."""
    listed = Country(3).judge().fields["domestic"]["criteria"]
    assert listed
    assert not any(one["met"] for one in listed)
    assert {one["step"] for one in listed} == {"said", "diverse"}
