"""How sure a figure is: bounds of what was counted, and how much it moves with other organisations.

The unit that is drawn is the organisation, never the trace or the volunteer: many volunteers in one
provider are one draw. What was not measured at all bounds the national share, by coverage.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from analysis.owners.operators import Node
from analysis.policy import Policy

Unit = TypeVar("Unit")


def captured_bounds(captured: int, of: int, confidence: float) -> tuple[float, float]:
    """One-sided Clopper–Pearson bounds of a share of organisations, each at this confidence.

    Source: Clopper and Pearson, Biometrika 26 (1934), 404–413. Nothing observed bounds nothing.

    >>> [round(bound, 3) for bound in captured_bounds(7, 7, 0.95)]  # lower is 0.05 ** (1 / 7)
    [0.652, 1.0]
    >>> captured_bounds(0, 0, 0.95)
    (0.0, 1.0)
    """
    # Processes that fold do without it, and start sooner.
    from scipy.special import betaincinv  # noqa: PLC0415

    tail = 1.0 - confidence
    lower = float(betaincinv(captured, of - captured + 1, tail)) if captured else 0.0
    upper = float(betaincinv(captured + 1, of - captured, 1.0 - tail)) if captured < of else 1.0
    return lower, upper


def effective_gateways(shares: Iterable[float]) -> float:
    """How many equally used gateways would be as concentrated as these.

    The inverse Herfindahl–Hirschman index: 1.0 when one gateway carries everything, n when n
    gateways carry 1/n each. Shares are fractions and sum to 1; no shares make 0.0. Nine decimals,
    so that n is n whatever sums of fractions lose.

    >>> effective_gateways([0.5, 0.5])
    2.0
    """
    squares = sum(share * share for share in shares)
    return round(1.0 / squares, 9) if squares else 0.0


def coverage_bounds(share: float, coverage: float) -> tuple[float, float]:
    """Between what the national share lies when only a part of the country was measured.

    Whatever was not measured may pass the candidate wholly or not at all.

    >>> coverage_bounds(0.5, 0.5)
    (0.25, 0.75)
    """
    return coverage * share, coverage * share + 1.0 - coverage


def resampled_interval(values: Sequence[float], policy: Policy) -> tuple[float, float]:
    """Percentile interval of the mean when organisations are drawn anew, with a fixed seed.

    Two-sided with ``1 - confidence`` in each tail. One organisation has no spread to resample:
    its interval is (0, 1).

    >>> resampled_interval([1.0] * 6, Policy())
    (1.0, 1.0)
    """
    if len(values) < 2:
        return 0.0, 1.0
    draw = random.Random(policy.seed)  # noqa: S311 - a repeatable interval, not a secret
    means = sorted(
        sum(draw.choices(values, k=len(values))) / len(values) for _ in range(policy.resamples)
    )
    return percentiles(means, policy)


def percentiles(figures: Sequence[float], policy: Policy) -> tuple[float, float]:
    """The bounds that leave ``1 - confidence`` of these figures, in order, in each tail.

    >>> percentiles([1.0, 2.0, 3.0, 4.0], Policy(confidence=0.75))
    (2.0, 3.0)
    """
    cut = min(int((1.0 - policy.confidence) * len(figures)), (len(figures) - 1) // 2)
    return figures[cut], figures[-1 - cut]


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
    total = defaultdict[Node, float](float)
    for one in exits:
        for node, part in one.items():
            total[node] += part
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
