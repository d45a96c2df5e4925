"""The alarm: many organisations moved to one gateway, and when.

Follows rule 8 of the rules of evidence. A vantage point *moved* to a node on the first day on
which it held it, if it held it on at least 80% of the 7 days with data from then on and on at
most 20% of the 7 before; so it must have been there before and after, and a change of panel
moves nobody. An organisation moved when at least half of its eligible vantage points did. The
alarm needs 3 organisations and half of all that could be watched within 28 days. Gaps in the
data do not count as days. The address table is one and the same on both sides.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from analysis.convergence import Blocks
from analysis.operators import Node
from analysis.panel import Observation
from analysis.policy import Policy


@dataclass(slots=True)
class _Day:
    """One vantage point's known crossings of one day.

    ``whole`` counts those without a silent hop; ``shown`` those that show a node, and
    ``shown_whole`` those of them without a silent hop.
    """

    whole: int = 0
    shown: Counter[Node] = field(default_factory=Counter)
    shown_whole: Counter[Node] = field(default_factory=Counter)

    def held(self, node: Node, policy: Policy) -> bool | None:
        """Whether the node was held; None where every trace leaves it open."""
        shown = self.shown[node]
        told = shown + self.whole - self.shown_whole[node]
        return shown >= policy.captured * told if told else None


_Days = dict[dt.date, _Day]


@dataclass(frozen=True, slots=True)
class Alarm:
    """Who moved to which node. ``moved`` is sorted by day; ``watched`` counts organisations."""

    node: Node
    onset: dt.date
    moved: tuple[tuple[str, dt.date], ...]
    watched: int


@dataclass(frozen=True, slots=True)
class Timeline:
    """Whether an alarm was raised, and in one sentence why or why not."""

    alarm: Alarm | None
    reason: str


def _daily(observations: Iterable[Observation], blocks: Blocks) -> dict[str, dict[str, _Days]]:
    """Organisation → vantage → its days."""
    counted: dict[str, dict[str, _Days]] = defaultdict(lambda: defaultdict(dict))
    nodes_of: dict[int, list[Node]] = {}
    for seen in observations:
        crossing = seen.crossing
        if crossing is None or crossing.state not in {"resolved", "bracketed"}:
            continue
        nodes = nodes_of.get(id(crossing))
        if nodes is None:
            nodes = nodes_of[id(crossing)] = blocks.nodes(crossing.strict)
        days = counted[seen.organisation][seen.vantage]
        day = days.get(seen.day)
        if day is None:
            day = days[seen.day] = _Day()
        for node in nodes:
            day.shown[node] += 1
        if not crossing.gap:
            day.whole += 1
            for node in nodes:
                day.shown_whole[node] += 1
    return counted


def day_moved(held: Sequence[bool], policy: Policy) -> int | None:
    """The index of the day on which a vantage point moved, or None; one entry a day with data.

    >>> day_moved([False] * 7 + [True] * 7, Policy())
    7
    >>> day_moved([True, False] * 10, Policy()) is None
    True
    """
    span = policy.alarm_hold_days
    most_before = round(1 - policy.alarm_hold, 9)  # 1 − 0.8 is less than 1/5 in binary
    if sum(held) < policy.alarm_hold * span:
        return None
    for day in range(span, len(held) - span + 1):
        if (
            held[day]
            and sum(held[day : day + span]) / span >= policy.alarm_hold
            and sum(held[day - span : day]) / span <= most_before
        ):
            return day
    return None


def _move_of(vantages: Mapping[str, _Days], node: Node, policy: Policy) -> dt.date | None:
    moves: list[dt.date] = []
    eligible = 0
    for days in vantages.values():
        if len(days) < 2 * policy.alarm_hold_days:
            continue
        eligible += 1
        told = [
            (date, held)
            for date in sorted(days)
            if (held := days[date].held(node, policy)) is not None
        ]
        moved = day_moved([held for _, held in told], policy)
        if moved is not None:
            moves.append(told[moved][0])
    return min(moves) if moves and 2 * len(moves) >= eligible else None


def _largest_wave(
    moves: Sequence[tuple[str, dt.date]], within_days: int
) -> Sequence[tuple[str, dt.date]]:
    ordered = sorted(moves, key=lambda move: (move[1], move[0]))
    waves = (
        [m for m in ordered[i:] if (m[1] - start).days <= within_days]
        for i, (_, start) in enumerate(ordered)
    )
    return max(waves, key=len, default=[])


def find_alarm(
    observations: Sequence[Observation],
    blocks: Blocks,
    nodes: Sequence[Node],
    policy: Policy,
) -> Timeline:
    """Look for the day a gateway was switched on, among the nodes that may be named.

    ``nodes`` come best first: of nodes that the same number moved to, the first is meant.
    """
    days = {seen.day for seen in observations if seen.kind == "international"}
    span = (max(days) - min(days)).days + 1 if days else 0
    if span < policy.timeline_days:
        return Timeline(None, f"the data span {span} days; an alarm needs {policy.timeline_days}")
    daily = _daily(observations, blocks)
    watched = {
        organisation
        for organisation, vantages in daily.items()
        if any(len(v) >= 2 * policy.alarm_hold_days for v in vantages.values())
    }
    best: Alarm | None = None
    for node in nodes:
        others = sorted(watched - {node.name})
        moves = [
            (name, moved)
            for name in others
            if (moved := _move_of(daily[name], node, policy)) is not None
        ]
        wave = _largest_wave(moves, policy.alarm_within_days)
        enough = max(policy.alarm_organisations, policy.alarm_share * len(others))
        if len(wave) >= enough and (best is None or len(wave) > len(best.moved)):
            best = Alarm(node, wave[0][1], tuple(wave), len(others))
    if not watched:
        return Timeline(
            None,
            f"no vantage point has data on {2 * policy.alarm_hold_days} days, as an alarm needs",
        )
    if best is None:
        return Timeline(
            None, f"no move of many organisations to one gateway ({len(watched)} could be watched)"
        )
    return Timeline(
        best,
        f"{len(best.moved)} of {best.watched} organisations moved to {best.node.name} "
        f"between {best.moved[0][1]} and {best.moved[-1][1]}",
    )
