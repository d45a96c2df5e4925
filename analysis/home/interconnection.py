"""The paths between a country's own networks, judged: from observations to the hub and its grade.

Puts the steps in order, as `analysis.grading.family` does for the ways abroad, and takes from there
which blocks are one operator's, what looks like a peering LAN, and who is a candidate abroad. What
stands between two networks is found in `analysis.home.domestic`; grades are given in
`analysis.home.hub`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

from analysis.grading.criteria import Criterion
from analysis.grading.family import Family
from analysis.grading.nameable import JudgingTable, own_names
from analysis.grading.verdict import not_representative
from analysis.home.criteria import Standing, criteria_at_home
from analysis.home.domestic import (
    DomesticPair,
    Mesh,
    Walked,
    behind_the_unmapped,
    domestic_pairs,
    effective_hubs,
    hub_candidates,
    lines_of,
    mesh_of,
    passed_apart,
    reached_over,
    share_abroad,
    turns_at_home,
    walk,
)
from analysis.home.hub import (
    DomesticGrade,
    Spread,
    domestic_grade,
    not_diverse,
    only_meets,
    reach_few,
    take_turns,
)
from analysis.owners.operators import Node
from analysis.policy import Policy
from analysis.shares.convergence import Candidate, captured_by, mean_share, weighted_share
from analysis.shares.coverage import Weights, covered
from analysis.shares.turns import by_turns, telling


@dataclass(frozen=True, slots=True)
class Domestic:
    """The paths between domestic organisations, judged.

    ``strongest`` is the candidate that grade and reason speak of, named or not. ``organisations``
    counts those with a known way to another one, ``untold`` the traces of which it is not known for
    want of RTTs, and ``meets`` says that the strongest is no more than a meeting place.
    """

    pairs: list[DomesticPair]
    strongest: Candidate | None
    grade: DomesticGrade
    reason: str
    organisations: int
    effective_hubs: float
    untold: int
    meets: bool
    criteria: list[Criterion]

    @property
    def hub(self) -> Candidate | None:
        """Who may be named, by the grade."""
        return self.strongest if self.grade in {"concentrated", "single_hub"} else None

    @property
    def meeting_place(self) -> bool:
        """Whether whoever is named is a place where networks meet, and no more."""
        return self.hub is not None and self.meets


class _Places(NamedTuple):
    """Which nodes are places to meet in, and which of these may be more.

    ``abroad_too`` are those that most organisations pass on their ways abroad, ``lans`` what looks
    like the peering LAN of an exchange.
    """

    abroad_too: Collection[Node]
    lans: Collection[Node]
    table: JudgingTable

    def may_be_hub(self, node: Node) -> bool:
        """Whether a node may be more than a meeting place.

        An exchange may if most organisations cross it on their ways abroad as well.
        """
        if self.table.is_watched(node.name):
            return True
        return node in self.abroad_too if node.kind == "exchange" else node not in self.lans

    def may_be_ports(self, node: Node) -> bool:
        """Whether networks may be entered at addresses of a node without being its border there."""
        return node in self.abroad_too or node in self.lans or self.table.is_watched(node.name)


def judge_domestic(
    family: Family,
    table: JudgingTable,
    weights: Weights,
    policy: Policy,
    *,
    displaced: Mapping[str, dt.date],
) -> Domestic:
    """Judge how the organisations of a country reach each other.

    ``displaced`` are those of which traces were left out as those of another's network, with their
    last day: where nothing else is known of one, its ways are not known.
    """
    since = family.timeline.since or dt.date.min
    walked = walk(family.observations, policy)
    own = partial(own_names, table=table)
    places = _Places(
        frozenset(one.node for one in family.candidates if one.is_passed_by_most(policy)),
        frozenset(family.lans),
        table,
    )
    may_be_hub = places.may_be_hub
    mesh, pairs, candidates = _pairs_and_candidates(walked, family, own, places, policy)
    known = [pair for pair in pairs if pair.way != "unknown"]
    heard = {pair.organisation for pair in known}
    traced = {pair.organisation for pair in pairs}
    silent = traced.union(name for name, last in displaced.items() if last >= since) - heard
    spread = _spread(known, family, own, policy)
    against_diverse = not_diverse(spread, policy)
    resolved = mean_share((pair.organisation, pair.way != "unknown") for pair in pairs)

    def standing(candidate: Candidate) -> Standing:
        reached = reached_over(candidate.node, known, own, policy)
        turning = by_turns(telling(turns_at_home(mesh)), policy)(candidate.node)
        return Standing(
            reached,
            reached_weighed=weighted_share(reached.shares, weights.of) or 0.0,
            covered=covered(candidate.shares, own(candidate.node), weights),
            weighed=weighted_share(candidate.shares, weights.of) or 0.0,
            meets=not may_be_hub(candidate.node),
            turns=len(captured_by(candidate.shares, policy) & turning),
        )

    def graded(candidate: Candidate | None) -> Domestic:
        stands = standing(candidate) if candidate else None
        unheard = len(silent - (own(candidate.node) if candidate else frozenset()))
        grade, reason = domestic_grade(
            candidate,
            len(heard),
            resolved,
            reached=stands.reached if stands else None,
            silent=unheard,
            meets=stands is not None and stands.meets,
            against_single=_not_single(candidate, stands, weights, policy)
            if candidate and stands
            else (),
            against_diverse=against_diverse,
            policy=policy,
        )
        return Domestic(
            pairs,
            candidate,
            grade,
            reason,
            len(heard),
            spread.effective,
            untold=sum(seen.traces for seen, path in walked if path.untold),
            meets=stands is not None and stands.meets,
            criteria=criteria_at_home(
                candidate,
                stands,
                spread,
                organisations=len(heard),
                resolved=resolved,
                silent=unheard,
                policy=policy,
            ),
        )

    strongest = candidates[0] if candidates else None
    found = graded(strongest)
    # A meeting place that more organisations cross hides no hub that stands beside it.
    hub = next((one for one in candidates if may_be_hub(one.node)), None)
    if hub is not None and hub is not strongest:
        of_hub = graded(hub)
        if of_hub.grade == "single_hub":
            return of_hub
    return found


def _pairs_and_candidates(
    walked: Sequence[Walked],
    family: Family,
    own: Callable[[Node], frozenset[str]],
    places: _Places,
    policy: Policy,
) -> tuple[Mesh, list[DomesticPair], list[Candidate]]:
    """The paths, the pairs and their candidates, where those do not count of whom only numbers are.

    Whoever was refused abroad for that is one at home too, unless those that pass it meet there. Of
    another it is asked only where it would be a hub: few paths cannot tell whether ways join there.
    """

    def folded(apart: frozenset[Node]) -> tuple[Mesh, list[DomesticPair], list[Candidate]]:
        mesh = mesh_of(walked, family.blocks, policy, lans=frozenset(family.lans), apart=apart)
        pairs = domestic_pairs(mesh)
        return mesh, pairs, hub_candidates(pairs, family.blocks, own, policy)

    doubted = (part for one in family.figures.apart for part in family.blocks.parts(one.node))
    apart = passed_apart(doubted, walked, policy)
    found = folded(apart)
    named = [
        one.node
        for one in found[2]
        if one.of >= policy.organisations and one.is_passed_by_most(policy)
    ]
    lines = lines_of(named, walked, family.blocks, may_be_ports=places.may_be_ports)
    return folded(apart | lines) if lines else found


def _not_single(
    candidate: Candidate, stands: Standing, weights: Weights, policy: Policy
) -> list[str]:
    """Why it is no single hub though the bounds would make it one."""
    reasons = [only_meets(candidate.node)] if stands.meets else []
    reasons += not_representative(stands.covered, stands.weighed, weights.unit, policy)
    if stands.reached_weighed < policy.single_weighed:
        reasons.append(reach_few(stands.reached_weighed, weights.unit, policy))
    if not stands.is_always_passed(candidate, policy):
        reasons.append(take_turns(stands.turns, policy))
    return reasons


def _spread(
    known: Sequence[DomesticPair],
    family: Family,
    own: Callable[[Node], frozenset[str]],
    policy: Policy,
) -> Spread:
    """What may keep the known ways from being "diverse".

    Here whoever carries a way abroad and back counts like those between.
    """
    generous = [replace(pair, between=pair.passed) for pair in known]
    passed = hub_candidates(generous, family.blocks, own, policy)
    numbers = [replace(pair, between=pair.apart) for pair in known]
    numbered = hub_candidates(numbers, family.blocks, own, policy)
    return Spread(
        abroad=share_abroad(known),
        carrier=next((one for one in passed if one.node.kind == "organisation"), None),
        unmapped=behind_the_unmapped(known, policy),
        apart=next(iter(numbered), None),
        effective=effective_hubs(generous, passed, own),
    )
