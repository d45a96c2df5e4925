"""Destinations that answer from so near that they cannot stand where they are registered.

A cloud has regions and a network of caches has racks in many countries, all of them registered
where its office is. The way to such a one at home, or just over the border, is no way to another
continent, and tells nothing of how the country is left. Where it does stand is not known here.
"""

from __future__ import annotations

from collections.abc import Callable

from analysis.intake.told import Rtts
from analysis.owners.operators import Node
from analysis.paths.path import Path


def answers_next_door(path: Path, network: Node, far_ms: float) -> Callable[[Rtts], bool] | None:
    """Whether RTTs along a path put its destination nearer than ``far_ms``; None where none can.

    Where the destination does not answer, the last router that does stands for it, if that is of
    its ``network``: of how the path goes on from there nothing is known. What counts is by how much
    it answers later than the soonest public router of the country, so the time that a radio link at
    home takes does not; where no such router answers, all of it does.
    """
    last = path.reader.node(path.addresses[-1])
    if not far_ms or last != network:
        return None
    at_home = [
        i
        for i, step in enumerate(path.frame.steps)
        if step.sight is not None and step.sight.place == "home"
    ]

    def next_door(rtts: Rtts) -> bool:
        last = rtts[-1]
        if last is None:
            return False
        heard = False
        for i in at_home:
            rtt = rtts[i]
            # A router may answer late, and then seems to be near: none of them may be far, and
            # what answers later than the destination tells nothing.
            if rtt is not None and rtt <= last:
                if last - rtt >= far_ms:
                    return False
                heard = True
        return heard or last < far_ms

    return next_door
