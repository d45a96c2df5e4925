"""What is shown of the rule is the rule: a step is taken where all listed for it is met."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.grading.criteria import Criterion, criteria
from analysis.grading.figures import Figures
from analysis.grading.scope import scope
from analysis.grading.verdict import grade
from analysis.grading.witness import Says, Statement
from analysis.library.exhibits import CRITERIA
from analysis.owners.operators import Node
from analysis.policy import Policy
from analysis.shares.intervals import captured_bounds
from tests.analysis.country import Country
from tests.analysis.grading.test_verdict import figures, made

POLICY = Policy()


def met(found: list[Criterion], *steps: str) -> bool:
    return all(one.met for one in found if one.step in steps)


@st.composite
def any_figures(draw: st.DrawFn) -> Figures:
    """Figures on both sides of every threshold, and at it."""

    def near(*values: float) -> float:
        return draw(st.sampled_from(values))

    of = draw(st.integers(0, 20))
    captured = draw(st.one_of(st.integers(0, of), st.just(of)))
    meeting = made(6, 11, Node("exchange", "IX"))
    reached = draw(st.one_of(st.integers(0, of), st.just(of)))
    changes: dict[str, Any] = {
        "elsewhere": (draw(st.one_of(st.integers(0, reached), st.just(reached))), reached),
        "mostly": draw(st.one_of(st.integers(0, captured), st.just(captured))),
        "gone": near(0, 1, of),
        "silent": near(0, 1, of),
        "by_turns": draw(st.integers(0, captured)),
        "alone": draw(st.integers(0, captured)),
        "keys": near(2, 3, 4),
        "rivals": draw(st.integers(0, 4)),
        "covered": near(0.09, 0.1, 1.0),
        "weighed": near(0.49, 0.5, 1.0),
        "unaided": near(0.33, 0.34, 0.69, 0.7, 1.0),
        "resolved": near(0.59, 0.6, 1.0),
        "destination_classes": near(1, 2, 3),
        "continents": near(1, 2, 3),
        "days": near(6, 7, 8),
        "effective_gateways": near(2.9, 3.0, 5.0),
        "meeting_place": draw(st.sampled_from([None, meeting])),
        "alike": draw(st.sampled_from([None, meeting])),
        "apart": draw(st.sampled_from([(), (meeting,)])),
        "at_times": draw(st.sampled_from([None, meeting])),
        "by_weight": draw(st.sampled_from([None, (meeting, 0.5)])),
        "thin": near(0.0, 0.49, 0.5),
        "veiled": near(0.0, 0.49, 0.5),
        "late": draw(st.sampled_from([None, figures(9, 11), figures(1, 11)])),
    }
    if captured and draw(st.booleans()):
        changes["lenient"] = made(draw(st.integers(0, of)), of)
    if draw(st.booleans()):
        changes["rival"] = made(of, of, Node("organisation", "Rival")) if of else None
    return figures(captured, of, **changes)


@given(any_figures())
def test_each_grade_is_given_where_its_steps_are_taken(figures: Figures) -> None:
    """Whatever was measured; what is in between is mixed."""
    found = criteria(figures, POLICY, witness="agrees")
    if not met(found, "said"):
        expected = "insufficient"
    elif met(found, "named", "single"):
        expected = "single_gateway"
    elif met(found, "named"):
        expected = "concentrated"
    else:
        expected = "diverse" if met(found, "diverse") else "mixed"
    assert grade(figures, POLICY)[0] == expected


SOMEBODY = made(6, 11, Node("organisation", "Somebody"))


@pytest.mark.parametrize(
    ("changes", "unmet"),
    [
        ({}, set()),
        ({"resolved": 0.59}, {"resolved"}),
        ({"destination_classes": 1}, {"destination_classes"}),
        ({"upper": 0.5}, {"diverse_upper"}),
        ({"effective_gateways": 2.9}, {"effective_gateways"}),
        ({"meeting_place": SOMEBODY}, {"meeting_place"}),
        ({"alike": SOMEBODY}, {"alike"}),
        ({"apart": (SOMEBODY,)}, {"apart"}),
        ({"at_times": SOMEBODY}, {"at_times"}),
        ({"by_weight": (SOMEBODY, 0.5)}, {"by_weight"}),
        ({"rival": SOMEBODY}, {"rival"}),
        ({"thin": 0.49}, set()),
        ({"thin": 0.5}, {"thin"}),
        ({"veiled": 0.49}, set()),
        ({"veiled": 0.5}, {"veiled"}),
        ({"late": figures(9, 11)}, {"late"}),
    ],
)
def test_what_is_missed_on_the_way_to_diverse(changes: dict[str, Any], unmet: set[str]) -> None:
    """One of eleven passes Gate: each thing alone forbids to call that diverse."""
    judged = figures(1, 11, **changes)
    found = criteria(judged, POLICY, witness=None)
    assert {one.key for one in found if one.step in {"said", "diverse"} and not one.met} == unmet
    assert (grade(judged, POLICY)[0] == "diverse") == (not unmet)


@pytest.mark.parametrize(
    ("changes", "unmet"),
    [
        ({}, set()),
        ({"lower": 0.3}, {"concentrated_lower", "single"}),
        ({"continents": 1}, {"continents"}),
        ({"keys": 2}, {"keys"}),
        ({"unaided": 0.33}, {"unaided_name", "unaided"}),
        ({"mostly": 3}, {"mostly"}),
        ({"elsewhere": (3, 12)}, {"elsewhere", "everywhere"}),
        ({"elsewhere": (6, 6)}, {"everywhere"}),
        ({"covered": 0.09}, {"single_covered"}),
        ({"weighed": 0.49}, {"single_weighed"}),
        ({"days": 6}, {"days"}),
        ({"silent": 4}, {"single_share"}),
        ({"by_turns": 3}, {"always"}),
        ({"alone": 3}, {"mostly_meeting"}),
        ({"alone": 6}, {"meeting", "mostly_meeting"}),
        ({"lenient": None}, {"strict_and_lenient_agree"}),
    ],
)
def test_what_is_missed_on_the_way_to_a_single_gateway(
    changes: dict[str, Any], unmet: set[str]
) -> None:
    """All of twelve pass Gate: each thing alone forbids to call that single."""
    judged = figures(12, 12, **changes)
    found = criteria(judged, POLICY, witness=None)
    steps = {"said", "named", "single"}
    assert {one.key for one in found if one.step in steps and not one.met} == unmet
    assert (grade(judged, POLICY)[0] == "single_gateway") == (not unmet)


@pytest.mark.parametrize(
    ("captured", "of", "alone", "named"),
    [(6, 6, 2, True), (5, 6, 1, True), (6, 6, 3, False), (12, 12, 6, False), (5, 7, 1, False)],
)
def test_where_few_meet_nobody_there_the_others_bear_the_name(
    captured: int, of: int, alone: int, *, named: bool
) -> None:
    """Two thirds must meet: who comes to a gateway by itself may be the one customer of a site."""
    judged = figures(captured, of, alone=alone)
    found = {one.key: one.met for one in criteria(judged, POLICY, witness=None)}
    assert found["meeting"] is named
    assert grade(judged, POLICY)[0] == ("concentrated" if named else "mixed")


def test_the_table_names_each_thing_that_no_number_asks_for() -> None:
    """Whoever reads a key knows from the column that it is none of the policy's."""
    asked = {one.key for one in criteria(figures(12, 12), POLICY, witness=None)}
    assert set(re.findall(r"`(\w+)`", CRITERIA["key"].meaning)) == asked - asdict(POLICY).keys()


def test_where_too_few_pass_it_nobody_is_said_to_take_turns() -> None:
    """What is missing is that more pass it, and a mark stands there alone."""
    found = criteria(figures(10, 15), POLICY, witness=None)
    unmet = {one.key for one in found if one.step == "single" and not one.met}
    assert unmet == {"single", "single_share", "everywhere"}


def test_of_one_measured_something_is_met() -> None:
    """Nobody shares what he passes, whatever that is worth."""
    met_by_one = {one.key for one in criteria(figures(0, 1), POLICY, witness=None) if one.met}
    asked = {"meeting_place", "alike", "apart", "at_times", "by_weight", "rival", "thin", "veiled"}
    assert {*asked, "late"} <= met_by_one


@given(
    st.sampled_from([0.64, 0.8, 0.81]),
    st.sampled_from([0.69, 0.7, 1.0]),
    st.sampled_from([None, "agrees", "disagrees", "silent"]),
)
def test_a_verdict_is_national_where_that_step_is_taken(
    lower: float, covered: float, witness: Says | None
) -> None:
    """Of a single gateway; the witness has a say of its own."""
    judged = figures(9, 9, lower=lower, covered=covered)
    found = criteria(judged, POLICY, witness=witness)
    heard = Statement(witness, "It says so.") if witness else None
    says, _ = scope("single_gateway", lower, POLICY, covered=covered, unit="users", witness=heard)
    assert (says == "national") == met(found, "national")


def test_the_verdict_carries_them() -> None:
    """With the figures that the rule looked at, which are means over organisations."""
    country = Country(6)
    country.everyone("lan own gate {up}")
    for target in ("30.0.11.200", "30.0.12.200", "30.0.13.200", "30.0.14.200", "30.0.15.200"):
        country.trace(1, target, "lan own * * far6")
    listed = country.judge().fields["criteria"]
    found = {one["key"]: one for one in listed}
    assert len(found) == len(listed)
    assert found["resolved"] == {
        "step": "said",
        "key": "resolved",
        "bound": "at least",
        "asked": 0.6,
        "found": (0.5 + 5) / 6,
        "met": True,
    }
    assert found["unaided"]["found"] == 1.0
    assert found["single"]["found"] == captured_bounds(6, 6, 0.95)[0]


def test_of_nothing_measured_nothing_is_met() -> None:
    """Not even what asks for little."""
    assert not any(one["met"] for one in Country(3).judge().fields["criteria"])
