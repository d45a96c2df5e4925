"""Whether those that a verdict counts as passing a node show a router of their own anywhere.

Where they do not, and the node is the first to show, they may be measured over a line of it: a VPN
whose exit is at home, a tunnel. Or an old table has it under their names. Silent networks behind a
gateway look the same, so this decides nothing: who reads the verdict is told. How a verdict is
worded is not known here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from analysis.candidates.blocks import Blocks
from analysis.evidence.observation import Observation
from analysis.owners.operators import Node
from analysis.policy import Policy
from analysis.shares.convergence import Among, Candidate, captured_by


def unshown(
    one: Candidate, observations: Sequence[Observation], blocks: Blocks, policy: Policy
) -> Among:
    """How many of the organisations that a node captured show no router of their own, but the node.

    All their ways are looked at, abroad and at home. The node has to be the first that shows on
    more than half of those traces of an organisation that show anybody. Blocks without an owner,
    such as the private ends of a tunnel, do not count as somebody.
    """
    captured = captured_by(one.shares, policy)
    parts = blocks.parts(one.node)
    seen_at_home: set[str] = set()
    first: Counter[str] = Counter()
    for seen in observations:
        if seen.organisation not in captured:
            continue
        own = Node("organisation", seen.organisation)
        nodes = [
            step.sight.node
            for step in seen.path.frame.steps
            if step.sight is not None
            and (not step.own or step.sight.node == own)
            and (step.sight.node.kind != "unmapped" or step.sight.node in parts)
        ]
        if own in nodes:
            seen_at_home.add(seen.organisation)
        elif nodes:
            first[seen.organisation] += seen.traces if nodes[0] in parts else -seen.traces
    found = {name for name, more in first.items() if more > 0}
    return Among(len(found - seen_at_home), len(captured))
