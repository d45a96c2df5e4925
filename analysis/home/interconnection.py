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
from analysis.grading.nameable import own_names
from analysis.grading.standard import JudgingTable, Standard
from analysis.home.criteria import criteria_at_home
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
from analysis.home.figures import HomeFigures, Spread, Standing
from analysis.home.hub import DomesticGrade, domestic_grade
from analysis.owners.operators import Node
from analysis.policy import Policy
from analysis.shares.convergence import Candidate, captured_by, mean_share, weighted_share
from analysis.shares.coverage import covered
from analysis.shares.turns import by_turns, telling


@dataclass(frozen=True, slots=True)
class Domestic:
    """The paths between domestic organisations, judged.

    Grade and reason speak of the candidate in ``figures``, named or not. ``untold`` counts the
    traces of which the way is not known for want of RTTs.
    """

    pairs: list[DomesticPair]
    figures: HomeFigures
    grade: DomesticGrade
    reason: str
    untold: int
    criteria: list[Criterion]

    @property
    def strongest(self) -> Candidate | None:
        """The candidate that grade and reason speak of."""
        return self.figures.standing.candidate if self.figures.standing else None

    @property
    def hub(self) -> Candidate | None:
        """Who may be named, by the grade."""
        return self.strongest if self.grade in {"concentrated", "single_hub"} else None

    @property
    def meeting_place(self) -> bool:
        """Whether whoever is named is a place where networks meet, and no more."""
        standing = self.figures.standing
        return self.hub is not None and standing is not None and standing.meets


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
    standard: Standard,
    *,
    displaced: Mapping[str, dt.date],
) -> Domestic:
    """Judge how the organisations of a country reach each other.

    ``displaced`` are organisations that lost unsigned traces, since the sender of these speaks for
    another network, each with the last day of such a trace: if nothing else is known of one, its
    ways count as not known.
    """
    table, policy = standard.table, standard.policy
    since = family.timeline.since or dt.date.min
    walked = walk(family.observations, policy)
    own = partial(own_names, table=table)
    places = _Places(
        frozenset(one.node for one in family.candidates if one.is_passed_by_most(policy)),
        frozenset(family.lans),
        table,
    )
    ways = _ways(walked, family, own, places, policy)
    heard = {pair.organisation for pair in ways.known}
    traced = {pair.organisation for pair in ways.pairs}
    silent = traced.union(name for name, last in displaced.items() if last >= since) - heard
    spread = _spread(ways.known, family, own, policy)
    resolved = mean_share((pair.organisation, pair.way != "unknown") for pair in ways.pairs)

    def judged(candidate: Candidate | None) -> Domestic:
        unheard = silent - (own(candidate.node) if candidate else frozenset())
        figures = HomeFigures(
            organisations=len(heard),
            resolved=resolved,
            silent=len(unheard),
            spread=spread,
            standing=_standing(candidate, ways, own, places, standard) if candidate else None,
        )
        return Domestic(
            ways.pairs,
            figures,
            *domestic_grade(figures, policy),
            untold=sum(seen.traces for seen, path in walked if path.untold),
            criteria=criteria_at_home(figures, policy),
        )

    strongest = ways.candidates[0] if ways.candidates else None
    found = judged(strongest)
    # A meeting place that more organisations cross hides no hub that stands beside it.
    hub = next((one for one in ways.candidates if places.may_be_hub(one.node)), None)
    if hub is not None and hub is not strongest:
        of_hub = judged(hub)
        if of_hub.grade == "single_hub":
            return of_hub
    return found


def _standing(
    candidate: Candidate,
    ways: _Ways,
    own: Callable[[Node], frozenset[str]],
    places: _Places,
    standard: Standard,
) -> Standing:
    """What bears out that a candidate is a hub."""
    weights, policy = standard.weights, standard.policy
    reached = reached_over(candidate.node, ways.known, own, policy)
    turning = by_turns(telling(turns_at_home(ways.mesh)), policy)(candidate.node)
    return Standing(
        candidate,
        reached,
        reached_weighed=weighted_share(reached.shares, weights.of) or 0.0,
        covered=covered(candidate.shares, own(candidate.node), weights),
        weighed=weighted_share(candidate.shares, weights.of) or 0.0,
        unit=weights.unit,
        turns=len(captured_by(candidate.shares, policy) & turning),
        meets=not places.may_be_hub(candidate.node),
    )


class _Ways(NamedTuple):
    """The ways at home: as paths, as pairs, and whom these pass."""

    mesh: Mesh
    pairs: list[DomesticPair]
    candidates: list[Candidate]

    @property
    def known(self) -> list[DomesticPair]:
        """The pairs whose way is known."""
        return [pair for pair in self.pairs if pair.way != "unknown"]


def _ways(
    walked: Sequence[Walked],
    family: Family,
    own: Callable[[Node], frozenset[str]],
    places: _Places,
    policy: Policy,
) -> _Ways:
    """The ways, without networks that are on them by their numbers alone.

    Whoever was refused for that abroad is left out at home too, unless those that pass it meet
    there. Of the others it is asked only who would be a hub: of few paths one cannot tell whether
    they join.
    """

    def without(apart: frozenset[Node]) -> _Ways:
        mesh = mesh_of(walked, family.blocks, policy, lans=frozenset(family.lans), apart=apart)
        pairs = domestic_pairs(mesh)
        return _Ways(mesh, pairs, hub_candidates(pairs, family.blocks, own, policy))

    doubted = (part for one in family.figures.apart for part in family.blocks.parts(one.node))
    apart = passed_apart(doubted, walked, policy)
    found = without(apart)
    named = [
        one.node
        for one in found.candidates
        if one.of >= policy.organisations and one.is_passed_by_most(policy)
    ]
    lines = lines_of(named, walked, family.blocks, may_be_ports=places.may_be_ports)
    return without(apart | lines) if lines else found


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
