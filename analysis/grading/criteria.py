"""What the rule asks for, beside what was found: so that a reader sees how near a grade was.

Decides nothing. `analysis.grading.verdict` is the rule, and a test holds that a step is taken where
everything listed for it is met, and nowhere else. Each thing is called by its key in the policy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from analysis.grading.levels import (
    NAMES,
    Figures,
    level_elsewhere,
    level_of_all_pairs,
    level_of_those_who_meet,
    lower_as_best_of_several,
    mostly_always,
    mostly_meet,
    strict_and_lenient_agree,
)
from analysis.grading.verdict import of_the_last_days
from analysis.policy import Policy

Step = Literal["said", "diverse", "named", "single", "national"]
Bound = Literal["at least", "more than", "under"]


@dataclass(frozen=True, slots=True)
class Criterion:
    """One thing that is asked for before a step is taken, what was found, and whether it suffices.

    ``bound`` says on which side of ``asked`` the figure must lie; where there is no figure, as of a
    witness, all three are None.
    """

    step: Step
    key: str
    bound: Bound | None
    asked: float | None
    found: float | None
    met: bool


def at_least(step: Step, key: str, asked: float, found: float) -> Criterion:
    """A figure that must reach what is asked."""
    return Criterion(step, key, "at least", asked, found, met=found >= asked)


def holds(step: Step, key: str, *, met: bool) -> Criterion:
    """What is so or not, without a figure."""
    return Criterion(step, key, None, None, None, met=met)


def criteria(figures: Figures, policy: Policy, *, witness: str | None) -> list[Criterion]:
    """All that the rule asks for, step by step.

    ``witness`` is what an independent one says, None where there is none.
    """
    lower, upper = figures.lower, figures.upper
    anybody = figures.of > 0
    elsewhere = level_elsewhere(figures, policy)
    best_of = lower_as_best_of_several(figures, policy)
    return [
        at_least("said", "organisations", policy.organisations, figures.of),
        at_least("said", "resolved", policy.resolved, figures.resolved),
        at_least(
            "said", "destination_classes", policy.destination_classes, figures.destination_classes
        ),
        Criterion(
            "diverse",
            "diverse_upper",
            "under",
            policy.diverse_upper,
            upper,
            met=upper < policy.diverse_upper,
        ),
        at_least(
            "diverse", "effective_gateways", policy.effective_gateways, figures.effective_gateways
        ),
        holds("diverse", "meeting_place", met=anybody and figures.meeting_place is None),
        holds("diverse", "alike", met=anybody and figures.alike is None),
        holds("diverse", "apart", met=anybody and not figures.apart),
        holds("diverse", "at_times", met=anybody and figures.at_times is None),
        holds("diverse", "by_weight", met=anybody and figures.by_weight is None),
        holds("diverse", "rival", met=anybody and not figures.would_lead(policy)),
        Criterion(
            "diverse",
            "thin",
            "under",
            policy.concentrated,
            figures.thin,
            met=anybody and figures.thin < policy.concentrated,
        ),
        Criterion(
            "diverse",
            "veiled",
            "under",
            policy.concentrated,
            figures.veiled,
            met=anybody and figures.veiled < policy.concentrated,
        ),
        holds("diverse", "late", met=anybody and of_the_last_days(figures, policy) is None),
        at_least("named", "concentrated", policy.concentrated, figures.share),
        Criterion(
            "named",
            "concentrated_lower",
            "more than",
            policy.concentrated_lower,
            lower,
            met=lower > policy.concentrated_lower,
        ),
        Criterion(
            "named",
            "rivals",
            "more than",
            policy.concentrated_lower,
            best_of,
            met=best_of > policy.concentrated_lower,
        ),
        at_least("named", "continents", policy.continents, figures.continents),
        at_least("named", "keys", policy.keys, figures.keys),
        at_least("named", "key_organisations", policy.key_organisations, figures.captured),
        at_least("named", "unaided_name", policy.unaided_name, figures.unaided),
        holds("named", "mostly", met=level_of_all_pairs(figures, policy) in NAMES),
        holds("named", "elsewhere", met=elsewhere in NAMES),
        holds("named", "meeting", met=level_of_those_who_meet(figures, policy) in NAMES),
        at_least("single", "single", policy.single, lower),
        at_least("single", "single_share", policy.single_share, figures.share_of_measured),
        at_least("single", "single_covered", policy.single_covered, figures.covered),
        at_least("single", "single_weighed", policy.single_weighed, figures.weighed),
        at_least("single", "days", policy.days, figures.days),
        at_least("single", "unaided", policy.unaided, figures.unaided),
        holds("single", "everywhere", met=elsewhere == "single"),
        holds("single", "mostly_meeting", met=anybody and mostly_meet(figures, policy)),
        holds("single", "always", met=anybody and mostly_always(figures, policy)),
        holds(
            "single",
            "strict_and_lenient_agree",
            met=anybody and strict_and_lenient_agree(figures, policy),
        ),
        at_least("national", "national", policy.national, lower),
        at_least("national", "national_eyeballs", policy.national_eyeballs, figures.covered),
        holds("national", "witness", met=witness == "agrees"),
    ]
