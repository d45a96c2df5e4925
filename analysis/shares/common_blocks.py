"""Private blocks that most organisations show and that are nobody's, as far as is known.

Unrelated networks number themselves alike, and a gateway of which too few ways on were seen looks
the same; so does one that has a block for each network it takes over, or for each of its sites, if
these go on over carriers of their own. Nobody is named for such blocks, and where most show them
paths cannot be called diverse either. Which blocks these are, `analysis.candidates.blocks` says.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from analysis.candidates.blocks import Blocks, block_name
from analysis.evidence.observation import Observation
from analysis.owners.numbering import in_order, is_commonplace, neighbourhood
from analysis.owners.operators import Node
from analysis.paths.crossing import Crossing
from analysis.policy import Policy
from analysis.shares.convergence import Candidate, by_shares

Group = tuple[str, ...]


def most_alike(
    observations: Iterable[Observation], blocks: Blocks, policy: Policy
) -> Candidate | None:
    """The group of blocks that most organisations show on their ways abroad.

    A group is one of ``blocks.alike``, or blocks of one neighbourhood that stand right before the
    border and are not one candidate. The ``shares`` of what is returned are the fractions of each
    organisation's traces that show a block of the group. None where there is no group.
    """
    abroad = [(seen, seen.crossing) for seen in observations if seen.crossing is not None]
    alike = {block: group for group in blocks.alike for block in group}
    near = _neighbours_at_border((crossing for _, crossing in abroad), blocks)
    traces: Counter[str] = Counter()
    shown: dict[Group, Counter[str]] = defaultdict(Counter)
    for seen, crossing in abroad:
        traces[seen.organisation] += seen.traces
        for group in _groups(crossing, alike, near):
            shown[group][seen.organisation] += seen.traces
    found = []
    for group, counts in sorted(shown.items()):
        shares = {name: counts[name] / of for name, of in sorted(traces.items())}
        found.append(by_shares(Node("unmapped", block_name(group)), group, shares, policy))
    return max(found, key=lambda one: one.captured, default=None)


def _neighbours_at_border(crossings: Iterable[Crossing], blocks: Blocks) -> dict[str, Group]:
    """The blocks right before borders, each with all of its neighbourhood.

    Without those neighbourhoods of which all blocks are one candidate.
    """
    found: dict[str, set[str]] = defaultdict(set)
    for name, at_border, _ in {block for crossing in crossings for block in crossing.blocks}:
        if at_border and not is_commonplace(name):
            found[neighbourhood(name)].add(name)
    groups = map(in_order, found.values())
    return {name: group for group in groups if not _one_candidate(group, blocks) for name in group}


def _one_candidate(group: Group, blocks: Blocks) -> bool:
    nodes = {blocks.node(Node("unmapped", name)) for name in group}
    return len(nodes) == 1 and None not in nodes


def _groups(
    crossing: Crossing, alike: Mapping[str, Group], near: Mapping[str, Group]
) -> set[Group]:
    return {alike[name] for name, _, _ in crossing.blocks if name in alike} | {
        near[name] for name, at_border, _ in crossing.blocks if at_border and name in near
    }
