"""The figures that the rule looks at, and what level they reach by their bounds alone.

The same levels serve the ways abroad and those at home. What else a grade asks for, and what is
said of it, is decided in `analysis.grading.verdict` and `analysis.home.hub`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from analysis.owners.operators import Node
from analysis.policy import Policy
from analysis.shares.convergence import Candidate
from analysis.shares.intervals import captured_bounds

Level = Literal["single", "concentrated", "between", "open"]
"""What bounds alone say of a captured share, the strongest first."""

# Levels at which somebody may be named.
NAMES: frozenset[Level] = frozenset({"single", "concentrated"})


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
    `analysis.shares.convergence.rivals`)."""
    covered: float
    """The share of the country's users or addresses (``unit``) that was measured."""
    weighed: float
    """The candidate's share when organisations weigh by these."""
    unit: str
    by_turns: int
    """Captured organisations that pass the candidate by turns with others: `analysis.shares.turns`.
    """
    alone: int
    """Captured organisations that share no address with another where they pass the candidate (see
    `analysis.candidates.meeting`)."""
    pairs: int
    resolved: float
    """The share of pairs whose crossing is known, as the mean over organisations."""
    destination_classes: int
    continents: int
    """Those on which the destinations stand to which most of the organisations behind the candidate
    pass it."""
    days: int
    """Those on which most of the captured organisations were measured and did not mostly go
    elsewhere (see `analysis.shares.convergence.days_of_most`)."""
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
    def uncounted(self) -> tuple[Candidate, ...]:
        """Whose hops most organisations show though no figure has them: ``alike`` and ``apart``."""
        return (*self.apart, *([self.alike] if self.alike is not None else []))

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
    """The level if every pair of which the way is not known went around the candidate.

    Most pairs may be known on the whole, and hardly any of some organisations. Those of which no
    way is known, or that were measured only shortly before the days judged, count as not captured.
    """
    of = figures.of + figures.silent + figures.gone
    bounds = captured_bounds(figures.mostly, of, policy.confidence)
    return level(figures.mostly, of, *bounds, policy)


def level_elsewhere(figures: Figures, policy: Policy) -> Level:
    """The level without the one class of destinations that bears the candidate out most.

    There may be many classes on the whole, though most organisations were measured to one only.
    """
    captured, of = figures.elsewhere
    if of < policy.organisations:
        return "between"
    return level(captured, of, *captured_bounds(captured, of, policy.confidence), policy)


def level_of_those_who_meet(figures: Figures, policy: Policy) -> Level:
    """The level by the organisations that share an address with another at the candidate.

    The others count as not captured: its numbers may be all that is on their ways. But customers of
    a gateway with several sites meet nobody where few are measured. So where ``meeting_share`` of
    all do meet, the others are not counted at all.
    """
    captured, of = figures.captured - figures.alone, figures.of
    if captured >= policy.meeting_share * of:
        of -= figures.alone
    return level(captured, of, *captured_bounds(captured, of, policy.confidence), policy)


def mostly_meet(figures: Figures, policy: Policy) -> bool:
    """Whether enough are left for a single gateway without those that share no address."""
    return enough_without(figures.alone, figures.captured, figures.of, policy)


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
    """Whether enough are left for a single gateway without those that pass it by turns."""
    return enough_without(figures.by_turns, figures.captured, figures.of, policy)


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
    strict, lenient = figures.top, figures.lenient
    if figures.rival is not None:
        return False
    if strict is None:
        return True
    captured, of = (lenient.captured, lenient.of) if lenient else (0, strict.of)
    return level(strict.captured, strict.of, strict.lower, strict.upper, policy) == level(
        captured, of, *captured_bounds(captured, of, policy.confidence), policy
    )
