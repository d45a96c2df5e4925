"""The rule that turns figures into a grade: of the ways abroad, nothing else gives one.

It is conservative by order: first whether anything may be said at all, then whether an operator
may be named, then whether convergence may be excluded, and what is left is "mixed". Every step
leaves a sentence, so that a verdict shows its work. The ways at home are graded in `analysis.hub`,
by the same levels; how far a single gateway reaches is said in `analysis.scope`.
"""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass
from typing import Literal

from analysis.convergence import Candidate
from analysis.intervals import captured_bounds
from analysis.operators import Node
from analysis.policy import Policy
from analysis.wording import asked, beside, captured_between, down, part, up

Grade = Literal["insufficient", "diverse", "mixed", "concentrated", "single_gateway"]

Level = Literal["single", "concentrated", "between", "open"]
"""What bounds alone say of a captured share, the strongest first."""

# Levels at which somebody may be named.
NAMES: frozenset[Level] = frozenset({"single", "concentrated"})

LIMITS = (
    "Diverse would mean that no convergence was seen at the IP layer, never that no gateway "
    "exists: MPLS tunnels, taps, layer-2 transport, boxes that keep the TTL, and return paths "
    "are out of sight.",
    "Countries are those of registration; a router may stand elsewhere.",
)


@dataclass(frozen=True, slots=True)
class Figures:
    """All the rule looks at, for one address family."""

    top: Candidate | None
    """The strongest candidate that may be named."""
    of: int
    """How many organisations are judged, besides the candidate where there is one."""
    captured: int
    lower: float
    upper: float
    mostly: int
    """Captured organisations that send more than half of *all* their pairs through the candidate,
    those of unknown ways among them."""
    gone: int
    """Others that were measured in the weeks before the days judged, and not in these."""
    silent: int
    """Others that were measured in these days, and of whose ways abroad none is known."""
    elsewhere: tuple[int, int]
    """Captured organisations that pass the candidate to destinations outside of one class, and how
    many organisations were measured there: of the class without which these are fewest."""
    keys: int
    """Keys (or vantage points without one) in captured organisations that show the candidate."""
    unaided: float
    """The share of organisations that are captured by the address table alone."""
    rivals: int
    """Other candidates that divide the organisations with this one (see
    `analysis.convergence.rivals`)."""
    covered: float
    """The share of the country's users or addresses (``unit``) that was measured."""
    weighed: float
    """The candidate's share when organisations weigh by these."""
    unit: str
    by_turns: int
    """Captured organisations that pass the candidate by turns with others (see `analysis.turns`).
    """
    pairs: int
    resolved: float
    """The share of pairs whose crossing is known, as the mean over organisations."""
    destination_classes: int
    continents: int
    """Those on which the destinations stand to which most of the organisations behind the candidate
    pass it."""
    days: int
    """Those on which most of the captured organisations were measured and did not mostly go
    elsewhere (see `analysis.convergence.days_of_most`)."""
    effective_gateways: float
    meeting_place: Candidate | None
    """An exchange that most organisations cross but behind which no one operator stands, or a node
    that looks like the peering LAN of one."""
    alike: Candidate | None
    """Private blocks that most organisations show and that are no candidate."""
    apart: tuple[Candidate, ...]
    """Networks whose numbers most organisations show without meeting in them. All other figures are
    as if these were not there."""
    thin: float
    """The share of organisations that leave by shared foreign interfaces."""
    veiled: float
    """The share of organisations of which silence hides who stands between them and the border."""
    lenient: Candidate | None
    """The candidate as the lenient reading has it."""
    rival: Candidate | None
    """A node that would beat the candidate in the lenient reading."""
    at_times: Candidate | None
    """Whom most organisations pass on a part of the traces of most pairs, though not on most."""
    by_weight: tuple[Candidate, float] | None
    """Whom half of what was measured or more passes, weighed by users or addresses, and how much;
    of those that capture ``key_organisations``, and half also without the largest network."""
    in_twos: frozenset[Node]
    """Those of ``apart`` in which most organisations meet one other, and no more."""
    late: Figures | None
    """Those of the last days with data, None where these are half of all days or more."""

    @property
    def share(self) -> float:
        """The fraction of the organisations judged that are captured, 0.0 where there are none."""
        return self.captured / self.of if self.of else 0.0

    @property
    def share_of_measured(self) -> float:
        """The same of those measured, also of those of which no way is known."""
        return self.captured / (self.of + self.silent) if self.of else 0.0

    def would_lead(self, policy: Policy) -> bool:
        """Whether most organisations pass somebody else if doubtful hops are read generously."""
        return self.rival is not None and self.rival.is_passed_by_most(policy)


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
    """The level by the organisations that pass the candidate whatever way their other pairs take.

    Most pairs may be known on the whole though hardly any of some organisations are, or none; nor
    is any of those that were measured until shortly before the days judged.
    """
    of = figures.of + figures.silent + figures.gone
    bounds = captured_bounds(figures.mostly, of, policy.confidence)
    return level(figures.mostly, of, *bounds, policy)


def level_elsewhere(figures: Figures, policy: Policy) -> Level:
    """The level without the destinations of any one class.

    There may be many classes on the whole though most organisations were measured to one only.
    """
    captured, of = figures.elsewhere
    if of < policy.organisations:
        return "between"
    return level(captured, of, *captured_bounds(captured, of, policy.confidence), policy)


def lower_as_best_of_several(figures: Figures, policy: Policy) -> float:
    """The lower bound of the captured share, given that the candidate is the best of several.

    Chance makes somebody the first, and whoever it is is looked at: so all that were in question
    are bounded together (Bonferroni). No more than ``1 / concentrated_lower`` of them can have
    that share at once.

    Source: Dunn, Journal of the American Statistical Association 56 (1961), 52–64.
    """
    several = 1 + figures.rivals
    if policy.concentrated_lower:
        several = min(several, max(1, math.floor(1 / policy.concentrated_lower)))
    confidence = 1 - (1 - policy.confidence) / several
    return captured_bounds(figures.captured, figures.of, confidence)[0]


def mostly_always(figures: Figures, policy: Policy) -> bool:
    """Whether turns leave as many that pass the candidate as a single gateway needs.

    Where nobody takes turns, too few are a matter of the share alone.
    """
    always = figures.captured - figures.by_turns
    return not figures.by_turns or always >= policy.single_share * figures.of


def strict_and_lenient_agree(figures: Figures, policy: Policy) -> bool:
    """Whether reading doubtful hops generously changes neither the candidate nor its level.

    A candidate that the lenient reading does not have at all captures nobody there.
    """
    strict, lenient = figures.top, figures.lenient
    if figures.rival is not None:
        return False
    if strict is None:
        return True
    captured, of = (lenient.captured, lenient.of) if lenient else (0, strict.of)
    return level(strict.captured, strict.of, strict.lower, strict.upper, policy) == level(
        captured, of, *captured_bounds(captured, of, policy.confidence), policy
    )


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


def _against_single(figures: Figures, policy: Policy) -> list[str]:
    """Why a share that would suffice for "single gateway" still is not called so."""
    reasons = []
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
    reasons += not_representative(figures.covered, figures.weighed, figures.unit, policy)
    if figures.days < policy.days:
        reasons.append(
            f"Most of those captured were measured on {figures.days} of the {policy.days} days "
            "needed, not counting days on which they mostly went elsewhere."
        )
    if figures.unaided < policy.unaided:
        reasons.append(
            f"By the address table alone {beside(figures.unaided, policy.unaided)} of the "
            f"organisations are captured; {asked(policy.unaided)} are needed, lest a few that lie "
            "about links convict the others."
        )
    if not mostly_always(figures, policy):
        reasons.append(
            f"Passed by turns, with more than {asked(1 - policy.captured)} of the traces over "
            f"somebody else at home or straight abroad: {figures.by_turns} of those captured."
        )
    as_everywhere = figures.elsewhere == (figures.captured, figures.of)
    if not as_everywhere and level_elsewhere(figures, policy) != "single":
        reasons.append(_one_class(figures))
    if not strict_and_lenient_agree(figures, policy):
        reasons.append(
            "The strict and the lenient reading do not agree: read leniently, "
            f"{figures.rival.node.name} would lead."
            if figures.rival
            else "The strict and the lenient reading do not agree."
        )
    return reasons


def not_representative(covered: float, weighed: float, unit: str, policy: Policy) -> list[str]:
    """Why the organisations measured do not stand for the country, so that nobody is "single".

    ``covered`` and ``weighed`` are as in `Figures`.
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


def _not_known(figures: Figures, policy: Policy) -> str:
    if figures.silent:
        unknown = figures.silent + figures.gone
        return (
            f"Known to send most of all their pairs that way: {figures.mostly} of "
            f"{figures.of + unknown} organisations, those counted of which no way is known in the "
            f"days judged ({unknown}); of the others too many ways are not known."
        )
    if figures.gone:
        return (
            f"Known to send most of all their pairs that way: {figures.mostly} of "
            f"{figures.of + figures.gone} organisations, those counted that were measured in the "
            f"{policy.alarm_within_days} days before and not since ({figures.gone}); of the others "
            "too many ways are not known."
        )
    return (
        f"Known to send most of all their pairs that way: {figures.mostly} of {figures.of} "
        "organisations; of the others too many ways are not known."
    )


def _one_class(figures: Figures) -> str:
    captured, of = figures.elsewhere
    return (
        f"Without the destinations of one operator on one continent it is passed by {captured} of "
        f"{of} organisations, and the way to these may have reasons of its own."
    )


def _against_naming(figures: Figures, policy: Policy) -> list[str]:
    """Why what a few could have invented names nobody, however much it seems to capture."""
    reasons = []
    if figures.keys < policy.keys or figures.captured < policy.key_organisations:
        reasons.append(
            f"Before an operator is named, {policy.keys} keys in {policy.key_organisations} "
            f"organisations must say so; of those that do there are {figures.keys} in "
            f"{figures.captured}."
        )
    best_of = lower_as_best_of_several(figures, policy)
    if best_of <= policy.concentrated_lower:
        least = beside(best_of, policy.concentrated_lower, ".2f", operator.gt, down)
        reasons.append(
            f"The organisations divide between {figures.rivals + 1} operators, of which one leads "
            f"in any sample: allowing for that, the lower bound is {least}; more than "
            f"{asked(policy.concentrated_lower, '.2f')} is needed before an operator is named."
        )
    if figures.unaided < policy.unaided_name:
        reasons.append(
            f"By the address table alone {beside(figures.unaided, policy.unaided_name)} of the "
            f"organisations are captured; {asked(policy.unaided_name)} are needed before an "
            "operator is named, lest a few that lie about links convict the others."
        )
    if level_of_all_pairs(figures, policy) not in NAMES:
        reasons.append(_not_known(figures, policy))
    if level_elsewhere(figures, policy) not in NAMES:
        reasons.append(_one_class(figures))
    return reasons


def written_bounds(top: Candidate, policy: Policy) -> tuple[str, str]:
    """The bounds of a captured share as sentences have them."""
    return captured_between(
        top.lower, top.upper, single=policy.single, diverse_upper=policy.diverse_upper
    )


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


def _named_or_mixed(figures: Figures, says: Level, policy: Policy) -> tuple[Grade, list[str]]:
    """The grade where the bounds alone would name the candidate, and what speaks against more."""
    if figures.continents < policy.continents:
        return "mixed", [
            "Most of those that it captures pass it to destinations on "
            f"{figures.continents} of the {policy.continents} continents needed: these may "
            "share a way for reasons of their own, so no operator is named."
        ]
    unproven = _against_naming(figures, policy)
    if unproven:
        return "mixed", unproven
    against = _against_single(figures, policy)
    if says == "single" and not against:
        return "single_gateway", []
    return "concentrated", against


def _nothing_shared(figures: Figures) -> str:
    shown = (*figures.apart, figures.meeting_place, figures.alike)
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
        name = apart.node.name
        reasons.append(
            f"{apart.captured} of {apart.of} organisations show addresses of {name}, but too few "
            "come by the same ones, there or right behind: they may have numbers or lines of it, "
            "or pass it by too many links. So it is not named a gateway, and the figures count the "
            f"ways as if {name} were not there."
        )
        if apart.node in figures.in_twos:
            reasons.append(
                f"Most of them come by an address of {name}, or right behind, by which one other "
                "comes as well: a gateway of many sites looks so, and networks measured besides "
                "tell whether more meet there."
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
    doubts = []
    if figures.meeting_place is not None:
        doubts.append(_meeting_place(figures.meeting_place))
    if figures.alike is not None:
        doubts.append(
            f"{figures.alike.captured} of {figures.alike.of} organisations show hops of "
            f"{figures.alike.node.name} behind their own networks, and do not all go on "
            "together: they may number themselves alike, or pass a gateway of whose ways on too "
            "few were seen, or of which each site has carriers of its own."
        )
    doubts += _numbers_only(figures)
    if figures.at_times is not None:
        passed = figures.at_times
        doubts.append(
            f"{passed.captured} of {passed.of} other organisations pass {passed.node.name} on "
            f"{asked(policy.pair_shown)} or more of the traces of at least "
            f"{asked(policy.captured)} of their pairs: they converge there at times, or with some "
            "of their flows."
        )
    if figures.by_weight is not None:
        heavy, weighed = figures.by_weight
        doubts.append(
            f"Weighed by {figures.unit}, {part(weighed)} of what was measured passes "
            f"{heavy.node.name}, though {heavy.captured} of {heavy.of} organisations do: they are "
            "large."
        )
    if figures.rival is not None and figures.would_lead(policy):
        doubts.append(
            f"If doubtful hops are read generously, {figures.rival.captured} of {figures.rival.of} "
            f"organisations pass {figures.rival.node.name}: it may be a gateway, or stand before "
            "their own networks or abroad and be none."
        )
    if figures.thin >= policy.concentrated:
        doubts.append(
            f"{part(figures.thin)} of the organisations leave by the same foreign interfaces: so "
            "they would behind a gateway that is numbered from its customers' links."
        )
    if figures.veiled >= policy.concentrated:
        doubts.append(
            f"{part(figures.veiled)} of the organisations show a silent hop between their own "
            "networks and the border on most of their traces: whose routers these are is not "
            "known, and a gateway that never answers looks so."
        )
    return doubts
