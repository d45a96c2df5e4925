"""Private blocks that most organisations show and that are nobody's, as far as is known.

Unrelated networks number themselves alike, and a gateway of which too few ways on were seen looks
the same. Nobody is named for such a block, and where most show one paths cannot be called diverse
either. Which blocks these are, `analysis.operators` says.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

from analysis.convergence import Candidate, by_shares
from analysis.observation import Observation
from analysis.operators import Node, block_name
from analysis.pairs import Blocks
from analysis.policy import Policy


def most_alike(
    observations: Iterable[Observation], blocks: Blocks, policy: Policy
) -> Candidate | None:
    """Of the groups in ``blocks.alike``, the one that most organisations show on their ways abroad.

    The ``shares`` of what is returned are the fractions of each organisation's traces that show a
    block of the group. None where there is no group.
    """
    if not blocks.alike:
        return None
    groups = {block: group for group in blocks.alike for block in group}
    traces: Counter[str] = Counter()
    shown: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    for seen in observations:
        if seen.crossing is not None:
            traces[seen.organisation] += seen.traces
            for group in {groups[name] for name, _, _ in seen.crossing.blocks if name in groups}:
                shown[group][seen.organisation] += seen.traces
    found = []
    for group, counts in sorted(shown.items()):
        shares = {name: counts[name] / of for name, of in sorted(traces.items())}
        found.append(by_shares(Node("unmapped", block_name(group)), group, shares, policy))
    return max(found, key=lambda one: one.captured, default=None)
