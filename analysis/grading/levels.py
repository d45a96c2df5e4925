"""Which level a captured share reaches by its bounds alone.

The same levels serve the ways abroad and those at home. What else a grade asks for, and what is
said of it, is decided in `analysis.grading.verdict` and `analysis.home.hub`.
"""

from __future__ import annotations

import math
from typing import Literal

from analysis.grading.figures import Figures
from analysis.policy import Policy
from analysis.shares.intervals import captured_bounds

Level = Literal["single", "concentrated", "between", "open"]
"""What bounds alone say of a captured share, the strongest first."""

# Levels at which somebody may be named.
NAMES: frozenset[Level] = frozenset({"single", "concentrated"})


def level(captured: int, of: int, lower: float, upper: float, policy: Policy) -> Level:
    """What the bounds of a captured share alone say.

    >>> level(7, 7, 0.652, 1.0, Policy()), level(1, 11, 0.005, 0.364, Policy())
    ('single', 'open')
    """
    if of and lower >= policy.single and captured >= policy.single_share * of:
        return "single"
    if of and captured / of >= policy.concentrated and lower > policy.concentrated_lower:
        return "concentrated"
    return "open" if upper < policy.diverse_upper else "between"


def level_of_all_pairs(figures: Figures, policy: Policy) -> Level:
    """The level if every pair of which the way is not known went around the candidate.

    Most pairs may be known on the whole, and hardly any of some organisations. Those of which no
    way is known, or that were measured only shortly before the days judged, count as not captured.
    """
    of = figures.of + figures.silent + figures.gone
    bounds = captured_bounds(figures.support.mostly, of, policy.confidence)
    return level(figures.support.mostly, of, *bounds, policy)


def level_elsewhere(figures: Figures, policy: Policy) -> Level:
    """The level without the one class of destinations that bears the candidate out most.

    There may be many classes on the whole, though most organisations were measured to one only.
    """
    captured, of = figures.support.elsewhere
    if of < policy.organisations:
        return "between"
    return level(captured, of, *captured_bounds(captured, of, policy.confidence), policy)


def level_of_those_who_meet(figures: Figures, policy: Policy) -> Level:
    """The level by the organisations that share an address with another at the candidate.

    The others count as not captured: its numbers may be all that is on their ways. But customers of
    a gateway with several sites meet nobody where few are measured. So where ``meeting_share`` of
    all do meet, the others are not counted at all.
    """
    captured, of = figures.captured - figures.support.alone, figures.of
    if captured >= policy.meeting_share * of:
        of -= figures.support.alone
    return level(captured, of, *captured_bounds(captured, of, policy.confidence), policy)


def mostly_meet(figures: Figures, policy: Policy) -> bool:
    """Whether enough are left for a single gateway without those that share no address."""
    return enough_without(figures.support.alone, figures.captured, figures.of, policy)


def lower_as_best_of_several(figures: Figures, policy: Policy) -> float:
    """The lower bound of the captured share, given that the candidate is the best of several.

    Chance makes somebody the first, and whoever it is is looked at: so all that were in question
    are bounded together (Bonferroni). No more than ``1 / concentrated_lower`` of them can have
    that share at once.

    Source: Dunn, Journal of the American Statistical Association 56 (1961), 52–64.
    """
    several = 1 + figures.support.rivals
    if policy.concentrated_lower:
        several = min(several, max(1, math.floor(1 / policy.concentrated_lower)))
    confidence = 1 - (1 - policy.confidence) / several
    return captured_bounds(figures.captured, figures.of, confidence)[0]


def mostly_always(figures: Figures, policy: Policy) -> bool:
    """Whether enough are left for a single gateway without those that pass it by turns."""
    return enough_without(figures.support.by_turns, figures.captured, figures.of, policy)


def enough_without(some: int, captured: int, of: int, policy: Policy) -> bool:
    """Whether a single gateway, or hub, has enough captured without ``some`` of those it captured.

    It has where there are none of these: then too few captured are a matter of the share alone.

    >>> enough_without(0, 7, 10, Policy()), enough_without(1, 9, 10, Policy())
    (True, True)
    >>> enough_without(2, 9, 10, Policy())
    False
    """
    return not some or captured - some >= policy.single_share * of


def strict_and_lenient_agree(figures: Figures, policy: Policy) -> bool:
    """Whether reading doubtful hops generously changes neither the candidate nor its level.

    A candidate that the lenient reading does not have at all captures nobody there.
    """
    strict, lenient = figures.top, figures.lenient.candidate
    if figures.lenient.rival is not None:
        return False
    if strict is None:
        return True
    captured, of = (lenient.captured, lenient.of) if lenient else (0, strict.of)
    return level(strict.captured, strict.of, strict.lower, strict.upper, policy) == level(
        captured, of, *captured_bounds(captured, of, policy.confidence), policy
    )
