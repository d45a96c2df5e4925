"""Which addresses a path shows where it passes a node: those of it, and the one right behind it.

What they tell, where several organisations pass it, is not known here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from itertools import takewhile

from analysis.evidence.observation import Observation
from analysis.owners.operators import Node
from analysis.paths.crossing import Crossing, way_on
from analysis.paths.path import Frame, Step


def addresses_abroad(
    node: Set[Node], frame: Frame, crossing: Crossing, *, owned: bool
) -> list[str]:
    """The addresses of a node on a path, if they are ``owned``, and the one right behind it.

    No port of an exchange counts as the one behind: it is the peer's, whoever comes. Where the node
    stands on this path by what other paths show, the first foreign interface counts, which they
    have in common.
    """
    at = [
        i
        for i, step in enumerate(frame.steps)
        if step.sight is not None and step.sight.node in node and not step.own
    ]
    if not at:
        return [crossing.first_foreign] if crossing.first_foreign is not None else []
    there = [frame.steps[i] for i in at] if owned else []
    return shown([*there, *_behind(frame.steps, at[-1], frame.destination)])


def addresses_of(node: Set[Node], frame: Frame) -> list[str]:
    """The addresses of a node on a path."""
    return shown(
        step
        for step in frame.steps
        if step.sight is not None and step.sight.node in node and not step.own
    )


def addresses_at_home(node: Set[Node], seen: Observation) -> list[str]:
    """The addresses of a node on a way at home, and the one right behind if it is of a third."""
    steps, at = steps_at_home(node, seen)
    return shown([*(steps[i] for i in at), *_behind(steps, at[-1], seen.destination)])


def steps_at_home(node: Set[Node], seen: Observation) -> tuple[list[Step], list[int]]:
    """The steps before the destination's network, and the places of a node among them.

    What stands before the last hop of the vantage point's own network is not counted as the node:
    it carries that network's line.
    """
    target = Node("organisation", seen.destination_organisation)
    steps = list(
        takewhile(lambda step: step.sight is None or step.sight.node != target, seen.steps)
    )
    left = max((i for i, step in enumerate(steps) if step.own), default=-1)
    at = [
        i
        for i, step in enumerate(steps)
        if i > left and step.sight is not None and step.sight.node in node
    ]
    return steps, at


def _behind(steps: Sequence[Step], last: int, destination: str) -> list[Step]:
    """The step right behind the ``last`` one of a node, as a list; empty where that is a port.

    It is empty as well where the vantage point's own network shows again before it: then its border
    stands there.
    """
    on = way_on(takewhile(lambda step: not step.own, steps[last + 1 :]), destination)
    return [on] if on is not None and not is_port(on) else []


def shown(steps: Iterable[Step]) -> list[str]:
    """The addresses of these steps, without the silent ones."""
    return [step.address for step in steps if step.address is not None]


def is_port(step: Step) -> bool:
    """Whether a step is at an exchange: a port there is of the network behind it."""
    return step.sight is not None and step.sight.node.kind == "exchange"
