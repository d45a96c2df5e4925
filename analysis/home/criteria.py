"""What the rule asks for at home beside what was found; `analysis.grading.criteria` is of abroad.

Decides nothing. `analysis.home.hub` is the rule, and a test holds that a step is taken where
everything listed for it is met, and nowhere else.
"""

from __future__ import annotations

from analysis.grading.criteria import Criterion, at_least, holds, more_than, under
from analysis.grading.levels import NAMES
from analysis.home.figures import HomeFigures, Standing
from analysis.home.hub import level_of_those_traced_to, level_with
from analysis.policy import Policy
from analysis.shares.intervals import captured_bounds


def criteria_at_home(figures: HomeFigures, policy: Policy) -> list[Criterion]:
    """All that the rule asks for, step by step; of nobody no name is asked."""
    of, spread, standing = figures.of, figures.spread, figures.standing
    upper = standing.candidate.upper if standing else captured_bounds(0, of, policy.confidence)[1]
    hidden = {"carrier": spread.carrier, "unmapped": spread.unmapped, "apart": spread.apart}
    found = [
        at_least("said", "organisations", policy.organisations, of),
        at_least("said", "resolved", policy.resolved, figures.resolved),
        under("diverse", "diverse_upper", policy.diverse_upper, upper, of=of),
        at_least("diverse", "effective_gateways", policy.effective_gateways, spread.effective),
        under("diverse", "abroad", policy.concentrated, spread.abroad, of=of),
        *(
            holds("diverse", key, met=of > 0 and (one is None or not one.is_passed_by_most(policy)))
            for key, one in hidden.items()
        ),
    ]
    return [*found, *_of_a_hub(standing, figures.silent, policy)] if standing else found


def _of_a_hub(standing: Standing, silent: int, policy: Policy) -> list[Criterion]:
    top = standing.candidate
    there = level_of_those_traced_to(standing.reached, policy)
    measured = top.of + silent
    share = top.captured / measured if measured else 0.0
    always = top.of > 0 and standing.is_always_passed(policy)
    return [
        at_least("named", "concentrated", policy.concentrated, top.captured_share),
        more_than("named", "concentrated_lower", policy.concentrated_lower, top.lower),
        holds("named", "reached", met=there in NAMES),
        holds("named", "silent", met=level_with(silent, top, policy) in NAMES),
        at_least("single", "single", policy.single, top.lower),
        at_least("single", "single_share", policy.single_share, share),
        holds("single", "reached_single", met=there == "single"),
        holds("single", "meeting_place", met=not standing.meets),
        at_least("single", "single_covered", policy.single_covered, standing.covered),
        at_least("single", "single_weighed", policy.single_weighed, standing.weighed),
        at_least("single", "reached_weighed", policy.single_weighed, standing.reached_weighed),
        holds("single", "always", met=always),
    ]
