"""The paths between a country's own networks, judged: from observations to the hub and its grade.

Puts the steps in order, as `analysis.grading.family` does for the ways abroad, and takes from there
which blocks are one operator's, what looks like a peering LAN, and who is a candidate abroad. What
stands between two networks is found in `analysis.home.domestic`; grades are given in
`analysis.home.hub`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from analysis.grading.family import Family
from analysis.grading.nameable import JudgingTable, own_names
from analysis.grading.verdict import not_representative
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

    @property
    def hub(self) -> Candidate | None:
        """Who may be named, by the grade."""
        return self.strongest if self.grade in {"concentrated", "single_hub"} else None

    @property
    def meeting_place(self) -> bool:
        """Whether whoever is named is a place where networks meet, and no more."""
        return self.hub is not None and self.meets


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
    mesh, pairs, candidates = _pairs_and_candidates(walked, family, own, policy)
    known = [pair for pair in pairs if pair.way != "unknown"]
    may_be_hub = _may_be_hub(family, table, policy)

    def merely_meets(candidate: Candidate | None) -> bool:
        return candidate is not None and not may_be_hub(candidate.node)

    heard = {pair.organisation for pair in known}
    traced = {pair.organisation for pair in pairs}
    silent = traced.union(name for name, last in displaced.items() if last >= since) - heard
    effective, against_diverse = _diversity(known, family, own, policy)

    def against_single(candidate: Candidate, reached: Candidate) -> list[str]:
        meets = [only_meets(candidate.node)] if merely_meets(candidate) else []
        weighed = weighted_share(reached.shares, weights.of) or 0.0
        few = [] if weighed >= policy.single_weighed else [reach_few(weighed, weights.unit, policy)]
        turning = by_turns(telling(turns_at_home(mesh)), policy)(candidate.node)
        turns = len(captured_by(candidate.shares, policy) & turning)
        always = candidate.captured - turns >= policy.single_share * candidate.of
        changing = [] if always else [take_turns(turns, policy)]
        return [*meets, *_not_representative(candidate, own, weights, policy), *few, *changing]

    def graded(candidate: Candidate | None) -> tuple[DomesticGrade, str]:
        reached = reached_over(candidate.node, known, own, policy) if candidate else None
        return domestic_grade(
            candidate,
            len(heard),
            mean_share((pair.organisation, pair.way != "unknown") for pair in pairs),
            reached=reached,
            silent=len(silent - (own(candidate.node) if candidate else frozenset())),
            meets=merely_meets(candidate),
            against_single=against_single(candidate, reached) if candidate and reached else (),
            against_diverse=against_diverse,
            policy=policy,
        )

    strongest = candidates[0] if candidates else None
    grade, reason = graded(strongest)
    # A meeting place that more organisations cross hides no hub that stands beside it.
    hub = next((one for one in candidates if may_be_hub(one.node)), None)
    if hub is not None and hub is not strongest:
        of_hub = graded(hub)
        if of_hub[0] == "single_hub":
            strongest, (grade, reason) = hub, of_hub
    untold = sum(seen.traces for seen, path in walked if path.untold)
    return Domestic(
        pairs,
        strongest,
        grade,
        reason,
        len(heard),
        effective,
        untold,
        meets=merely_meets(strongest),
    )


def _pairs_and_candidates(
    walked: Sequence[Walked],
    family: Family,
    own: Callable[[Node], frozenset[str]],
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
    lines = lines_of(named, walked, family.blocks)
    return folded(apart | lines) if lines else found


def _may_be_hub(family: Family, table: JudgingTable, policy: Policy) -> Callable[[Node], bool]:
    """Whether a node may be more than a meeting place.

    An exchange may if most organisations cross it on their ways abroad as well.
    """
    abroad_too = {c.node for c in family.candidates if c.is_passed_by_most(policy)}

    def may_be_hub(node: Node) -> bool:
        if table.is_watched(node.name):
            return True
        return node in abroad_too if node.kind == "exchange" else node not in family.lans

    return may_be_hub


def _not_representative(
    hub: Candidate, own: Callable[[Node], frozenset[str]], weights: Weights, policy: Policy
) -> list[str]:
    return not_representative(
        covered(hub.shares, own(hub.node), weights),
        weighted_share(hub.shares, weights.of) or 0.0,
        weights.unit,
        policy,
    )


def _diversity(
    known: Sequence[DomesticPair],
    family: Family,
    own: Callable[[Node], frozenset[str]],
    policy: Policy,
) -> tuple[float, list[str]]:
    """The effective hubs, and why the known ways are not "diverse".

    Here whoever carries a way abroad and back counts like those between.
    """
    generous = [replace(pair, between=pair.passed) for pair in known]
    passed = hub_candidates(generous, family.blocks, own, policy)
    effective = effective_hubs(generous, passed, own)
    numbers = [replace(pair, between=pair.apart) for pair in known]
    numbered = hub_candidates(numbers, family.blocks, own, policy)
    return effective, not_diverse(
        abroad=share_abroad(known),
        carrier=next((one for one in passed if one.node.kind == "organisation"), None),
        unmapped=behind_the_unmapped(known, policy),
        apart=next(iter(numbered), None),
        effective=effective,
        policy=policy,
    )
