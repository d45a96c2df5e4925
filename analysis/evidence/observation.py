"""What the figures are made of: usable traces by whom, whither, on which days, over which path.

One `Observation` is one trace, or all that are alike. Which traces are usable is decided in
`analysis.evidence.desk` and `analysis.evidence.panel`; what follows from them is not known here.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from analysis.paths.crossing import Crossing
from analysis.paths.path import Path, Step

_FIRST_DAY = dt.date(1970, 1, 1).toordinal()


def day_of(timestamp: float) -> int:
    """The UTC day of a time in epoch seconds, as days since 1970.

    >>> day_of(86_399.9), date_of(day_of(1735689600))
    (0, datetime.date(2025, 1, 1))
    """
    return int(timestamp // 86_400)


def date_of(day: int) -> dt.date:
    """The date of a day since 1970."""
    return dt.date.fromordinal(_FIRST_DAY + day)


@dataclass(frozen=True, slots=True)
class Observation:
    """One usable trace, or many that are alike (see `analysis.scale.likeness`).

    ``kind`` is ``international`` when the destination is registered abroad (then ``crossing`` is
    set) and ``domestic`` when it is another organisation at home. ``destination_class`` is the
    operator and the continent of a destination abroad. ``proto`` is ICMP, UDP or TCP. ``days`` are
    UTC dates in order, ``counts`` has for each how many traces there are. ``path`` is as the table
    has it, ``crossing`` as all paths over its links have it (see `analysis.paths.links`).
    """

    kind: Literal["international", "domestic"]
    organisation: str
    vantage: str
    family: int
    proto: str
    days: tuple[dt.date, ...]
    counts: tuple[int, ...]
    destination: str
    destination_organisation: str
    destination_class: tuple[str, str] | None
    path: Path
    crossing: Crossing | None

    @property
    def steps(self) -> tuple[Step, ...]:
        """Every step of the path, with RTTs that decide as those of all its traces do."""
        return self.path.steps

    @property
    def traces(self) -> int:
        """How many traces it is."""
        return sum(self.counts)

    def daily(self) -> Iterator[tuple[dt.date, int]]:
        """Each day with how many traces it has."""
        return zip(self.days, self.counts, strict=True)

    def traces_within(self, first: dt.date, end: dt.date) -> int:
        """How many traces there are from a first day on and before another."""
        return sum(traces for day, traces in self.daily() if first <= day < end)

    def since(self, day: dt.date) -> Observation | None:
        """The traces of this day and of those after it, None where there are none."""
        first = bisect_left(self.days, day)
        if first == 0:
            return self
        if first == len(self.days):
            return None
        return replace(self, days=self.days[first:], counts=self.counts[first:])


def first_and_last(observations: Sequence[Observation]) -> tuple[dt.date, dt.date] | None:
    """The first day and the last, None of nothing."""
    if not observations:
        return None
    return min(seen.days[0] for seen in observations), max(seen.days[-1] for seen in observations)


class Cast:
    """How many traces each vantage point has to each destination on each day."""

    def __init__(self, observations: Iterable[Observation]) -> None:
        self._cast: dict[tuple[str, str, str], Counter[dt.date]] = defaultdict(Counter)
        for seen in observations:
            cast = self._cast[seen.organisation, seen.destination, seen.vantage]
            for day, traces in seen.daily():
                cast[day] += traces

    def daily(self, seen: Observation) -> Iterator[tuple[dt.date, int, int]]:
        """Each day of one of them, with its traces and of how many they are."""
        cast = self._cast[seen.organisation, seen.destination, seen.vantage]
        return ((day, traces, cast[day]) for day, traces in seen.daily())


def by_vantage_days(observations: Sequence[Observation]) -> list[float]:
    """What each counts beside the others from its organisation to its destination.

    The days of a vantage point weigh alike there, however many traces they have.
    """
    cast = Cast(observations)
    return [sum(traces / of for _, traces, of in cast.daily(seen)) for seen in observations]


def by_day(observations: Iterable[Observation]) -> Iterator[tuple[dt.date, list[Observation]]]:
    """Each day in order, with what was observed on it, in the order given."""
    listed = list(observations)
    # Of each day, the numbers of the observations whose next day it is, and its index among theirs.
    waiting: defaultdict[dt.date, list[tuple[int, int]]] = defaultdict(list)
    for number, seen in enumerate(listed):
        waiting[seen.days[0]].append((number, 0))
    while waiting:
        day = min(waiting)
        found = []
        for number, place in sorted(waiting.pop(day)):
            seen = listed[number]
            found.append(replace(seen, days=(day,), counts=(seen.counts[place],)))
            if place + 1 < len(seen.days):
                waiting[seen.days[place + 1]].append((number, place + 1))
        yield day, found
