"""The grade of the paths between domestic organisations: whether they meet in one hub.

The levels are those of the ways abroad, so a hub is called single by the same bounds. What stands
between two organisations, who may be a hub, and of whom the country consists is not known here.
"""

from __future__ import annotations

import operator
from typing import Literal

from analysis.grading.levels import NAMES, Level, level
from analysis.grading.verdict import describe, not_representative, written_bounds
from analysis.home.figures import HomeFigures, Spread, Standing
from analysis.owners.operators import Node
from analysis.policy import Policy
from analysis.shares.convergence import Candidate
from analysis.shares.intervals import captured_bounds
from analysis.words.wording import asked, beside, part, up

DomesticGrade = Literal["insufficient", "diverse", "mixed", "concentrated", "single_hub"]


def not_diverse(spread: Spread, policy: Policy) -> list[str]:
    """Why the paths are not "diverse" by this, one sentence for each thing."""
    carrier, unmapped, apart = spread.carrier, spread.unmapped, spread.apart
    reasons = []
    if spread.abroad >= policy.concentrated:
        reasons.append(
            f"{part(spread.abroad)} of the ways at home that are known go abroad and back: they "
            "show no hub at home, nor that there is none."
        )
    if carrier is not None and carrier.is_passed_by_most(policy):
        reasons.append(
            f"{carrier.captured} of {carrier.of} other organisations pass {carrier.node.name} on "
            f"at least {asked(policy.captured)} of their ways at home, those counted that go "
            "abroad and back over it: it may be a hub at home, or none."
        )
    if unmapped is not None and unmapped.is_passed_by_most(policy):
        reasons.append(
            f"{unmapped.captured} of {unmapped.of} organisations show hops of {unmapped.node.name} "
            "between their own networks and others at home, and no table says whose: each may "
            "number its own network so, or one hub its links to them."
        )
    if apart is not None and apart.is_passed_by_most(policy):
        reasons.append(
            f"{apart.captured} of {apart.of} organisations show addresses of {apart.node.name} "
            "between their own networks and others at home, but too few come by the same ones, "
            "there or right behind: they may have numbers or lines of it. So it is not named a "
            "hub, and the ways at home are counted as if it were not there."
        )
    if spread.effective < policy.effective_gateways:
        shown = beside(spread.effective, policy.effective_gateways, ".1f")
        reasons.append(
            f"The ways at home go over {shown} effective hubs; "
            f"{policy.effective_gateways:g} are needed to call them diverse."
        )
    return reasons


def not_single(standing: Standing, policy: Policy) -> list[str]:
    """Why it is no single hub though the bounds would make it one, one sentence for each thing."""
    reasons = [_only_meets(standing.candidate.node)] if standing.meets else []
    reasons += not_representative(standing.covered, standing.weighed, standing.unit, policy)
    if standing.reached_weighed < policy.single_weighed:
        reasons.append(
            f"Weighed by {standing.unit}, "
            f"{beside(standing.reached_weighed, policy.single_weighed)} of the networks traced to "
            f"are reached over it; {asked(policy.single_weighed)} is needed."
        )
    if not standing.is_always_passed(policy):
        reasons.append(
            f"Passed by turns, with more than {asked(1 - policy.captured)} of the traces direct or "
            f"over somebody else: {standing.turns} of those captured."
        )
    return reasons


def _only_meets(node: Node) -> str:
    if node.kind == "exchange":
        return "It is an exchange, and meeting is what exchanges are for."
    return "It looks like an exchange, and meeting is what exchanges are for."


_MEETING = "It is a meeting place and no single hub: meeting is what exchanges are for."


def level_of_those_traced_to(reached: Candidate, policy: Policy) -> Level:
    """The level by the networks that were traced to, where these are enough."""
    if reached.of < policy.organisations:
        return "between"
    return level(reached.captured, reached.of, reached.lower, reached.upper, policy)


def level_with(silent: int, top: Candidate, policy: Policy) -> Level:
    """The level if so many others, of which no way is known, do not pass the hub.

    Before it is a single one, ``single_share`` of all must pass it, and no bound is asked of these.
    """
    of = top.of + silent
    if top.captured >= policy.single_share * of:
        return "single"
    return level(top.captured, of, *captured_bounds(top.captured, of, policy.confidence), policy)


def domestic_grade(figures: HomeFigures, policy: Policy) -> tuple[DomesticGrade, str]:
    """The grade of the paths between domestic organisations, and why.

    What `not_single` finds makes "concentrated" of "single hub", what `not_diverse` finds "mixed"
    of "diverse"; the first thing found is told.
    """
    missing = _insufficient(figures, policy)
    if missing is not None:
        return "insufficient", missing
    if figures.standing is None:
        says, sentence = _of_nobody(figures.organisations, policy)
    else:
        says, sentence = _of_candidate(figures.standing, figures.silent, policy)
        if says in NAMES:
            return _named(figures.standing, says, sentence, policy)
    if says == "open":
        against = not_diverse(figures.spread, policy)
        return ("mixed", against[0]) if against else ("diverse", sentence)
    return "mixed", sentence


def _insufficient(figures: HomeFigures, policy: Policy) -> str | None:
    """What is missing before anything may be said, if anything is."""
    if figures.of < policy.organisations:
        needed = policy.organisations
        return f"{figures.of} of the {needed} organisations needed could be judged."
    if figures.resolved < policy.resolved:
        known = beside(figures.resolved, policy.resolved)
        return f"The way is known for {known} of the domestic pairs."
    return None


def _of_nobody(organisations: int, policy: Policy) -> tuple[Level, str]:
    """The level where nobody stands between, and in words."""
    lower, upper = captured_bounds(0, organisations, policy.confidence)
    says = level(0, organisations, lower, upper, policy)
    if says == "open":
        return says, (
            "No network or exchange is on most of the traces of any domestic pair whose way is "
            "known."
        )
    shown = beside(upper, policy.diverse_upper, ".2f", operator.lt, up)
    return says, (
        f"The upper bound of the captured share, {shown}, does not exclude "
        f"{asked(policy.diverse_upper, '.2f')}."
    )


def _of_candidate(standing: Standing, silent: int, policy: Policy) -> tuple[Level, str]:
    """The weakest of the levels by those that traced, by those traced to and with the silent."""
    top = standing.candidate
    says, sentence = (
        level(top.captured, top.of, top.lower, top.upper, policy),
        describe(top, policy),
    )
    for weaker, why in (
        _of_those_traced_to(standing.reached, top, policy),
        _with(silent, top, policy),
    ):
        if says in NAMES and weaker not in {"single", says}:
            says, sentence = weaker if weaker in NAMES else "between", why
    return says, sentence


def _of_those_traced_to(reached: Candidate, top: Candidate, policy: Policy) -> tuple[Level, str]:
    """The level by the networks that were traced to, and in words."""
    lower, upper = written_bounds(reached, policy)
    return level_of_those_traced_to(reached, policy), (
        f"Networks traced to that are reached over {top.node.name}: {reached.captured} of "
        f"{reached.of} (captured share {reached.captured_share:.2f}, {asked(policy.confidence)} "
        f"bounds {lower} to {upper})."
    )


def _with(silent: int, top: Candidate, policy: Policy) -> tuple[Level, str]:
    """The level with those of which no way is known, and in words."""
    of = top.of + silent
    return level_with(silent, top, policy), (
        f"With those of which no way is known ({silent}), {top.captured} of {of} other "
        f"organisations reach the others over {top.node.name}."
    )


def _named(
    standing: Standing, says: Level, sentence: str, policy: Policy
) -> tuple[DomesticGrade, str]:
    """The grade where the bounds name the candidate; ``sentence`` tells of the bounds."""
    top = standing.candidate
    if says == "single":
        against = not_single(standing, policy)
        if not against:
            return "single_hub", sentence
        return "concentrated", (
            f"{top.captured} of {top.of} other organisations reach the others over "
            f"{top.node.name}, which is not called a single hub: {against[0]}"
        )
    return "concentrated", f"{sentence} {_MEETING}" if standing.meets else sentence
