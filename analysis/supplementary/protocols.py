"""Whether those that a verdict counts as passing a node pass it by every protocol they measured by.

A pair passes whoever is on most of its traces, so where ICMP goes over an operator and TCP does
not, he may be on the way of all, and on that of nobody's web. Decides nothing: who reads the
verdict is told. How a verdict is worded is not known here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from analysis.candidates.blocks import Blocks
from analysis.evidence.observation import Observation
from analysis.policy import Policy
from analysis.shares.convergence import Candidate, captured_by
from analysis.shares.pairs import by_organisation, make_pairs


class Around(NamedTuple):
    """Of the organisations that a node captured and that measured by a protocol, how many do not
    pass it so to half of their destinations."""

    proto: str
    around: int
    of: int


def ways_around(
    one: Candidate, observations: Sequence[Observation], blocks: Blocks, policy: Policy
) -> Iterator[Around]:
    """The protocols by which half of these organisations or more go around a node, by name."""
    captured = captured_by(one.shares, policy)
    for proto in sorted({seen.proto for seen in observations if seen.crossing is not None}):
        by_it = [seen for seen in observations if seen.proto == proto]
        grouped = by_organisation(make_pairs(by_it, blocks, policy))
        passing = [
            2 * sum(one.node in pair.strict for pair in pairs) >= len(pairs)
            for name, pairs in grouped.items()
            if name in captured
        ]
        around = passing.count(False)
        if passing and 2 * around >= len(passing):
            yield Around(proto, around, len(passing))
