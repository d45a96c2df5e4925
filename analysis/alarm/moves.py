"""When a vantage point moved to a node: from days on which paths lead elsewhere to days over it.

It *moved* on the first day on which it held the node, if it held it on ``alarm_hold`` of the
``alarm_hold_days`` days with data from then on, on no more than the rest of as many before, if
it was not the list of destinations that changed, and if it does not come back to what it held at
first, as after a cut. It *left* on the first day on which it no longer held it, if it held it on no
more than that rest of as many days from then on, and again if it was not that list. A destination
over another protocol is another one on it; where they are drawn anew each day, a protocol stands
for its destinations. Gaps in the data do not count as days. What a path tells of a node
`analysis.alarm.ways` knows; how many moves make an alarm is not known here.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from analysis.alarm.ways import Days, End, InterfacesAbroad, Way, otherwise, passes_node
from analysis.owners.operators import Node
from analysis.policy import Policy


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


def days_moved(held: Sequence[bool], policy: Policy) -> Iterator[int]:
    """Indexes of the days on which a vantage point may have moved; one entry a day with data.

    >>> list(days_moved([False] * 7 + [True] * 7, Policy()))
    [7]
    >>> list(days_moved([True, False] * 10, Policy()))
    []
    """
    span = policy.alarm_hold_days
    if sum(held) < policy.alarm_hold * span:
        return
    for day in range(span, len(held) - span + 1):
        if (
            held[day]
            and sum(held[day : day + span]) / span >= policy.alarm_hold
            and sum(held[day - span : day]) / span <= otherwise(policy)
        ):
            yield day


def _is_away(held: Sequence[bool], day: int, policy: Policy) -> bool:
    """Whether a node is not held on a day, and hardly on those from then on."""
    span = policy.alarm_hold_days
    return not held[day] and sum(held[day : day + span]) / span <= otherwise(policy)


def spans_held(held: Sequence[bool], policy: Policy) -> Iterator[tuple[int, int]]:
    """From which index on a node is held, and from which no longer; one entry a day with data.

    It is from a day on which it is held, and on enough of those from then on, whatever was before.

    >>> list(spans_held([False] * 7 + [True] * 7, Policy()))
    [(7, 14)]
    >>> list(spans_held([True] * 7 + [False, True] * 5 + [False] * 7 + [True] * 7, Policy()))
    [(0, 15), (24, 31)]
    """
    span = policy.alarm_hold_days
    first: int | None = None
    for day in range(len(held) - span + 1):
        if first is None:
            if held[day] and sum(held[day : day + span]) / span >= policy.alarm_hold:
                first = day
        elif _is_away(held, day, policy):
            yield first, day
            first = None
    if first is not None:
        yield first, len(held)


# Of each end the days on which it was traced to, and whether it was reached through a node then;
# None where that is not told.
_Told = Mapping[End, Mapping[dt.date, bool | None]]


def moved_by_its_paths(
    told: _Told,
    before: Sequence[dt.date],
    after: Sequence[dt.date],
    captured: float,
) -> bool:
    """Whether a move is one of the paths, and not that other destinations were traced to.

    ``told`` has for each destination and protocol the days on which it was traced to, and whether
    it was reached through the node then (None where that is not told). ``before`` and ``after`` are
    the days of both sides. It is a move of the paths in any of three cases:

    - The list stayed and the share rose. Of the destinations that are reached through the node
      afterwards, at least half were traced to before, on half as many days or more. And of those
      that both sides tell of, if there are any, fewer than the share ``captured`` were reached
      through it before, and at least that share afterwards.
    - Of those that both sides tell of, at least half moved.
    - Both sides tell of none, and there is no list that could have changed, since no destination
      is traced to on two days of a side; but of the protocols of which both tell, if there are any,
      at least half moved. One is over the node on days on which the share ``captured`` of its
      destinations is.

    >>> monday, tuesday, wednesday, thursday = (dt.date(2026, 1, day) for day in range(5, 9))
    >>> sides = (monday, tuesday), (wednesday, thursday)
    >>> one, other, tcp = ("192.0.2.1", "ICMP"), ("192.0.2.2", "ICMP"), ("192.0.2.3", "TCP")
    >>> moved_by_its_paths({one: {monday: None, wednesday: True}}, *sides, 0.8)
    True
    >>> ours = {monday: False, tuesday: False}
    >>> moved_by_its_paths({one: ours, other: {wednesday: True, thursday: True}}, *sides, 0.8)
    False
    >>> moved_by_its_paths({one: {monday: True, wednesday: True}, other: ours}, *sides, 0.8)
    False
    >>> moved_by_its_paths({one: {monday: False}, other: {wednesday: True}}, *sides, 0.8)
    True
    >>> moved_by_its_paths({one: {monday: False}, tcp: {wednesday: True}}, *sides, 0.8)
    False
    """
    sides = _sides(told.values(), before, after)
    reached = [(first, then) for first, then in sides if _mostly(then)]
    same = sum(2 * len(first) >= len(then) for first, then in reached)
    known = _known(sides)
    passed = sum(was for was, _ in known)
    passes = sum(passes for _, passes in known)
    if 2 * same >= len(reached) and (not known or passed < captured * len(known) <= passes):
        return True
    if not known and not _listed(sides):
        known = _known_by_protocol(told, before, after, captured)
    moved = sum(passes and not was for was, passes in known)
    return bool(known) and 2 * moved >= len(known)


def left_by_its_paths(
    told: _Told,
    before: Sequence[dt.date],
    after: Sequence[dt.date],
    captured: float,
) -> bool:
    """Whether a node is left by the paths, and not because other destinations were traced to.

    The parameters are those of `moved_by_its_paths`. Of the destinations that both sides tell of,
    at least the share ``captured`` must have been reached through the node before, and at least
    half of these must not be any more. Where both sides tell of none, there must be no list of
    destinations that could have changed, and it is asked of the protocols that both tell of.

    >>> monday, tuesday, wednesday, thursday = (dt.date(2026, 1, day) for day in range(5, 9))
    >>> sides = (monday, tuesday), (wednesday, thursday)
    >>> one, other, tcp = ("192.0.2.1", "ICMP"), ("192.0.2.2", "ICMP"), ("192.0.2.3", "TCP")
    >>> left_by_its_paths({one: {monday: True, thursday: False}}, *sides, 0.8)
    True
    >>> both = {monday: True, thursday: True}
    >>> left_by_its_paths({one: both, other: {thursday: False}}, *sides, 0.8)
    False
    >>> left_by_its_paths({one: {monday: True}, tcp: {thursday: False}}, *sides, 0.8)
    False
    """
    sides = _sides(told.values(), before, after)
    known = _known(sides)
    if not known and not _listed(sides):
        known = _known_by_protocol(told, before, after, captured)
    passed = sum(was for was, _ in known)
    left = sum(was and not passes for was, passes in known)
    return bool(known) and passed >= captured * len(known) and 2 * left >= passed


_Side = list[bool | None]


def _sides(
    told: Iterable[Mapping[dt.date, bool | None]],
    before: Sequence[dt.date],
    after: Sequence[dt.date],
) -> list[tuple[_Side, _Side]]:
    """What the days before and after say of each destination, if it was traced to on them."""
    return [
        ([days[day] for day in before if day in days], [days[day] for day in after if day in days])
        for days in told
    ]


def _known(sides: Iterable[tuple[_Side, _Side]]) -> list[tuple[bool, bool]]:
    """Whether destinations were reached through the node, and are: those of which both is told."""
    return [
        (was, passes)
        for first, then in sides
        if (was := _mostly(first)) is not None and (passes := _mostly(then)) is not None
    ]


def _known_by_protocol(
    told: _Told, before: Sequence[dt.date], after: Sequence[dt.date], captured: float
) -> list[tuple[bool, bool]]:
    """The same of protocols, for where there is no list of destinations that could have changed.

    What is drawn anew each day tells of the paths of its protocol, and of no other's.
    """
    by_protocol: dict[str, dict[dt.date, list[bool]]] = defaultdict(lambda: defaultdict(list))
    for (_, protocol), days in told.items():
        for date, value in days.items():
            if value is not None:
                by_protocol[protocol][date].append(value)
    held = [
        {date: sum(values) >= captured * len(values) for date, values in days.items()}
        for days in by_protocol.values()
    ]
    return _known(_sides(held, before, after))


def _listed(sides: Iterable[tuple[_Side, _Side]]) -> bool:
    """Whether there is a list of destinations: one of them is traced to on two days of a side."""
    return any(len(side) > 1 for both in sides for side in both)


def _mostly(said: Iterable[bool | None]) -> bool | None:
    """What most of those say that say anything."""
    told = [value for value in said if value is not None]
    return 2 * sum(told) > len(told) if told else None


class Stay(NamedTuple):
    """Days on which a vantage point held a node.

    ``seen`` says whether it was seen to move there on the ``first`` of them: not where it comes
    back to what it held before anybody could see it move there. ``left`` is the first day on which
    it was seen to have left.
    """

    first: dt.date
    seen: bool
    left: dt.date | None

    def had_ended(self, day: dt.date) -> bool:
        """Whether it had left by a day."""
        return self.left is not None and self.left <= day


class Watch:
    """A vantage point with enough days to be seen moving, on any day from first to last."""

    def __init__(self, days: Days, interfaces: InterfacesAbroad, policy: Policy) -> None:
        self._policy = policy
        self._interfaces = interfaces
        dates = sorted(days)
        self.first = dates[policy.alarm_hold_days]
        self.last = dates[-policy.alarm_hold_days]
        self._dates = dates
        # Of each end one entry a date: a day that tells nothing of it leaves it open.
        ends = {end for day in days.values() for end in day}
        self._series = {end: [days[date].get(end, {}) for date in dates] for end in sorted(ends)}
        self._days = Counter(
            node
            for day in days.values()
            for node in {n for ways in day.values() for way in ways for n in way.nodes}
        )

    def _told(self, node: Node) -> _Told:
        told: dict[End, dict[dt.date, bool | None]] = {}
        for end, series in self._series.items():
            values: list[bool | None] = []
            former: set[str | None] | None = None
            for day, ways in enumerate(series):
                values.append(passes_node(ways, node, self._interfaces, former))
                if values[-1] and former is None:
                    former = self._gone_over(series[:day])
            days = zip(self._dates, series, steadied(values), strict=True)
            told[end] = {date: value for date, ways, value in days if ways or value is not None}
        return told

    def _gone_over(self, series: Iterable[Mapping[Way, int]]) -> set[str | None]:
        """The interfaces abroad that paths went over for a week.

        Fewer days may be the first behind a router of a node that never answers.
        """
        days = Counter(interface for ways in series for interface in {w.interface for w in ways})
        return {one for one, count in days.items() if count >= self._policy.alarm_hold_days}

    def stays(self, node: Node) -> Sequence[Stay]:
        """When it held a node, in order."""
        if self._days[node] < self._policy.alarm_hold * self._policy.alarm_hold_days:
            return ()
        told = self._told(node)
        passed, of = Counter[dt.date](), Counter[dt.date]()
        for days in told.values():
            for date, value in days.items():
                if value is not None:
                    of[date] += 1
                    passed[date] += value
        dates = sorted(of)
        held = [passed[date] >= self._policy.captured * of[date] for date in dates]
        spans = list(spans_held(held, self._policy))
        moves = self._moves(told, dates, held) if spans else []
        found = []
        returns = False
        for (first, end), (again, _) in pairwise([*spans, (len(held), len(held))]):
            move = next((day for day in moves if first <= day < end), None)
            left = self._left(told, dates, held, range(first, end), range(end, again))
            seen = move is not None and not returns
            found.append(Stay(dates[first if move is None else move], seen, left))
            returns = returns or (not seen and left is not None)
        return found

    def _moves(
        self,
        told: _Told,
        dates: Sequence[dt.date],
        held: Sequence[bool],
    ) -> list[int]:
        span = self._policy.alarm_hold_days
        return [
            day
            for day in days_moved(held, self._policy)
            if moved_by_its_paths(
                told, dates[day - span : day], dates[day : day + span], self._policy.captured
            )
        ]

    def _left(
        self,
        told: _Told,
        dates: Sequence[dt.date],
        held: Sequence[bool],
        stay: range,
        away: range,
    ) -> dt.date | None:
        """The first of the days ``away`` on which paths had left that were there on the last days
        of the ``stay``."""
        span = self._policy.alarm_hold_days
        before = [dates[day] for day in stay if held[day]][-span:]
        for day in away[: max(0, len(dates) - span + 1 - away.start)]:
            after = dates[day : day + span]
            if _is_away(held, day, self._policy) and left_by_its_paths(
                told, before, after, self._policy.captured
            ):
                return dates[day]
        return None
