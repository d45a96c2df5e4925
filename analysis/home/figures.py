"""What the rule looks at for the ways at home, as `analysis.grading.levels.Figures` is of abroad.

Decides nothing: the rule is `analysis.home.hub`, and what it asks for is listed in
`analysis.home.criteria`.
"""

from __future__ import annotations

from dataclasses import dataclass

from analysis.grading.levels import enough_without
from analysis.policy import Policy
from analysis.shares.convergence import Candidate


@dataclass(frozen=True, slots=True)
class Standing:
    """A candidate, judged by the organisations that traced, and what bears out that it is a hub.

    ``reached`` is the same node, judged by the networks that were traced to, and
    ``reached_weighed`` its share when these weigh by ``unit``: where few were traced to, who
    provides for most of them is on everybody's way there, and is no hub for that. ``covered`` is
    the part of the country's users or addresses (``unit``) that was measured, ``weighed`` the
    candidate's share by these. ``turns`` counts whom it captures by turns with others. ``meets``
    says that it is a place where networks meet and no more: no reader may take the name of such a
    one for an accusation.
    """

    candidate: Candidate
    reached: Candidate
    reached_weighed: float
    covered: float
    weighed: float
    unit: str
    turns: int
    meets: bool

    def is_always_passed(self, policy: Policy) -> bool:
        """Whether turns leave as many that pass the candidate as a single hub needs."""
        return enough_without(self.turns, self.candidate.captured, self.candidate.of, policy)


@dataclass(frozen=True, slots=True)
class Spread:
    """What may keep the ways from being "diverse" though nobody is known to stand between most.

    ``abroad`` is the share of the known ways that go abroad. ``carrier`` is the organisation that
    most pass, at home or on those. ``unmapped`` are all blocks in between whose owner no table
    names, taken together. ``apart`` is an organisation that only lends its numbers to what is in
    between. ``effective`` is how many equally used hubs would be as concentrated.
    """

    abroad: float
    carrier: Candidate | None
    unmapped: Candidate | None
    apart: Candidate | None
    effective: float


@dataclass(frozen=True, slots=True)
class HomeFigures:
    """All that the rule looks at.

    ``organisations`` counts those of which a way to another one is known; ``resolved`` is the share
    of an organisation's pairs whose way is, as the mean over organisations. ``silent`` counts the
    others that traced and of which no way is known: where only a hub's routers answer, they are
    those that do not pass it. ``standing`` is of the strongest candidate, None where there is none.
    """

    organisations: int
    resolved: float
    silent: int
    spread: Spread
    standing: Standing | None

    @property
    def of(self) -> int:
        """How many organisations are judged, besides the candidate where there is one."""
        return self.standing.candidate.of if self.standing else self.organisations
