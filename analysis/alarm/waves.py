"""Waves of moves: many organisations that moved to one node within weeks, and whether that is over.

When a vantage point moved and when it left, `moves` says: it must have been there before and after,
so neither a change of panel nor one of the targets moves anybody. An organisation moved when at
least half of the vantage points did that could be seen to move on that day, and left when at least
half of those did that held the node and could be seen to leave.

A wave needs ``alarm_organisations`` within ``alarm_within_days``, and ``alarm_share`` of those that
could be watched in these days and did not hold the node before. All that hold it by then must be
more than ``alarm_measured`` of all that were measured, lest a few with a long history of their own
making decide for those who came later. It is over when ``alarm_share`` of its organisations that
can be told have left; and those must be more than ``alarm_measured`` of all that moved, lest a few
that are still measured decide for the others. Which wave is the alarm is not known here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from analysis.alarm.moves import Stay, Watch
from analysis.owners.operators import Node
from analysis.policy import Policy


@dataclass(frozen=True, slots=True)
class Wave:
    """Who moved to which node. ``moved`` is sorted by day.

    ``watched`` counts the organisations that could be seen to move in these days, less those that
    held the node before. ``left`` counts those of ``moved`` that have left again, until the day on
    which the wave was ``over`` if it is.
    """

    node: Node
    onset: dt.date
    moved: tuple[tuple[str, dt.date], ...]
    watched: int
    left: int = 0
    over: dt.date | None = None

    @property
    def last(self) -> dt.date:
        """The day of the last move."""
        return self.moved[-1][1]


class _Move(NamedTuple):
    """An organisation that moved to a node on a day, and left on another if it was seen to.

    Until its ``last`` day it could have been.
    """

    day: dt.date
    left: dt.date | None
    last: dt.date
    organisation: str

    def had_left(self, day: dt.date) -> bool:
        return self.left is not None and self.left <= day


def _order(move: _Move) -> tuple[dt.date, dt.date, str]:
    """By day, and of one day first who left first: no wave begins with those if others stay."""
    return move.day, move.left or dt.date.max, move.organisation


def _moves_of(organisation: str, watches: Sequence[Watch], node: Node) -> Iterator[_Move]:
    """The moves of an organisation to a node, in order.

    It moves on the first day on which at least half of its vantage points moved, of those that
    could be seen to move then. Only once it has left can it move again.
    """
    stays = {watch: found for watch in watches if (found := watch.stays(node))}
    since = dt.date.min
    for day in sorted({stay.first for found in stays.values() for stay in found if stay.seen}):
        there = [watch for watch in watches if watch.first <= day <= watch.last]
        moved = sum(
            any(stay.seen and not stay.had_ended(day) for stay in stays.get(watch, ()))
            for watch in there
        )
        if day < since or 2 * moved < len(there):
            continue
        left = _left(stays, day)
        yield _Move(day, left, max(watch.last for watch in stays), organisation)
        if left is None:
            return
        since = left


def _left(stays: Mapping[Watch, Sequence[Stay]], since: dt.date) -> dt.date | None:
    """The first day after ``since`` by which an organisation has left; None where it has not.

    It has left when at least half of its vantage points have, of those that held the node and could
    be seen to leave it.
    """
    ends = {stay.left for found in stays.values() for stay in found if stay.left is not None}
    for day in sorted(end for end in ends if end > since):
        left = still = 0
        for watch, found in stays.items():
            held = [stay for stay in found if stay.first <= day and not stay.had_ended(since)]
            if held and held[-1].had_ended(day):
                left += 1
            elif held and day <= watch.last:
                still += 1
        if left >= still:
            return day
    return None


def _over(moves: Sequence[_Move], policy: Policy) -> dt.date | None:
    """The day on which a wave is over, since enough of those that had moved by then have left."""
    for day in sorted({move.left for move in moves if move.left is not None}):
        moved = [move for move in moves if move.day <= day]
        left = sum(move.had_left(day) for move in moved)
        told = sum(move.had_left(day) or day <= move.last for move in moved)
        if left >= policy.alarm_share * told and left > policy.alarm_measured * len(moved):
            return day
    return None


@dataclass(frozen=True, slots=True)
class _Moves:
    """All moves to a node in order, by whom else could be watched.

    More than ``least`` organisations must hold it before its wave is one.
    """

    node: Node
    moves: Sequence[_Move]
    watches: Mapping[str, Sequence[Watch]]
    least: float
    policy: Policy

    def wave(self, moves: Sequence[_Move]) -> Wave | None:
        """The wave that begins with the first of these moves, if it is large enough."""
        onset, policy = moves[0].day, self.policy
        end = onset + dt.timedelta(days=policy.alarm_within_days)
        first: dict[str, _Move] = {}
        for move in moves:
            if move.day <= end:
                first.setdefault(move.organisation, move)
        if len(first) < policy.alarm_organisations:
            return None
        over = _over(list(first.values()), policy)
        members = [move for move in first.values() if over is None or move.day <= over]
        before = {
            move.organisation
            for move in self.moves
            if move.day < onset and not move.had_left(onset)
        } - {move.organisation for move in members}
        watched = sum(
            any(watch.first <= end and watch.last >= onset for watch in watches)
            for name, watches in self.watches.items()
            if name not in before
        )
        enough = max(policy.alarm_organisations, policy.alarm_share * watched)
        if len(members) < enough or len(before) + len(members) <= self.least:
            return None
        moved = sorted((move.day, move.organisation) for move in members)
        return Wave(
            self.node,
            onset,
            tuple((name, day) for day, name in moved),
            watched,
            sum(move.had_left(over or dt.date.max) for move in members),
            over,
        )


def waves_to(
    node: Node,
    own: Collection[str],
    watches: Mapping[str, Sequence[Watch]],
    measured: Collection[str],
    policy: Policy,
) -> Iterator[Wave]:
    """The waves of moves to a node that are large enough, the largest first.

    No move belongs to two of them. ``own`` are the organisations that the node is or that run it:
    they say nothing about it. ``measured`` are all organisations, also those that nobody could
    watch and those of which no way is known.
    """
    others = {name: found for name, found in watches.items() if name not in own}
    moves = sorted(
        (move for name, found in others.items() for move in _moves_of(name, found, node)),
        key=_order,
    )
    least = policy.alarm_measured * sum(name not in own for name in measured)
    to_node = _Moves(node, moves, others, least, policy)
    while True:
        waves = [wave for start in range(len(moves)) if (wave := to_node.wave(moves[start:]))]
        if not waves:
            return
        largest = max(waves, key=lambda wave: len(wave.moved))
        yield largest
        of_it = set(largest.moved)
        moves = [move for move in moves if (move.organisation, move.day) not in of_it]
