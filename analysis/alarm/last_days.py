"""Which days are the last, and whether those that passed a node, or moved to it, still do.

All days of the period judged weigh alike, and a first campaign may have more of them than the last.
An alarm stands until those that moved are seen to leave, which other targets may hide. Nothing is
decided here: whoever reads the verdict is told. How it is worded is not known here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from analysis.candidates.blocks import Blocks
from analysis.evidence.observation import Observation
from analysis.owners.operators import Node
from analysis.policy import Policy
from analysis.shares.pairs import by_organisation, make_pairs


class Lately(NamedTuple):
    """How many of some organisations still pass a node on half of their pairs or more."""

    passing: int
    of: int

    def mostly_gone(self, policy: Policy) -> bool:
        """Whether so many no longer do that a wave would be over."""
        return self.of - self.passing >= policy.alarm_share * self.of


def _days_abroad(observations: Iterable[Observation]) -> list[dt.date]:
    return sorted({day for seen in observations if seen.crossing is not None for day in seen.days})


def last_of_many(observations: Iterable[Observation], policy: Policy) -> dt.date | None:
    """The first of the last days, None where these are half of all days with data or more."""
    days = _days_abroad(observations)
    span = policy.alarm_hold_days
    return days[-span] if len(days) > 2 * span else None


def lately(
    node: Node,
    names: Collection[str],
    observations: Sequence[Observation],
    blocks: Blocks,
    policy: Policy,
) -> Lately:
    """What the last days with data say of organisations that passed a node or moved to it.

    They are as many days as a move must hold. Who was not measured on them, or is silent, was not
    seen to pass it.
    """
    first = _days_abroad(observations)[-policy.alarm_hold_days :][0]
    late = [part for seen in observations if (part := seen.since(first)) is not None]
    passing = [
        name
        for name, pairs in by_organisation(make_pairs(late, blocks, policy)).items()
        if name in names and 2 * sum(node in pair.strict for pair in pairs) >= len(pairs)
    ]
    return Lately(len(passing), len(names))
