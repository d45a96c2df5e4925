"""The alarm: many organisations moved to one gateway, and when.

Follows rule 8 of the rules of evidence. A vantage point *moved* to a node on the first day on
which it held it, if it held it on at least 80% of the 7 days with data from then on and on at
most 20% of the 7 before, and if it was not the list of destinations that changed; so it must have
been there before and after, and neither a change of panel nor one of the targets moves anybody. An
organisation moved when at least half of the vantage points did that could be seen to move on that
day. The alarm needs 3 organisations within 28 days, and half of those that could be watched in
these days and had not moved before; and all that moved by then must be more than a third of all
that were measured, lest a few with a long history of their own making decide for those who came
later. Gaps in the data do not count as days.
The address table is one and the same on both sides.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from analysis.behind import Behind, behind_the_border
from analysis.convergence import ALIKE, Blocks, most_common
from analysis.operators import Node
from analysis.panel import Observation, first_and_last
from analysis.policy import Policy


class _Way(NamedTuple):
    """What a known crossing tells: the nodes it passes, whether a hop at home is silent, and the
    first interface abroad."""

    nodes: tuple[Node, ...]
    gap: bool
    interface: str | None


# Of one vantage point: day → destination → way → traces.
_Days = dict[dt.date, dict[str, dict[_Way, int]]]


def _exits(ways: Mapping[_Way, int]) -> Iterator[tuple[_Way, Node | None, float]]:
    """The ways that tell by whom they left, None for the organisation itself, and their share.

    ``ways`` are those of one key, day and destination: it has one vote, however many traces.
    """
    cast = sum(ways.values())
    for way, traces in ways.items():
        if way.nodes or not way.gap:
            yield way, way.nodes[-1] if way.nodes else None, traces / cast


class _Links:
    """Which interfaces abroad are seen behind which nodes, over the whole time."""

    def __init__(self, counted: Iterable[Mapping[_Way, int]], policy: Policy) -> None:
        self._most = round(1 - policy.alarm_hold, 9)
        self._shown: dict[str, dict[Node | None, float]] = defaultdict(lambda: defaultdict(float))
        for ways in counted:
            for way, node, share in _exits(ways):
                if way.interface is not None:
                    self._shown[way.interface][node] += share

    def elsewhere(self, interface: str | None, node: Node) -> bool:
        """Whether an interface is seen, and is at no time seen behind a node."""
        if interface is None:
            return False
        shown = self._shown.get(interface, {})
        return shown.get(node, 0.0) <= self._most * sum(shown.values()) + ALIKE

    def known(self, interface: str | None) -> bool:
        """Whether anybody was ever seen before an interface."""
        return interface in self._shown


def _passes(ways: Mapping[_Way, int], node: Node, links: _Links, *, already: bool) -> bool | None:
    """Whether most traces of a day to one destination pass a node; None where all leave it open.

    A silent hop may be the node, unless the path goes on over a link of somebody else's. A link
    before which nobody was ever seen is nobody else's once the node was passed (``already``), for
    the node may have routers that never answer; before that it is not the node's.
    """
    shown = told = 0
    for way, traces in ways.items():
        if node in way.nodes:
            shown += traces
            told += traces
        elif not way.gap or (
            links.elsewhere(way.interface, node) and (links.known(way.interface) or not already)
        ):
            told += traces
    return 2 * shown > told if told else None


def steadied(values: Sequence[bool | None]) -> list[bool | None]:
    """Each value as most of itself and its two neighbours have it; those at the ends stay.

    One misattributed trace is so outvoted by the day before and the day after, and a change that
    lasts keeps its day. Days that leave it open (None) are as the told days around them, where
    these agree.

    >>> steadied([False, False, True, False, True, True, False, True])
    [False, False, False, True, True, True, True, True]
    >>> steadied([None, False, None, False, None, True, True])
    [None, False, False, False, None, True, True]
    """
    told = [(i, value) for i, value in enumerate(values) if value is not None]
    steady = list(values)
    for (_, before), (i, value), (_, after) in zip(told, told[1:], told[2:], strict=False):
        steady[i] = before if before == after else value
    filled = list(steady)
    for (i, _), (j, _) in pairwise(told):
        if steady[i] == steady[j]:
            filled[i : j + 1] = [steady[i]] * (j + 1 - i)
    return filled


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


def _daily(observations: Iterable[Observation], blocks: Blocks) -> dict[str, dict[str, _Days]]:
    """Organisation → vantage → its days."""
    grouped: dict[str, dict[str, list[tuple[Observation, int]]]] = {}
    numbers: dict[int, int] = {}
    known: dict[_Way, int] = {}
    for seen in observations:
        crossing = seen.crossing
        if crossing is None or crossing.state not in {"resolved", "bracketed"}:
            continue
        number = numbers.get(id(crossing))
        if number is None:
            nodes = tuple(blocks.nodes(crossing.strict))
            way = _Way(nodes, crossing.gap, crossing.first_foreign)
            number = numbers[id(crossing)] = known.setdefault(way, len(known))
        of_vantages = grouped.setdefault(seen.organisation, {})
        of_vantages.setdefault(seen.vantage, []).append((seen, number))
    ways = _Ways(known)
    return {
        organisation: {
            vantage: _days(of_vantage, ways) for vantage, of_vantage in of_vantages.items()
        }
        for organisation, of_vantages in grouped.items()
    }


class _Ways:
    """What traces of a day passed, one object for all that are equal: most days are like others."""

    def __init__(self, numbers: Iterable[_Way]) -> None:
        self._ways = list(numbers)
        self._known: dict[tuple[tuple[int, int], ...], dict[_Way, int]] = {}

    def counted(self, traces: Mapping[int, int]) -> dict[_Way, int]:
        """How many traces each way has, of how many each number has."""
        said = tuple(traces.items())
        found = self._known.get(said)
        if found is None:
            found = self._known[said] = {self._ways[number]: count for number, count in said}
        return found


def _days(of_vantage: Iterable[tuple[Observation, int]], ways: _Ways) -> _Days:
    counted: dict[dt.date, dict[str, dict[int, int]]] = {}
    for seen, number in of_vantage:
        for day, traces in seen.daily():
            there = counted.setdefault(day, {}).setdefault(seen.destination, {})
            there[number] = there.get(number, 0) + traces
    return {
        day: {destination: ways.counted(there) for destination, there in destinations.items()}
        for day, destinations in counted.items()
    }


def days_moved(held: Sequence[bool], policy: Policy) -> Iterator[int]:
    """Indexes of the days on which a vantage point may have moved; one entry a day with data.

    >>> list(days_moved([False] * 7 + [True] * 7, Policy()))
    [7]
    >>> list(days_moved([True, False] * 10, Policy()))
    []
    """
    span = policy.alarm_hold_days
    most_before = round(1 - policy.alarm_hold, 9)  # 1 − 0.8 is less than 1/5 in binary
    if sum(held) < policy.alarm_hold * span:
        return
    for day in range(span, len(held) - span + 1):
        if (
            held[day]
            and sum(held[day : day + span]) / span >= policy.alarm_hold
            and sum(held[day - span : day]) / span <= most_before
        ):
            yield day


def moved_with_its_targets(
    told: Iterable[Mapping[dt.date, bool | None]],
    before: Sequence[dt.date],
    after: Sequence[dt.date],
) -> bool:
    """Whether a move is one of the paths, and not that other destinations were traced to.

    ``told`` says of each destination on which days it was traced to, and whether it was reached
    through the node then, where that is told. At least half of those that are reached through it
    after the move must have been traced to before, on half as many days or more; or at least half
    of those that both sides tell of must have moved. Where both sides tell of none, there must be
    no list of destinations that could have changed: none is traced to on two days.

    >>> monday, tuesday, wednesday, thursday = (dt.date(2026, 1, day) for day in range(5, 9))
    >>> sides = (monday, tuesday), (wednesday, thursday)
    >>> moved_with_its_targets([{monday: None, wednesday: True}], *sides)
    True
    >>> ours = {monday: False, tuesday: False}
    >>> moved_with_its_targets([ours, {wednesday: True, thursday: True}], *sides)
    False
    """
    reached = same = compared = moved = 0
    listed = False
    for days in told:
        first = [days[day] for day in before if day in days]
        then = [days[day] for day in after if day in days]
        listed = listed or len(first) > 1 or len(then) > 1
        was, is_now = _mostly(first), _mostly(then)
        if is_now:
            reached += 1
            same += 2 * len(first) >= len(then)
        if was is not None and is_now is not None:
            compared += 1
            moved += is_now and not was
    if 2 * same >= reached:
        return True
    return 2 * moved >= compared if compared else not listed


def _mostly(said: Iterable[bool | None]) -> bool | None:
    """What most of those say that say anything."""
    told = [value for value in said if value is not None]
    return 2 * sum(told) > len(told) if told else None


class _Watch:
    """A vantage point with enough days to be seen moving, on any day from first to last."""

    def __init__(self, days: _Days, links: _Links, policy: Policy) -> None:
        self._policy = policy
        self._links = links
        dates = sorted(days)
        self.first = dates[policy.alarm_hold_days]
        self.last = dates[-policy.alarm_hold_days]
        self._dates = dates
        # Of each destination one entry a date: a day that tells nothing of it leaves it open.
        destinations = {destination for day in days.values() for destination in day}
        self._series = [
            [days[date].get(destination, {}) for date in dates]
            for destination in sorted(destinations)
        ]
        self._days = Counter(
            node
            for day in days.values()
            for node in {n for ways in day.values() for way in ways for n in way.nodes}
        )

    def _told(self, node: Node) -> list[dict[dt.date, bool | None]]:
        """Of each destination the days on which it was traced to, and whether behind a node."""
        told: list[dict[dt.date, bool | None]] = []
        for series in self._series:
            values: list[bool | None] = []
            already = False
            for ways in series:
                values.append(_passes(ways, node, self._links, already=already))
                already = already or values[-1] is True
            days = zip(self._dates, series, steadied(values), strict=True)
            told.append({date: value for date, ways, value in days if ways or value is not None})
        return told

    def moved(self, node: Node) -> dt.date | None:
        """The day on which it moved to a node."""
        if self._days[node] < self._policy.alarm_hold * self._policy.alarm_hold_days:
            return None
        told = self._told(node)
        passed, of = Counter[dt.date](), Counter[dt.date]()
        for days in told:
            for date, value in days.items():
                if value is not None:
                    of[date] += 1
                    passed[date] += value
        dates = sorted(of)
        held = [passed[date] >= self._policy.captured * of[date] for date in dates]
        span = self._policy.alarm_hold_days
        for day in days_moved(held, self._policy):
            if moved_with_its_targets(told, dates[day - span : day], dates[day : day + span]):
                return dates[day]
        return None


def _move_of(watches: Sequence[_Watch], node: Node) -> dt.date | None:
    """The first day on which half of those moved that could be seen to move then."""
    moves = {watch: day for watch in watches if (day := watch.moved(node)) is not None}
    for day in sorted(moves.values()):
        there = [watch for watch in watches if watch.first <= day <= watch.last]
        if 2 * sum(watch in moves for watch in there) >= len(there):
            return day
    return None


def _find_wave(
    node: Node,
    watches: Mapping[str, Sequence[_Watch]],
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
    daily: Mapping[str, Mapping[str, _Days]],
) -> dict[str, tuple[tuple[dt.date, Node | None], ...]]:
    found: dict[str, tuple[tuple[dt.date, Node | None], ...]] = {}
    for organisation, vantages in sorted(daily.items()):
        exits: dict[dt.date, dict[Node | None, float]] = defaultdict(lambda: defaultdict(float))
        for days in vantages.values():
            for date, day in days.items():
                for ways in day.values():
                    for _, node, share in _exits(ways):
                        exits[date][node] += share
        changes: list[tuple[dt.date, Node | None]] = []
        for date in sorted(exits):
            if exits[date]:
                gateway = most_common(exits[date])
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
    daily = _daily(observations, blocks)
    gateways = _gateways(daily)
    links = _Links(
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
            _Watch(days, links, policy)
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
