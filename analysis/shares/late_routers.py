"""Whether whoever a verdict names answers from as far as abroad is.

Registration is not place: a carrier of the country that all buy from in a city abroad is registered
at home, its private numbers are nobody's, and a table may give a foreign router to a network at
home. So may a gateway far away in a large country look. This decides nothing: who reads the verdict
is told. How a verdict is worded is not known here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from analysis.candidates.blocks import Blocks
from analysis.evidence.observation import Observation
from analysis.paths.lateness import late_steps
from analysis.policy import Policy
from analysis.shares.convergence import Among, Candidate, captured_by


def answers_late(
    one: Candidate, observations: Sequence[Observation], blocks: Blocks, policy: Policy
) -> Among:
    """To how many of the organisations that a node captured it answers late, on their ways abroad.

    It answers late to a network if its first router does, on more than half of the traces abroad
    that show one; see `analysis.paths.lateness`.
    """
    captured = captured_by(one.shares, policy)
    parts = blocks.parts(one.node)
    late: Counter[str] = Counter()
    for seen in observations:
        if seen.crossing is None or seen.crossing.border is None:
            continue
        if seen.organisation not in captured:
            continue
        frame, rtts = seen.path.frame, seen.path.rtts
        at = next(
            (
                i
                for i, step in enumerate(frame.steps)
                if step.sight is not None and not step.own and step.sight.node in parts
            ),
            None,
        )
        if at is not None:
            is_far = at in late_steps(frame, rtts, policy)
            late[seen.organisation] += seen.traces if is_far else -seen.traces
    return Among(sum(more > 0 for more in late.values()), len(captured))
