"""Which steps that count as at home answer so late that they may stand abroad.

Registration says that they are at home, or no table says whose they are, and no foreign router
answers before them. So nothing is decided by this: who reads a verdict is told.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from analysis.intake.told import Rtts
from analysis.paths.path import Frame
from analysis.policy import Policy


class Timed(NamedTuple):
    """A step that is not the own network's nor registered abroad, and the own public ones before.

    Steps are given by their index.
    """

    step: int
    own: tuple[int, ...]


def timed(frame: Frame) -> tuple[Timed, ...]:
    """The steps of which an RTT tells whether they are late, in order."""
    found = []
    own: list[int] = []
    for i, step in enumerate(frame.steps):
        if step.own and step.is_public:
            own.append(i)
        elif own and not step.own and step.sight is not None and step.place != "abroad":
            found.append(Timed(i, tuple(own)))
    return tuple(found)


def is_late(one: Timed, rtts: Rtts, policy: Policy) -> bool:
    """Whether a step, and all that answers behind it, is as far from the own network as abroad is.

    ``rtts`` (ms) are those of the whole path. A router may be slow to answer for itself; what lies
    behind it then answers sooner. The own network is where the soonest of its routers is.

    >>> is_late(Timed(1, (0,)), (2.0, 40.0, 41.0), Policy())
    True
    >>> is_late(Timed(1, (0,)), (2.0, 40.0, 5.0), Policy())
    False
    """
    here = rtts[one.step]
    if here is None:
        return False
    soonest = math.inf
    for i in one.own:
        rtt = rtts[i]
        if rtt is not None and rtt < soonest:
            soonest = rtt
    least = policy.abroad_step_ms
    if here - soonest < least:
        return False
    return all(rtt is None or rtt - soonest >= least for rtt in rtts[one.step :])


def late_steps(frame: Frame, rtts: Rtts, policy: Policy) -> Sequence[int]:
    """The indexes of the steps of a path that are late, in order."""
    return [one.step for one in timed(frame) if is_late(one, rtts, policy)]
