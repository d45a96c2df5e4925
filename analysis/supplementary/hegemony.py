"""How much of all ways depends on one node: hegemony, the trimmed mean over viewpoints.

Works on fractions of ways by viewpoint, wherever they come from: organisations that traced
outward, or peers of a route collector that look inward. It knows neither traces nor routes, and
no grade rests on it.

Source: Fontugne, Shah and Aben, "The (Thin) Bridges of AS Connectivity: Measuring Dependency
Using AS Hegemony", PAM 2018.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from analysis.owners.operators import Node
from analysis.shares.pairs import Pair

# The share of viewpoints that is cut off at each end, as published.
ALPHA = 0.1

# Fewer viewpoints than this lose none to trimming: one of them can move the mean.
FEWEST = 10


def trimmed(viewpoints: int) -> int:
    """How many viewpoints are cut off at each end.

    >>> trimmed(9), trimmed(10), trimmed(25)
    (0, 1, 2)
    """
    return int(ALPHA * viewpoints)


def hegemony(fractions: Sequence[float]) -> float:
    """The mean of the fractions of viewpoints without the lowest and the highest tenth.

    One viewpoint that sits behind the node sees it everywhere, and one that sits elsewhere never:
    both say more of themselves than of the node. 0.0 where nobody looked.

    >>> round(hegemony([1.0] + [0.5] * 8 + [0.0]), 3)
    0.5
    >>> hegemony([1.0, 0.5, 0.0])
    0.5
    """
    cut = trimmed(len(fractions))
    kept = sorted(fractions)[cut : len(fractions) - cut]
    return sum(kept) / len(kept) if kept else 0.0


@dataclass(frozen=True, slots=True)
class Dependence:
    """How much depends on a node.

    ``panel`` is its hegemony with organisations as viewpoints, each weighing the same.
    ``country`` is the mean, weighted by users, of its hegemony for each organisation, with
    that organisation's destinations as viewpoints; None where no weight is known.
    """

    node: Node
    panel: float
    country: float | None


def dependences(
    grouped: Mapping[str, Sequence[Pair]], weights: Mapping[str, float]
) -> list[Dependence]:
    """Every domestic node on the ways abroad, the one that most depends on first.

    ``grouped`` are the resolved pairs of each organisation. An organisation says nothing about
    itself: it is no viewpoint of its own node.
    """
    passing: dict[Node, dict[str, list[float]]] = defaultdict(dict)
    for name, pairs in grouped.items():
        for i, pair in enumerate(pairs):
            for node in pair.strict:
                passing[node].setdefault(name, [0.0] * len(pairs))[i] = 1.0
    found = []
    for node, seen in passing.items():
        names = [name for name in grouped if node != Node("organisation", name)]
        panel = [sum(seen[n]) / len(seen[n]) if n in seen else 0.0 for n in names]
        weighed = sum(weights.get(name, 0.0) for name in names)
        country = sum(
            weights.get(name, 0.0) * hegemony(seen[name]) for name in names if name in seen
        )
        found.append(Dependence(node, hegemony(panel), country / weighed if weighed else None))
    return sorted(found, key=lambda d: (-d.panel, -(d.country or 0.0), d.node))
