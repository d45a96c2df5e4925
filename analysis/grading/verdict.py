"""The rule that turns figures into a grade: of the ways abroad, nothing else gives one.

It is conservative by order: first whether anything may be said at all, then whether an operator may
be named, then whether convergence may be excluded, and what is left is "mixed". Every step leaves a
sentence, so that a verdict shows its work. The ways at home are graded in `analysis.home.hub`, by
the same levels; how far a single gateway reaches is said in `analysis.grading.scope`.
"""

from __future__ import annotations

import operator
from typing import Literal

from analysis.grading.figures import Figures
from analysis.grading.levels import (
    NAMES,
    Level,
    level,
    level_elsewhere,
    level_of_all_pairs,
    level_of_those_who_meet,
    lower_as_best_of_several,
    mostly_always,
    mostly_meet,
    strict_and_lenient_agree,
)
from analysis.owners.numbering import has_one_owner
from analysis.policy import Policy
from analysis.shares.convergence import Candidate
from analysis.words.wording import asked, beside, captured_between, down, part, up

Grade = Literal["insufficient", "diverse", "mixed", "concentrated", "single_gateway"]


def grade(figures: Figures, policy: Policy) -> tuple[Grade, list[str]]:
    """The grade and the sentences that led to it."""
    missing = _insufficient(figures, policy)
    if missing:
        return "insufficient", missing
    top = figures.top
    says = level(figures.captured, figures.of, figures.lower, figures.upper, policy)
    reasons = [describe(top, policy) if top is not None else _nothing_shared(figures)]
    if top is None or says not in NAMES:
        return _diverse_or_mixed(figures, says, reasons, policy)
    given, against = _named_or_mixed(figures, says, policy)
    return given, [*reasons, *against, *_numbers_only(figures)]


def _insufficient(figures: Figures, policy: Policy) -> list[str]:
    reasons = []
    if figures.of < policy.organisations:
        needed = policy.organisations
        reasons.append(
            f"Besides {figures.top.node.name}, {figures.of} of the {needed} organisations needed "
            "could be judged."
            if figures.top
            else f"{figures.of} of the {needed} organisations needed could be judged."
        )
    if figures.resolved < policy.resolved:
        reasons.append(
            "No path from this country to abroad was measured."
            if not figures.pairs
            else f"Of the pairs ({figures.pairs}) the crossing is known for "
            f"{beside(figures.resolved, policy.resolved)}; {asked(policy.resolved)} are needed."
        )
    if figures.destination_classes < policy.destination_classes:
        reasons.append(
            f"The destinations make {figures.destination_classes} of the "
            f"{policy.destination_classes} classes (operator and continent) needed."
        )
    return reasons


def _named_or_mixed(figures: Figures, says: Level, policy: Policy) -> tuple[Grade, list[str]]:
    """The grade where the bounds alone would name the candidate, and what speaks against more."""
    if figures.support.continents < policy.continents:
        return "mixed", [
            "Most of those that it captures pass it to destinations on "
            f"{figures.support.continents} of the {policy.continents} continents needed: these may "
            "share a way for reasons of their own, so no operator is named."
        ]
    unproven = _against_naming(figures, policy)
    if unproven:
        return "mixed", unproven
    against = _against_single(figures, policy)
    if says == "single" and not against:
        return "single_gateway", []
    return "concentrated", against


def _against_naming(figures: Figures, policy: Policy) -> list[str]:
    """Why what a few could have invented names nobody, however much it seems to capture."""
    reasons = []
    support = figures.support
    if support.keys < policy.keys or figures.captured < policy.key_organisations:
        reasons.append(
            f"Before an operator is named, {policy.keys} keys in {policy.key_organisations} "
            f"organisations must say so; of those that do there are {support.keys} in "
            f"{figures.captured}."
        )
    best_of = lower_as_best_of_several(figures, policy)
    if best_of <= policy.concentrated_lower:
        least = beside(best_of, policy.concentrated_lower, ".2f", operator.gt, down)
        reasons.append(
            f"The organisations divide between {support.rivals + 1} operators, of which one leads "
            f"in any sample: allowing for that, the lower bound is {least}; more than "
            f"{asked(policy.concentrated_lower, '.2f')} is needed before an operator is named."
        )
    if support.unaided < policy.unaided_name:
        reasons.append(
            f"By the address table alone {beside(support.unaided, policy.unaided_name)} of the "
            f"organisations are captured; {asked(policy.unaided_name)} are needed before an "
            "operator is named, lest a few that lie about links convict the others."
        )
    if level_of_all_pairs(figures, policy) not in NAMES:
        reasons.append(_not_known(figures, policy))
    if level_elsewhere(figures, policy) not in NAMES:
        reasons.append(_one_class(figures))
    if level_of_those_who_meet(figures, policy) not in NAMES:
        reasons.append(_by_themselves(figures))
    return reasons


def _against_single(figures: Figures, policy: Policy) -> list[str]:
    """Why a share that would suffice for "single gateway" still is not called so."""
    reasons = []
    support, rival = figures.support, figures.lenient.rival
    if figures.lower < policy.single:
        reasons.append(
            "The lower bound of the captured share is "
            f"{beside(figures.lower, policy.single, '.2f', written=down)}; "
            f"{asked(policy.single, '.2f')} is needed before one gateway is said to carry all."
        )
    if figures.share < policy.single_share:
        reasons.append(
            f"The share is {beside(figures.share, policy.single_share, '.2f')}; "
            f"{asked(policy.single_share, '.2f')} is needed before one gateway is said to carry "
            "all."
        )
    elif figures.share_of_measured < policy.single_share:
        reasons.append(
            f"With those of which no way is known ({figures.silent}) the share is "
            f"{beside(figures.share_of_measured, policy.single_share, '.2f')}; "
            f"{asked(policy.single_share, '.2f')} is needed before one gateway is said to carry "
            "all."
        )
    reasons += not_representative(figures.covered, support.weighed, figures.unit, policy)
    if figures.days < policy.days:
        reasons.append(
            f"Most of those captured were measured on {figures.days} of the {policy.days} days "
            "needed, not counting days on which they mostly went elsewhere."
        )
    if support.unaided < policy.unaided:
        reasons.append(
            f"By the address table alone {beside(support.unaided, policy.unaided)} of the "
            f"organisations are captured; {asked(policy.unaided)} are needed, lest a few that lie "
            "about links convict the others."
        )
    if not mostly_meet(figures, policy):
        reasons.append(_by_themselves(figures))
    if not mostly_always(figures, policy):
        reasons.append(
            f"Passed by turns, with more than {asked(1 - policy.captured)} of the traces over "
            f"somebody else at home or straight abroad: {support.by_turns} of those captured."
        )
    as_everywhere = support.elsewhere == (figures.captured, figures.of)
    if not as_everywhere and level_elsewhere(figures, policy) != "single":
        reasons.append(_one_class(figures))
    if not strict_and_lenient_agree(figures, policy):
        reasons.append(
            "The strict and the lenient reading do not agree: read leniently, "
            f"{rival.node.name} would lead."
            if rival
            else "The strict and the lenient reading do not agree."
        )
    return reasons


def not_representative(covered: float, weighed: float, unit: str, policy: Policy) -> list[str]:
    """Why the organisations measured do not stand for the country, so that nobody is "single".

    ``covered`` and ``weighed`` are as in `Figures` and its `Support`.
    """
    reasons = []
    if covered < policy.single_covered:
        reasons.append(
            f"{beside(covered, policy.single_covered)} of the country's {unit} were covered; "
            f"{asked(policy.single_covered)} are needed."
        )
    if weighed < policy.single_weighed:
        reasons.append(
            f"Weighed by {unit}, {beside(weighed, policy.single_weighed)} of what was measured "
            f"passes it; {asked(policy.single_weighed)} is needed."
        )
    return reasons


def _diverse_or_mixed(
    figures: Figures, says: Level, reasons: list[str], policy: Policy
) -> tuple[Grade, list[str]]:
    doubts = []
    if says != "open":
        upper = beside(figures.upper, policy.diverse_upper, ".2f", operator.lt, up)
        doubts.append(
            f"The upper bound of the captured share, {upper}, does not exclude "
            f"{asked(policy.diverse_upper, '.2f')}."
        )
    if figures.effective_gateways < policy.effective_gateways:
        effective = beside(figures.effective_gateways, policy.effective_gateways, ".1f")
        doubts.append(
            f"The paths leave by {effective} effective gateways; "
            f"{policy.effective_gateways:g} are needed to call them diverse."
        )
    doubts += _hidden(figures, policy)
    late = of_the_last_days(figures, policy)
    if late is not None and not any(map(late.endswith, doubts)):
        doubts.append(late)
    if doubts:
        return "mixed", [*reasons, *doubts]
    return "diverse", [
        *reasons,
        f"The paths leave by {figures.effective_gateways:.1f} effective gateways.",
    ]


def of_the_last_days(figures: Figures, policy: Policy) -> str | None:
    """What the last days alone say against "diverse", None where they say nothing against it.

    A gateway that came slowly, or in networks that move one by one, is on most ways of few days.
    """
    late = figures.late
    # Most must still be measured, lest a few who stayed decide for all.
    if late is None or late.gone >= late.of + late.silent:
        return None
    given, reasons = grade(late, policy)
    if given == "mixed":
        reasons = _hidden(late, policy)
    elif given not in {"concentrated", "single_gateway"}:
        return None
    if not reasons:
        return None
    return f"Judged by the last {policy.alarm_hold_days} days with data alone: {reasons[0]}"


def _hidden(figures: Figures, policy: Policy) -> list[str]:
    """How a gateway may be there though nobody may be named, one sentence for each."""
    said = []
    doubts, rival = figures.doubts, figures.lenient.rival
    if doubts.meeting_place is not None:
        said.append(_meeting_place(doubts.meeting_place))
    if doubts.alike is not None:
        said.append(
            f"{doubts.alike.captured} of {doubts.alike.of} organisations show hops of "
            f"{doubts.alike.node.name} behind their own networks, and do not all go on "
            "together: they may number themselves alike, or pass a gateway of whose ways on too "
            "few were seen, or of which each site has carriers of its own. The figures count the "
            "ways as if these hops were not there."
        )
    said += _numbers_only(figures)
    if doubts.at_times is not None:
        passed = doubts.at_times
        said.append(
            f"{passed.captured} of {passed.of} other organisations pass {passed.node.name} on "
            f"{asked(policy.pair_shown)} or more of the traces of at least "
            f"{asked(policy.captured)} of their pairs: they converge there at times, or with some "
            "of their flows."
        )
    if doubts.by_weight is not None:
        heavy, weighed = doubts.by_weight
        said.append(
            f"Weighed by {figures.unit}, {part(weighed)} of what was measured passes "
            f"{heavy.node.name}, though {heavy.captured} of {heavy.of} organisations do: they are "
            "large."
        )
    if rival is not None and figures.would_lead(policy):
        said.append(
            f"If doubtful hops are read generously, {rival.captured} of {rival.of} "
            f"organisations pass {rival.node.name}: it may be a gateway, or stand before "
            "their own networks or abroad and be none."
        )
    if doubts.thin >= policy.concentrated:
        said.append(
            f"{part(doubts.thin)} of the organisations leave by the same foreign interfaces: so "
            "they would behind a gateway that is numbered from its customers' links."
        )
    if doubts.veiled >= policy.concentrated:
        said.append(
            f"{part(doubts.veiled)} of the organisations show a silent hop between their own "
            "networks and the border on most of their traces: whose routers these are is not "
            "known, and a gateway that never answers looks so."
        )
    return said


def describe(top: Candidate, policy: Policy) -> str:
    """How many organisations pass a candidate, in one sentence."""
    lower, upper = written_bounds(top, policy)
    if top.captured == 1:
        return (
            f"1 of {top.of} other organisations sends at least {asked(policy.captured)} of its "
            f"pairs through {top.node.name} (captured share {top.captured_share:.2f}, "
            f"{asked(policy.confidence)} bounds {lower} to {upper})."
        )
    return (
        f"{top.captured} of {top.of} other organisations send at least {asked(policy.captured)} of "
        f"their pairs through {top.node.name} (captured share {top.captured_share:.2f}, "
        f"{asked(policy.confidence)} bounds {lower} to {upper})."
    )


def written_bounds(top: Candidate, policy: Policy) -> tuple[str, str]:
    """The bounds of a captured share as sentences have them."""
    return captured_between(
        top.lower, top.upper, single=policy.single, diverse_upper=policy.diverse_upper
    )


def _nothing_shared(figures: Figures) -> str:
    shown = (*figures.apart, figures.doubts.meeting_place, figures.doubts.alike)
    names = ", ".join(one.node.name for one in shown if one is not None)
    if names:
        return (
            f"None of {figures.of} organisations passes another domestic network on most of its "
            "traces to any destination abroad whose crossing is known, but for addresses of "
            f"{names}."
        )
    return (
        f"None of {figures.of} organisations passes another domestic network on most of its traces "
        "to any destination abroad whose crossing is known."
    )


def _not_known(figures: Figures, policy: Policy) -> str:
    if figures.silent:
        unknown = figures.silent + figures.gone
        return (
            f"Known to send most of all their pairs that way: {figures.support.mostly} of "
            f"{figures.of + unknown} organisations, those counted of which no way is known in the "
            f"days judged ({unknown}); of the others too many ways are not known."
        )
    if figures.gone:
        return (
            f"Known to send most of all their pairs that way: {figures.support.mostly} of "
            f"{figures.of + figures.gone} organisations, those counted that were measured in the "
            f"{policy.alarm_within_days} days before and not since ({figures.gone}); of the others "
            "too many ways are not known."
        )
    return (
        f"Known to send most of all their pairs that way: {figures.support.mostly} of {figures.of} "
        "organisations; of the others too many ways are not known."
    )


def _by_themselves(figures: Figures) -> str:
    return (
        "Passed by addresses, there or right behind, by which nobody else comes, as where only its "
        f"numbers are on the way: {figures.support.alone} of those captured."
    )


def _one_class(figures: Figures) -> str:
    captured, of = figures.support.elsewhere
    return (
        f"Without the destinations of one operator on one continent it is passed by {captured} of "
        f"{of} organisations, and the way to these may have reasons of its own."
    )


def _meeting_place(met: Candidate) -> str:
    if met.node.kind == "exchange":
        return (
            f"{met.captured} of {met.of} organisations cross the exchange {met.node.name}; no one "
            "operator is known to stand behind its ports, so it is a meeting place and not named a "
            "gateway."
        )
    return (
        f"{met.captured} of {met.of} organisations cross {met.node.name}, which looks like the "
        "peering LAN of an exchange that no list names: each of its addresses leads to one "
        "network, wherever a path comes from. So it is a meeting place and not named a gateway."
    )


def _numbers_only(figures: Figures) -> list[str]:
    reasons = []
    for apart in figures.apart:
        reasons.append(_only_numbers(apart))
        if apart.node in figures.meeting_in_pairs:
            reasons.append(
                f"Most of them come by an address of {apart.node.name}, or right behind, by which "
                "one other comes as well: a gateway of many sites looks so, and networks measured "
                "besides tell whether more meet there."
            )
    return reasons


def _only_numbers(apart: Candidate) -> str:
    name = apart.node.name
    if apart.blocks and not any(map(has_one_owner, apart.blocks)):
        return (
            f"{apart.captured} of {apart.of} organisations show hops of {name}, which any network "
            "may number itself by, but too few go on over the same addresses right behind: they "
            "may number themselves alike, or pass a gateway by too many links. So it is not named "
            f"a gateway, and the figures count the ways as if {name} were not there."
        )
    return (
        f"{apart.captured} of {apart.of} organisations show addresses of {name}, but too few "
        "come by the same ones, there or right behind: they may have numbers or lines of it, "
        "or pass it by too many links. So it is not named a gateway, and the figures count the "
        f"ways as if {name} were not there."
    )
