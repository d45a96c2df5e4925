"""The grade of the paths between domestic organisations: whether they meet in one hub.

The levels are those of the ways abroad, so a hub is called single by the same bounds. What stands
between two organisations, who may be a hub, and of whom the country consists is not known here.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Literal, NamedTuple

from analysis.grading.levels import NAMES, Level, level
from analysis.grading.verdict import describe, written_bounds
from analysis.owners.operators import Node
from analysis.policy import Policy
from analysis.shares.convergence import Candidate
from analysis.shares.intervals import captured_bounds
from analysis.words.wording import asked, beside, part, up

DomesticGrade = Literal["insufficient", "diverse", "mixed", "concentrated", "single_hub"]


class Spread(NamedTuple):
    """What may keep the paths from being "diverse" though nobody is known to stand between most.

    ``abroad`` is the share of the known ways that go abroad, ``carrier`` the organisation that most
    pass at home or on these, ``unmapped`` all blocks between of which no table says whose they
    are, ``apart`` an organisation of which only the numbers are between, ``effective`` how many
    equally used hubs would be as concentrated.
    """

    abroad: float
    carrier: Candidate | None
    unmapped: Candidate | None
    apart: Candidate | None
    effective: float


def not_diverse(spread: Spread, policy: Policy) -> list[str]:
    """Why the paths are not "diverse" by this, one sentence for each thing."""
    abroad, carrier, unmapped, apart, effective = spread
    reasons = []
    if abroad >= policy.concentrated:
        reasons.append(
            f"{part(abroad)} of the ways at home that are known go abroad and back: they show no "
            "hub at home, nor that there is none."
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
    if effective < policy.effective_gateways:
        reasons.append(
            f"The ways at home go over {beside(effective, policy.effective_gateways, '.1f')} "
            f"effective hubs; {policy.effective_gateways:g} are needed to call them diverse."
        )
    return reasons


def only_meets(node: Node) -> str:
    """Why a mere meeting place is no single hub, whoever meets there."""
    if node.kind == "exchange":
        return "It is an exchange, and meeting is what exchanges are for."
    return "It looks like an exchange, and meeting is what exchanges are for."


_MEETING = "It is a meeting place and no single hub: meeting is what exchanges are for."


def reach_few(weighed: float, unit: str, policy: Policy) -> str:
    """Why the one over whom most networks are reached is no single hub: that these are small."""
    return (
        f"Weighed by {unit}, {beside(weighed, policy.single_weighed)} of the networks traced to "
        f"are reached over it; {asked(policy.single_weighed)} is needed."
    )


def take_turns(captured: int, policy: Policy) -> str:
    """Why the one that is on most traces of most ways is no single hub: that others are as well."""
    return (
        f"Passed by turns, with more than {asked(1 - policy.captured)} of the traces direct or "
        f"over somebody else: {captured} of those captured."
    )


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


def domestic_grade(
    top: Candidate | None,
    organisations: int,
    resolved: float,
    *,
    reached: Candidate | None,
    silent: int,
    meets: bool,
    against_single: Sequence[str],
    against_diverse: Sequence[str],
    policy: Policy,
) -> tuple[DomesticGrade, str]:
    """The grade of the paths between domestic organisations, and why.

    ``top`` is the strongest candidate, judged by the organisations that traced; ``organisations``
    counts those of which a way is known, ``resolved`` is the share of an organisation's pairs whose
    way is, as the mean over organisations. ``reached`` is the same node, judged by the networks
    that were traced to: where these are few, who provides for most of them is on everybody's way
    there, and is no hub for that. ``silent`` counts the others that traced and of which no way is
    known: where a hub's routers answer and others do not, they are those that do not pass it.

    ``meets`` says that ``top`` is a place where networks meet and no more: no reader may take the
    name of such a one for an accusation.

    Any reason ``against_single`` makes "concentrated" of "single hub", any ``against_diverse``
    "mixed" of "diverse". The first of them is told.
    """
    of = top.of if top is not None else organisations
    if of < policy.organisations:
        needed = policy.organisations
        return "insufficient", f"{of} of the {needed} organisations needed could be judged."
    if resolved < policy.resolved:
        return (
            "insufficient",
            f"The way is known for {beside(resolved, policy.resolved)} of the domestic pairs.",
        )
    says: Level
    if top is None:
        lower, upper = captured_bounds(0, organisations, policy.confidence)
        says = level(0, organisations, lower, upper, policy)
        shown = beside(upper, policy.diverse_upper, ".2f", operator.lt, up)
        sentence = (
            "No network or exchange is on most of the traces of any domestic pair whose way is "
            "known."
            if says == "open"
            else f"The upper bound of the captured share, {shown}, does not exclude "
            f"{asked(policy.diverse_upper, '.2f')}."
        )
    else:
        says = level(top.captured, top.of, top.lower, top.upper, policy)
        sentence = describe(top, policy)
    if top is not None and reached is not None and says in NAMES:
        for weaker, why in (_of_those_traced_to(reached, top, policy), _with(silent, top, policy)):
            if says in NAMES and weaker not in {"single", says}:
                says, sentence = weaker if weaker in NAMES else "between", why
    if top is not None and says == "single":
        if not against_single:
            return "single_hub", sentence
        return "concentrated", (
            f"{top.captured} of {top.of} other organisations reach the others over "
            f"{top.node.name}, which is not called a single hub: {against_single[0]}"
        )
    if says in NAMES:
        return "concentrated", f"{sentence} {_MEETING}" if meets else sentence
    if says == "open":
        return ("mixed", against_diverse[0]) if against_diverse else ("diverse", sentence)
    return "mixed", sentence
