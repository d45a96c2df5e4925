"""Whether what was measured reaches what was asked for.

It forms no ratio of its own and prints nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from scripts.bench.comparison import ratio

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scripts.bench.comparison import Figure, Goal, Measured, Result, Thing


class Check(NamedTuple):
    """One thing asked of one of ours.

    ``most``: a cost of at most so many times the peer's, or so much where there is no peer.
    ``least``: at least such a share of what there is to be found. ``often``: all of it in at least
    such a share of the runs. ``like``: at least so many times what the peer found. ``reached`` is
    None where it could not be measured; ``flawless`` is False where something was found that is
    not there.
    """

    ours: Measured
    peer: Measured | None
    kind: Literal["most", "least", "often", "like"]
    what: Figure | Thing
    wanted: float
    reached: float | None
    flawless: bool = True

    @property
    def met(self) -> bool | None:
        """Whether it is reached, a cost to three figures; None where it could not be measured.

        >>> from scripts.bench.comparison import Measured, Side
        >>> ours = Measured(Side("ours"))
        >>> Check(ours, None, "most", "packets", 1.0, 1.004).met
        True
        >>> Check(ours, None, "most", "packets", 1.0, 1.006).met
        False
        >>> Check(ours, None, "least", "hops", 1.0, 0.9999).met
        False
        """
        if self.reached is None:
            return None
        if self.kind == "most":
            return float(f"{self.reached:.3g}") <= self.wanted
        return self.flawless and self.reached >= self.wanted


def checks(result: Result) -> list[Check]:
    """Everything that a comparison asks of ours, with what was reached."""
    return [check for goal in result.comparison.goals for check in _checks(result, goal)]


def _checks(result: Result, goal: Goal) -> Iterator[Check]:
    ours = next(one for one in result.ours if one.side == goal.ours)
    peer = next((one for one in result.peers if one.side == goal.peer), None)
    for figure, most in goal.most.items():
        spread = ours.cost(figure) if peer is None else ratio(ours, peer, figure)
        yield Check(ours, peer, "most", figure, most, None if spread is None else spread.median)
    for thing, least in goal.least.items():
        found, there = ours.found(thing), result.there.get(thing)
        if found is None or not there:
            yield Check(ours, peer, "least", thing, least, None)
        elif goal.runs < 1.0:
            runs = [run.found[thing] for run in ours.runs]
            good = sum(one.right >= least * there and not one.wrong for one in runs)
            yield Check(ours, peer, "often", thing, goal.runs, good / len(runs))
        else:
            yield Check(ours, peer, "least", thing, least, found.right / there, found.wrong == 0)
    for thing in goal.like:
        found, theirs = ours.found(thing), None if peer is None else peer.found(thing)
        if found is None or theirs is None:
            yield Check(ours, peer, "like", thing, 1.0, None)
        else:
            times = found.right / max(1, theirs.right)
            yield Check(ours, peer, "like", thing, 1.0, times, found.wrong == 0)
