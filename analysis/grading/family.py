"""One address family of a country, judged: from observations to candidates, figures and grade.

The newest stable period is found here. Who may be named, what a verdict says of it, and in which
shape, is decided elsewhere.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from analysis.alarm.last_days import last_of_many
from analysis.alarm.reach import reaches_far
from analysis.alarm.timeline import Timeline, find_alarm
from analysis.candidates.blocks import Blocks
from analysis.candidates.meeting import alone_at, given_away
from analysis.candidates.peering import PeeringLans
from analysis.evidence.observation import Observation
from analysis.grading.doubts import doubts_of
from analysis.grading.figures import Doubts, Figures, Lenient, Support
from analysis.grading.nameable import Seen, are_apart, own_names, see, since
from analysis.grading.readings import (
    Period,
    Strict,
    candidates,
    read_leniently,
    read_strictly,
)
from analysis.grading.standard import Standard
from analysis.grading.support import days_measured, support_of
from analysis.grading.verdict import grade
from analysis.policy import Policy
from analysis.shares.common_blocks import most_alike
from analysis.shares.convergence import (
    Candidate,
    exit_shares,
    mean_share,
    nearest_first,
    on_the_same_ways,
)
from analysis.shares.coverage import covered
from analysis.shares.intervals import captured_bounds, effective_gateways
from analysis.shares.pairs import Pair, by_organisation, make_pairs
from analysis.shares.turns import by_turns, days_elsewhere, telling, turns_abroad


@dataclass(frozen=True, slots=True)
class Family:
    """Everything computed for one address family in the period judged."""

    observations: tuple[Observation, ...]
    blocks: Blocks
    lans: PeeringLans
    pairs: list[Pair]
    grouped: dict[str, list[Pair]]
    candidates: list[Candidate]
    on_the_same_ways: list[Candidate]
    figures: Figures
    timeline: Timeline
    grade: str
    reasons: list[str]
    again: Callable[[Sequence[Pair]], Family] = field(repr=False)
    """The same with other pairs; blocks, period and timeline stay."""

    @property
    def named(self) -> Candidate | None:
        """Who may be named, by the grade."""
        return self.figures.top if self.grade in {"concentrated", "single_gateway"} else None

    @property
    def name(self) -> str | None:
        """What whoever is named is called."""
        return self.named.node.name if self.named is not None else None


def _gone(observations: Iterable[Observation], since: dt.date, policy: Policy) -> frozenset[str]:
    """Who was measured within as many days before a day as moves may span, and not since."""
    begin = since - dt.timedelta(days=policy.alarm_within_days)
    last: dict[str, dt.date] = {}
    for seen in observations:
        if seen.crossing is not None:
            last[seen.organisation] = max(last.get(seen.organisation, dt.date.min), seen.days[-1])
    return frozenset(name for name, day in last.items() if begin <= day < since)


def _find_alarm(seen: Seen, displaced: Collection[str], standard: Standard) -> Timeline:
    table, policy = standard.table, standard.policy
    # A gateway that was switched on late is on few of all traces: every node is looked at.
    nodes = {
        node: own_names(node, table) for node in nearest_first(seen.nearness) if seen.nameable(node)
    }
    counts = partial(reaches_far, observations=seen.observations, blocks=seen.blocks, policy=policy)
    return find_alarm(seen.observations, seen.blocks, nodes, policy, counts, displaced=displaced)


def judge_family(
    observations: Sequence[Observation],
    frozen: Sequence[Observation],
    standard: Standard,
    *,
    displaced: Mapping[str, dt.date],
) -> Family:
    """Judge what was seen of one address family.

    ``frozen`` are the same traces under one table: the alarm must not hear a table change.
    ``displaced`` are organisations that lost unsigned traces, since the sender of these speaks for
    another network, each with the last day of such a trace: if nothing else is known of one, its
    ways count as not known.
    """
    table, policy = standard.table, standard.policy
    of_alarm = see(frozen, table, policy)
    timeline = _find_alarm(of_alarm, displaced, standard)
    seen = of_alarm if observations is frozen else see(observations, table, policy)
    gone: frozenset[str] = frozenset()
    if timeline.since is not None:
        gone = _gone(seen.observations, timeline.since, policy)
        displaced = _displaced_since(displaced, timeline.since, policy)
        seen = since(seen, timeline.since, table, policy)
    return _judge_seen(
        seen,
        standard,
        gone=gone,
        displaced=frozenset(displaced),
        timeline=timeline,
        late=_late(seen, displaced, standard),
    )


def _displaced_since(
    displaced: Mapping[str, dt.date], day: dt.date, policy: Policy
) -> dict[str, dt.date]:
    """Whose traces were left out since a day, or as shortly before it as moves may span."""
    begin = day - dt.timedelta(days=policy.alarm_within_days)
    return {name: last for name, last in displaced.items() if last >= begin}


def _late(seen: Seen, displaced: Mapping[str, dt.date], standard: Standard) -> Figures | None:
    """The figures of the last days alone, where these are few of all."""
    policy = standard.policy
    first = last_of_many(seen.observations, policy)
    if first is None:
        return None
    family = _judge_seen(
        since(seen, first, standard.table, policy),
        standard,
        gone=_gone(seen.observations, first, policy),
        displaced=frozenset(_displaced_since(displaced, first, policy)),
        timeline=Timeline(None, ""),
        late=None,
    )
    return family.figures


def _judge_seen(
    seen: Seen,
    standard: Standard,
    *,
    gone: frozenset[str],
    displaced: frozenset[str],
    timeline: Timeline,
    late: Figures | None,
) -> Family:
    """Judge one period; ``late`` are the figures of its last days, where these are few of all."""
    judged, blocks, policy = seen.observations, seen.blocks, standard.policy
    is_given_away = given_away(blocks, judged, policy.link_organisations)
    pairs = make_pairs(judged, blocks, policy)
    apart = tuple(
        one
        for one in candidates(by_organisation(pairs), seen, standard)
        if seen.nameable(one.node) and are_apart(one, is_given_away, policy)
    )
    alike = most_alike(judged, blocks, policy)
    alone = given_away(blocks, judged, others=1)
    meeting_in_pairs = frozenset(one.node for one in apart if not alone(one.node))
    if apart:
        blocks = blocks.without({one.node for one in apart})
        pairs = make_pairs(judged, blocks, policy)
    told = telling(turns_abroad(blocks, judged))
    period = Period(
        seen=seen._replace(blocks=blocks),
        international=tuple(one for one in judged if one.kind == "international"),
        alike=alike,
        apart=apart,
        meeting_in_pairs=meeting_in_pairs,
        is_given_away=is_given_away,
        alone=alone_at(blocks, judged),
        by_turns=by_turns(told, policy),
        days_elsewhere=days_elsewhere(told),
        gone=gone,
        displaced=displaced - gone,
        timeline=timeline,
        late=late,
        standard=standard,
    )
    return _judge_pairs(period, pairs)


def _figures(
    strict: Strict, period: Period, *, support: Support, lenient: Lenient, doubts: Doubts
) -> Figures:
    top, left_out, judged = strict.top, strict.left_out, strict.judged
    of = len(strict.grouped.keys() - left_out)
    captured = top.captured if top else 0
    lower, upper = captured_bounds(captured, of, period.standard.policy.confidence)
    classes = {pair.destination_class for pair in judged if pair.resolved}
    leaving = exit_shares(strict.grouped, top.node if top else None, left_out)
    return Figures(
        top=top,
        of=of,
        captured=captured,
        lower=lower,
        upper=upper,
        gone=len(period.gone - left_out),
        silent=len(
            ({pair.organisation for pair in judged} | period.displaced)
            - strict.grouped.keys()
            - left_out
        ),
        covered=covered(strict.grouped, left_out, period.standard.weights),
        unit=period.standard.weights.unit,
        pairs=len(judged),
        resolved=mean_share((pair.organisation, pair.resolved) for pair in judged),
        destination_classes=len(classes),
        # Where nobody is captured the days are those of all.
        days=days_measured(
            strict.behind or strict.grouped.keys(),
            period.international,
            period.days_elsewhere(top.node) if top and strict.behind else {},
        ),
        effective_gateways=effective_gateways(leaving.values()),
        support=support,
        doubts=doubts,
        lenient=lenient,
        apart=period.apart,
        meeting_in_pairs=period.meeting_in_pairs,
        late=period.late,
    )


def _judge_pairs(period: Period, pairs: Sequence[Pair]) -> Family:
    seen = period.seen
    strict = read_strictly(period, pairs)
    figures = _figures(
        strict,
        period,
        support=support_of(strict, period),
        lenient=read_leniently(strict, period, pairs),
        doubts=doubts_of(strict, period),
    )
    verdict, reasons = grade(figures, period.standard.policy)
    return Family(
        seen.observations,
        seen.blocks,
        seen.lans,
        list(pairs),
        strict.grouped,
        strict.candidates,
        on_the_same_ways(strict.top, strict.nameable, period.standard.policy) if strict.top else [],
        figures,
        period.timeline,
        verdict,
        reasons,
        again=partial(_judge_pairs, period),
    )
