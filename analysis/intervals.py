"""How much a figure of the panel would move with other organisations of the same kind.

The unit that is drawn is the organisation, never the trace or the volunteer: many volunteers in one
provider are one draw. What was not measured at all is bounded elsewhere, by coverage.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from analysis.convergence import effective_gateways, percentiles
from analysis.operators import Node
from analysis.policy import Policy

Unit = TypeVar("Unit")


def resampled(
    units: Sequence[Unit], figure: Callable[[Sequence[Unit]], float], policy: Policy
) -> tuple[float, float] | None:
    """Percentile interval of a figure when its organisations are drawn anew, with a fixed seed.

    Two-sided with ``1 - confidence`` in each tail; None for fewer than two organisations, which
    have no spread.

    >>> resampled([1.0, 1.0], sum, Policy())
    (2.0, 2.0)
    """
    return percentiles(_draws(units, figure, policy), policy) if len(units) > 1 else None


def _draws(
    units: Sequence[Unit], figure: Callable[[Sequence[Unit]], float], policy: Policy
) -> list[float]:
    draw = random.Random(policy.seed)  # noqa: S311 - a repeatable interval, not a secret
    return sorted(figure(draw.choices(units, k=len(units))) for _ in range(policy.resamples))


def effective(exits: Sequence[Mapping[Node, float]]) -> float:
    """The effective gateways of organisations, each given by the parts that leave by each node.

    >>> a, b = Node("organisation", "A"), Node("organisation", "B")
    >>> effective([{a: 1.0}, {b: 1.0}]), effective([{a: 0.5, b: 0.5}, {a: 0.5, b: 0.5}])
    (2.0, 2.0)
    """
    total: Counter[Node] = Counter()
    for one in exits:
        total.update(one)
    return effective_gateways(part / len(exits) for part in total.values())


def effective_interval(
    exits: Sequence[Mapping[Node, float]], policy: Policy
) -> tuple[float, float] | None:
    """Interval of the effective gateways, around the figure and within what is possible.

    Who is drawn twice counts twice, so every draw is more concentrated than the panel. The draws
    are scaled until their mean is the figure (a bootstrap corrected for its bias), and cut off at
    one gateway and at as many as there are.

    >>> own = [{Node("organisation", name): 1.0} for name in "ABCDEFGHIJ"]
    >>> low, high = effective_interval(own, Policy())
    >>> round(low, 1), round(effective(own), 1), high
    (7.0, 10.0, 10.0)
    """
    if len(exits) < 2:
        return None
    draws = _draws(exits, effective, policy)
    scale = effective(exits) * len(draws) / sum(draws)
    most = len({node for one in exits for node in one})
    low, high = percentiles(draws, policy)
    return max(1.0, low * scale), min(float(most), high * scale)
