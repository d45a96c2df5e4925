"""All that the rule looks at, for one version of IP: what a grade is made from, and nothing else.

Each figure is counted elsewhere: who leads in `analysis.grading.readings`, what bears that out in
`analysis.grading.support`, what speaks against diversity in `analysis.grading.doubts`. The rule
itself is `analysis.grading.verdict`; `analysis.home.figures` has the figures of the ways at home.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from analysis.owners.operators import Node
from analysis.policy import Policy
from analysis.shares.convergence import Candidate


class Support(NamedTuple):
    """What bears out that a candidate holds whom it captured; all zero where there is none."""

    mostly: int = 0
    """Captured organisations that send more than half of *all* their pairs through the candidate,
    where a pair of unknown way counts as not sent through it."""
    elsewhere: tuple[int, int] = (0, 0)
    """How many captured organisations pass the candidate when one class of destinations is left
    out, and how many organisations were measured then. It is the class that makes the first
    number smallest beside the second."""
    continents: int = 0
    """Continents with destinations to which most of the captured organisations pass the
    candidate."""
    keys: int = 0
    """Keys in captured organisations that show the candidate; unsigned vantage points count as
    keys."""
    unaided: float = 0.0
    """The share of organisations that are captured by the address table alone."""
    rivals: int = 0
    """Other candidates that divide the organisations with this one (see
    `analysis.shares.convergence.rivals`)."""
    weighed: float = 0.0
    """The candidate's share when organisations weigh by users or addresses."""
    alone: int = 0
    """Captured organisations that share no address with another where they pass the candidate (see
    `analysis.candidates.meeting`)."""
    by_turns: int = 0
    """Captured organisations that pass the candidate by turns with others (see
    `analysis.shares.turns`)."""


class Doubts(NamedTuple):
    """What keeps a country from being called diverse though nobody may be named."""

    meeting_place: Candidate | None
    """An exchange that most organisations cross but behind which no one operator stands, or a node
    that looks like the peering LAN of one."""
    alike: Candidate | None
    """Private blocks that most organisations show and that are no candidate."""
    thin: float
    """The share of organisations that leave by shared foreign interfaces."""
    veiled: float
    """The share of organisations in whose paths silent hops hide who stands between them and the
    border."""
    at_times: Candidate | None
    """Whom most organisations pass on a part of the traces of most pairs, though not on most."""
    by_weight: tuple[Candidate, float] | None
    """Whom half of the users or addresses measured pass, and the share that does. It captures at
    least ``key_organisations``, and half of the rest without the largest network."""


class Lenient(NamedTuple):
    """The candidate where doubtful hops are read generously, and who would beat it there.

    ``candidate`` is None where that reading does not have it.
    """

    candidate: Candidate | None
    rival: Candidate | None


@dataclass(frozen=True, slots=True)
class Figures:
    """All the rule looks at, for one version of IP."""

    top: Candidate | None
    """The strongest candidate that may be named."""
    of: int
    """How many organisations are judged, besides the candidate where there is one."""
    captured: int
    lower: float
    upper: float
    gone: int
    """Others that were measured in the weeks before the days judged, and not in these."""
    silent: int
    """Others that were measured in these days, and of whose ways abroad none is known."""
    covered: float
    """The share of the country's users or addresses (``unit``) that was measured."""
    unit: str
    pairs: int
    resolved: float
    """The share of pairs whose crossing is known, as the mean over organisations."""
    destination_classes: int
    days: int
    """Those on which most of the captured organisations were measured and did not mostly go
    elsewhere (see `analysis.shares.convergence.days_of_most`)."""
    effective_gateways: float
    support: Support
    doubts: Doubts
    lenient: Lenient
    apart: tuple[Candidate, ...]
    """Networks whose numbers most organisations show without meeting in them. All other figures are
    as if these were not there."""
    meeting_in_pairs: frozenset[Node]
    """Those of ``apart`` in which most organisations meet one other, and no more."""
    late: Figures | None
    """Those of the last days with data, None where these are half of all days or more."""

    @property
    def uncounted(self) -> tuple[Candidate, ...]:
        """Whose hops most organisations show though no figure has them."""
        alike = self.doubts.alike
        return (*self.apart, *([alike] if alike is not None else []))

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
        rival = self.lenient.rival
        return rival is not None and rival.is_passed_by_most(policy)
