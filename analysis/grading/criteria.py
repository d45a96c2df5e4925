"""What the rule asks for, beside what was found: so that a reader sees how near a grade was.

Decides nothing. `analysis.grading.verdict` is the rule, and a test holds that a step is taken where
everything listed for it is met, and nowhere else. Each thing is called by its key in the policy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from analysis.grading.figures import Figures
from analysis.grading.levels import (
    NAMES,
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


def more_than(step: Step, key: str, asked: float, found: float) -> Criterion:
    """A figure that must exceed what is asked."""
    return Criterion(step, key, "more than", asked, found, met=found > asked)


def under(step: Step, key: str, asked: float, found: float, *, of: int) -> Criterion:
    """A figure that must stay below what is asked, with ``of`` organisations; met by none of none.

    >>> under("diverse", "thin", 0.5, 0.0, of=0).met, under("diverse", "thin", 0.5, 0.0, of=9).met
    (False, True)
    """
    return Criterion(step, key, "under", asked, found, met=of > 0 and found < asked)


def holds(step: Step, key: str, *, met: bool) -> Criterion:
    """What is so or not, without a figure."""
    return Criterion(step, key, None, None, None, met=met)


def criteria(figures: Figures, policy: Policy, *, witness: str | None) -> list[Criterion]:
    """All that the rule asks for, step by step.

    ``witness`` is what an independent one says, None where there is none.
    """
    return [
        *_before_anything_is_said(figures, policy),
        *_before_diverse(figures, policy),
        *_before_anybody_is_named(figures, policy),
        *_before_single(figures, policy),
        *_before_national(figures, policy, witness),
    ]


def _before_anything_is_said(figures: Figures, policy: Policy) -> list[Criterion]:
    classes = figures.destination_classes
    return [
        at_least("said", "organisations", policy.organisations, figures.of),
        at_least("said", "resolved", policy.resolved, figures.resolved),
        at_least("said", "destination_classes", policy.destination_classes, classes),
    ]


def _before_diverse(figures: Figures, policy: Policy) -> list[Criterion]:
    of, effective = figures.of, figures.effective_gateways
    hidden = {
        "meeting_place": figures.doubts.meeting_place is not None,
        "alike": figures.doubts.alike is not None,
        "apart": bool(figures.apart),
        "at_times": figures.doubts.at_times is not None,
        "by_weight": figures.doubts.by_weight is not None,
        "rival": figures.would_lead(policy),
    }
    late = of_the_last_days(figures, policy)
    return [
        under("diverse", "diverse_upper", policy.diverse_upper, figures.upper, of=of),
        at_least("diverse", "effective_gateways", policy.effective_gateways, effective),
        *(holds("diverse", key, met=of > 0 and not there) for key, there in hidden.items()),
        under("diverse", "thin", policy.concentrated, figures.doubts.thin, of=of),
        under("diverse", "veiled", policy.concentrated, figures.doubts.veiled, of=of),
        holds("diverse", "late", met=of > 0 and late is None),
    ]


def _before_anybody_is_named(figures: Figures, policy: Policy) -> list[Criterion]:
    best_of = lower_as_best_of_several(figures, policy)
    levels = {
        "mostly": level_of_all_pairs(figures, policy),
        "elsewhere": level_elsewhere(figures, policy),
        "meeting": level_of_those_who_meet(figures, policy),
    }
    return [
        at_least("named", "concentrated", policy.concentrated, figures.share),
        more_than("named", "concentrated_lower", policy.concentrated_lower, figures.lower),
        more_than("named", "rivals", policy.concentrated_lower, best_of),
        at_least("named", "continents", policy.continents, figures.support.continents),
        at_least("named", "keys", policy.keys, figures.support.keys),
        at_least("named", "key_organisations", policy.key_organisations, figures.captured),
        at_least("named", "unaided_name", policy.unaided_name, figures.support.unaided),
        *(holds("named", key, met=level in NAMES) for key, level in levels.items()),
    ]


def _before_single(figures: Figures, policy: Policy) -> list[Criterion]:
    besides = {
        "everywhere": level_elsewhere(figures, policy) == "single",
        "mostly_meeting": mostly_meet(figures, policy),
        "always": mostly_always(figures, policy),
        "strict_and_lenient_agree": strict_and_lenient_agree(figures, policy),
    }
    return [
        at_least("single", "single", policy.single, figures.lower),
        at_least("single", "single_share", policy.single_share, figures.share_of_measured),
        at_least("single", "single_covered", policy.single_covered, figures.covered),
        at_least("single", "single_weighed", policy.single_weighed, figures.support.weighed),
        at_least("single", "days", policy.days, figures.days),
        at_least("single", "unaided", policy.unaided, figures.support.unaided),
        *(holds("single", key, met=figures.of > 0 and so) for key, so in besides.items()),
    ]


def _before_national(figures: Figures, policy: Policy, witness: str | None) -> list[Criterion]:
    return [
        at_least("national", "national", policy.national, figures.lower),
        at_least("national", "national_eyeballs", policy.national_eyeballs, figures.covered),
        holds("national", "witness", met=witness == "agrees"),
    ]
