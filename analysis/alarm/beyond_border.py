"""What stands behind the border before and after a move: as before, or not.

Links that are renumbered on one day can look like a gateway that was switched on: whoever stood
there all along appears. A gateway that is put in makes paths longer, or buys from other networks; a
renumbered link leaves what is behind it where it was. No rule rests on that, since a gateway may by
chance be as far away and buy where somebody did: it is told beside the alarm, for whoever has to
defend that.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from analysis.candidates.blocks import Blocks
from analysis.evidence.observation import Observation
from analysis.evidence.votes import most_common
from analysis.owners.operators import Node

# A router behind the first interface abroad, and at which hop it answers.
_Router = tuple[int, str]


class Behind(NamedTuple):
    """On how many paths that moved what stands behind the border is as before, of how many.

    A path is a vantage point and a destination; those are counted of which both sides tell.
    """

    same: int
    of: int

    @property
    def mostly_same(self) -> bool:
        """Whether it is as before on more than half of them."""
        return 2 * self.same > self.of


def _router(seen: Observation, first_abroad: int) -> _Router | None:
    """The last one that answered behind the hop that is the first abroad.

    Of a path no more than what tells how the country was left is looked at: that is all that is
    kept of traces that are folded while they are read.
    """
    steps = seen.path.frame.steps[first_abroad:]
    answered = ((step.hop, step.address) for step in steps if step.address is not None)
    return max(answered, default=None)


def behind_the_border(
    observations: Iterable[Observation],
    blocks: Blocks,
    node: Node,
    moved: Mapping[str, dt.date],
    days: int,
) -> Behind:
    """How many of the paths that moved to a node go on behind the border as they did.

    ``moved`` says which organisations did, and on which day; so many ``days`` before and from it
    on are compared.
    """
    span = dt.timedelta(days=days)
    sides: dict[tuple[str, str, str], tuple[Counter[_Router], Counter[_Router]]] = {}
    for seen in observations:
        day, crossing = moved.get(seen.organisation), seen.crossing
        if day is None or crossing is None or crossing.border is None:
            continue
        passes = node in blocks.nodes(crossing.strict)
        first = day if passes else day - span
        traces = seen.traces_within(first, first + span)
        router = _router(seen, crossing.border[1])
        if traces and router is not None:
            path = (seen.organisation, seen.vantage, seen.destination)
            sides.setdefault(path, (Counter(), Counter()))[passes][router] += traces
    compared = [(before, after) for before, after in sides.values() if before and after]
    return Behind(
        sum(most_common(before) == most_common(after) for before, after in compared),
        len(compared),
    )
