"""The alarm: many organisations moved to one gateway, and when.

Follows rule 8 of the rules of evidence. When a vantage point moved, `analysis.moves` says: it must
have been there before and after, so neither a change of panel nor one of the targets moves
anybody. An organisation moved when at least half of the vantage points did that could be seen to
move on that day. The alarm needs 3 organisations within 28 days, and half of those that could be
watched in these days and had not moved before; and all that moved by then must be more than a third
of all that were measured, lest a few with a long history of their own making decide for those who
came later. The address table is one and the same on both sides.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from analysis.behind import Behind, behind_the_border
from analysis.moves import Days, Links, Watch, days_of_vantages, exits
from analysis.operators import Node
from analysis.pairs import Blocks, most_common
from analysis.panel import Observation, first_and_last
from analysis.policy import Policy


@dataclass(frozen=True, slots=True)
class Alarm:
    """Who moved to which node. ``moved`` is sorted by day.

    ``watched`` counts the organisations that could be seen to move in these days, less those that
    had moved before.
    """

    node: Node
    onset: dt.date
    moved: tuple[tuple[str, dt.date], ...]
    watched: int


@dataclass(frozen=True, slots=True)
class Timeline:
    """Whether an alarm was raised, and in one sentence why or why not.

    ``gateways`` has for each organisation the days on which its gateway changed and to what: the
    last node at home by most votes of a day, None where the organisation is its own. It is
    empty where the data span too few days for an alarm. ``behind`` tells of an alarm whether what
    stands behind the border is as before.
    """

    alarm: Alarm | None
    reason: str
    gateways: Mapping[str, tuple[tuple[dt.date, Node | None], ...]] = field(default_factory=dict)
    behind: Behind | None = None


def _move_of(watches: Sequence[Watch], node: Node) -> dt.date | None:
    """The first day on which half of those moved that could be seen to move then."""
    moves = {watch: day for watch in watches if (day := watch.moved(node)) is not None}
    for day in sorted(moves.values()):
        there = [watch for watch in watches if watch.first <= day <= watch.last]
        if 2 * sum(watch in moves for watch in there) >= len(there):
            return day
    return None


def _find_wave(
    node: Node,
    watches: Mapping[str, Sequence[Watch]],
    measured: Collection[str],
    policy: Policy,
) -> Alarm | None:
    """The largest wave of moves to a node that is large enough.

    ``measured`` are all organisations, also those that nobody could watch.
    """
    others = sorted(name for name in watches if name != node.name)
    least = policy.alarm_measured * sum(name != node.name for name in measured)
    moves = sorted(
        (day, name) for name in others if (day := _move_of(watches[name], node)) is not None
    )
    best: Alarm | None = None
    for i, (start, _) in enumerate(moves):
        end = start + dt.timedelta(days=policy.alarm_within_days)
        wave = tuple((name, day) for day, name in moves[i:] if day <= end)
        before = {name for day, name in moves[:i] if day < start}
        watched = sum(
            any(watch.first <= end and watch.last >= start for watch in watches[name])
            for name in others
            if name not in before
        )
        enough = max(policy.alarm_organisations, policy.alarm_share * watched)
        many = len(before) + len(wave) > least
        if many and len(wave) >= enough and (best is None or len(wave) > len(best.moved)):
            best = Alarm(node, start, wave, watched)
    return best


def _gateways(
    daily: Mapping[str, Mapping[str, Days]],
) -> dict[str, tuple[tuple[dt.date, Node | None], ...]]:
    found: dict[str, tuple[tuple[dt.date, Node | None], ...]] = {}
    for organisation, vantages in sorted(daily.items()):
        votes: dict[dt.date, dict[Node | None, float]] = defaultdict(lambda: defaultdict(float))
        for days in vantages.values():
            for date, day in days.items():
                for ways in day.values():
                    for _, node, share in exits(ways):
                        votes[date][node] += share
        changes: list[tuple[dt.date, Node | None]] = []
        for date in sorted(votes):
            if votes[date]:
                gateway = most_common(votes[date])
                if not changes or changes[-1][1] != gateway:
                    changes.append((date, gateway))
        found[organisation] = tuple(changes)
    return found


def find_alarm(
    observations: Sequence[Observation],
    blocks: Blocks,
    nodes: Sequence[Node],
    policy: Policy,
) -> Timeline:
    """Look for the day a gateway was switched on, among the nodes that may be named.

    ``nodes`` come best first: of nodes that the same number moved to, the first is meant.
    """
    days = first_and_last([seen for seen in observations if seen.kind == "international"])
    span = (days[1] - days[0]).days + 1 if days else 0
    if span < policy.timeline_days:
        return Timeline(
            None, f"the data span {span} of the {policy.timeline_days} days that an alarm needs"
        )
    daily = days_of_vantages(observations, blocks)
    gateways = _gateways(daily)
    links = Links(
        (
            ways
            for vantages in daily.values()
            for days_of in vantages.values()
            for day in days_of.values()
            for ways in day.values()
        ),
        policy,
    )
    watches = {
        name: [
            Watch(days, links, policy)
            for days in vantages.values()
            if len(days) >= 2 * policy.alarm_hold_days
        ]
        for name, vantages in daily.items()
    }
    watches = {name: found for name, found in watches.items() if found}
    if not watches:
        return Timeline(
            None,
            f"no vantage point has data on {2 * policy.alarm_hold_days} days, as an alarm needs",
            gateways,
        )
    waves = [
        wave for node in nodes if (wave := _find_wave(node, watches, daily, policy)) is not None
    ]
    if not waves:
        return Timeline(
            None,
            f"no move of many organisations to one gateway ({len(watches)} could be watched)",
            gateways,
        )
    best = max(waves, key=lambda wave: len(wave.moved))
    behind = behind_the_border(
        observations, blocks, best.node, dict(best.moved), policy.timeline_days
    )
    return Timeline(best, _told(best), gateways, behind)


def _told(alarm: Alarm) -> str:
    moved, watched, name = len(alarm.moved), alarm.watched, alarm.node.name
    first, last = alarm.moved[0][1], alarm.moved[-1][1]
    if first == last:
        return f"{moved} of {watched} organisations moved to {name} on {first}"
    return f"{moved} of {watched} organisations moved to {name} between {first} and {last}"
