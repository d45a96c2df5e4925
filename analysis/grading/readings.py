"""Whom organisations pass in the period judged, by two readings of the same pairs.

Strictly, only what paths show for certain counts; leniently, doubtful hops count as well. Which
period is judged, and what the figures amount to, is decided elsewhere.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import NamedTuple

from analysis.alarm.timeline import Timeline
from analysis.evidence.observation import Observation
from analysis.grading.figures import Figures, Lenient
from analysis.grading.nameable import Seen, are_apart, own_names
from analysis.grading.standard import Standard
from analysis.owners.operators import Node
from analysis.shares.convergence import Candidate, candidate, captured_by, rank
from analysis.shares.pairs import Pair, by_organisation


def candidates(
    grouped: Mapping[str, Sequence[Pair]],
    seen: Seen,
    standard: Standard,
    *,
    of_pair: Callable[[Pair], frozenset[Node]] = attrgetter("strict"),
) -> list[Candidate]:
    """The nodes that ``of_pair`` gives of the pairs of organisations, the strongest first."""
    passes = {name: [of_pair(pair) for pair in pairs] for name, pairs in grouped.items()}
    nodes = sorted({node for sets in passes.values() for nodes in sets for node in nodes})
    found = [
        candidate(
            node,
            seen.blocks.blocks(node),
            passes,
            own_names(node, standard.table),
            standard.policy,
        )
        for node in nodes
    ]
    return rank((c for c in found if c.shares), seen.nearness)


@dataclass(frozen=True, slots=True)
class Period:
    """What stays the same whichever pairs of the period judged are looked at.

    ``gone`` are the organisations that were measured before it and not in it. ``displaced`` are
    those that lost unsigned traces, since the sender of these speaks for another network. The other
    fields are as in `Figures`.
    """

    seen: Seen
    international: tuple[Observation, ...]
    alike: Candidate | None
    apart: tuple[Candidate, ...]
    meeting_in_pairs: frozenset[Node]
    is_given_away: Callable[[Node], bool]
    alone: Callable[[Node], frozenset[str]]
    by_turns: Callable[[Node], frozenset[str]]
    days_elsewhere: Callable[[Node], Mapping[str, frozenset[dt.date]]]
    gone: frozenset[str]
    displaced: frozenset[str]
    timeline: Timeline
    late: Figures | None
    standard: Standard

    def may_name(self, one: Candidate) -> bool:
        """Whether a candidate may be named, whatever it captures."""
        # Without an organisation that is left out, half of the rest may pass one more.
        return self.seen.nameable(one.node) and not are_apart(
            one, self.is_given_away, self.standard.policy
        )

    def candidates(
        self, grouped: Mapping[str, Sequence[Pair]], of_pair: Callable[[Pair], frozenset[Node]]
    ) -> list[Candidate]:
        """The nodes that ``of_pair`` gives of these pairs, the strongest first."""
        return candidates(grouped, self.seen, self.standard, of_pair=of_pair)


class Strict(NamedTuple):
    """What paths show for certain: the candidates, and the organisations that judge the first.

    ``nameable`` are those of the candidates that may be named, ``top`` the first of them,
    ``behind`` the organisations that it captured, ``left_out`` those that say nothing about it,
    ``judged`` the pairs of all others.
    """

    grouped: dict[str, list[Pair]]
    candidates: list[Candidate]
    nameable: list[Candidate]
    top: Candidate | None
    behind: frozenset[str]
    left_out: frozenset[str]
    judged: list[Pair]


def read_strictly(period: Period, pairs: Sequence[Pair]) -> Strict:
    """Whom the known pairs of each organisation pass on most of their traces."""
    grouped = by_organisation(pairs)
    found = period.candidates(grouped, attrgetter("strict"))
    nameable = [one for one in found if period.may_name(one)]
    top = nameable[0] if nameable else None
    shares = top.shares if top else {}
    behind = frozenset(captured_by(shares, period.standard.policy))
    left_out = own_names(top.node, period.standard.table) if top else frozenset()
    judged = [pair for pair in pairs if pair.organisation not in left_out]
    return Strict(grouped, found, nameable, top, behind, left_out, judged)


def read_leniently(strict: Strict, period: Period, pairs: Iterable[Pair]) -> Lenient:
    """Who would lead if doubtful hops were on the paths.

    Only a node that the strict reading does not show at all is a rival.
    """
    grouped: dict[str, list[Pair]] = defaultdict(list)
    for pair in pairs:
        if pair.resolved or pair.lenient:
            grouped[pair.organisation].append(pair)
    found = period.candidates(grouped, attrgetter("lenient"))
    top = next((c for c in found if strict.top and c.node == strict.top.node), None)
    known = {c.node for c in strict.candidates}
    best = next((c for c in found if c.node not in known), None)
    to_beat = top.captured_share if top else 0.0
    return Lenient(top, best if best and best.captured_share > to_beat else None)
