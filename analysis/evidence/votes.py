"""What traces weigh, and what most of them say.

A key has one vote a day, and no day has more than its share, so that neither zeal nor one day
decides. What is voted on is not known here.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, TypeVar

from analysis.evidence.observation import Cast, Observation
from analysis.paths.crossing import Crossing
from analysis.policy import Policy

T = TypeVar("T")

TOLERANCE = 1e-9  # sums of weights that differ by less are equal


class Tally:
    """Crossings counted by identity: traces along one way share one, and comparing is dear."""

    def __init__(self) -> None:
        self._counts: dict[int, tuple[Crossing, float]] = {}

    def add(self, crossing: Crossing, weight: float) -> None:
        """Count a crossing as so many traces, or with the weight of its traces."""
        known = self._counts.get(id(crossing))
        self._counts[id(crossing)] = (crossing, weight if known is None else known[1] + weight)

    def counted(self) -> list[tuple[Crossing, float]]:
        """Each crossing with the number of its traces, or the sum of their weights."""
        return list(self._counts.values())


def _by_name(one: object) -> Any:
    return one or ()


def most_common(counts: Mapping[T, float], among_equals: Callable[[T], Any] = _by_name) -> T | None:
    """What is counted most often; of equals the first by name, whatever order they came in.

    ``among_equals`` orders these otherwise.

    >>> most_common({"B": 2, "A": 2, None: 2})
    'A'
    """

    def place(one: T) -> tuple[float, bool, Any]:
        return -round(counts[one], 9), one is None, among_equals(one)

    return min(counts, key=place, default=None)


def day_weights(votes: Mapping[Hashable, int], most: float) -> dict[Hashable, float]:
    """What a vote of each day weighs, so that no day has more than the share ``most`` of all.

    ``votes`` counts them by day. The fullest days are cut to one height, all others keep their
    votes whole; where there are too few days for that, all weigh alike.

    >>> day_weights({1: 1, 2: 1, 3: 1, 4: 4}, 0.25)  # four votes that weigh as much as one
    {1: 1.0, 2: 1.0, 3: 1.0, 4: 0.25}
    """
    heights = sorted(votes.values(), reverse=True)
    if not heights:
        return {}
    height: float = heights[-1]
    rest = sum(heights)
    for cut, next_height in enumerate(heights):
        # With the fullest ``cut`` days at this height each has just the share.
        height = most * rest / (1.0 - cut * most)
        if next_height <= height + TOLERANCE:
            break
        rest -= next_height
    else:
        height = heights[-1]
    height = max(height, heights[-1])
    return {day: min(1.0, height / count) for day, count in votes.items()}


class Votes:
    """What traces weigh within their organisation.

    A key has one vote a day and destination, however many traces it sent, and no day has more
    than ``day_weight`` of an organisation's votes.
    """

    def __init__(self, observations: Sequence[Observation], policy: Policy) -> None:
        self._cast = Cast(observations)
        keys: dict[str, dict[dt.date, set[str]]] = defaultdict(lambda: defaultdict(set))
        for seen in observations:
            for day in seen.days:
                keys[seen.organisation][day].add(seen.vantage)
        self._days = {
            name: day_weights({day: len(there) for day, there in days.items()}, policy.day_weight)
            for name, days in keys.items()
        }
        self._keys = {name: len(set().union(*days.values())) for name, days in keys.items()}

    def weight(self, seen: Observation) -> float:
        """The votes of an observation within its pair: over all its days, at most one for each."""
        days = self._days[seen.organisation]
        return sum(days[day] * traces / of for day, traces, of in self._cast.daily(seen))

    def keys(self, organisation: str) -> int:
        """How many keys measured in an organisation."""
        return self._keys[organisation]
