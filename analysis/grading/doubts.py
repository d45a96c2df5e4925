"""What keeps a country from being called diverse though nobody may be named.

Each is looked for by itself in what the strict reading shows. What is said of it, and whether it
suffices, is decided in `analysis.grading.verdict`.
"""

from __future__ import annotations

from operator import attrgetter

from analysis.grading.figures import Doubts
from analysis.grading.readings import Period, Strict
from analysis.policy import Policy
from analysis.shares.convergence import (
    Candidate,
    shared_by_nobody_shown,
    shared_interfaces,
    veiled_share,
    weighted_share,
)


def doubts_of(strict: Strict, period: Period) -> Doubts:
    """What the strict reading of a period leaves in doubt."""
    policy = period.standard.policy
    meeting = next((c for c in strict.candidates if not period.seen.nameable(c.node)), None)
    return Doubts(
        meeting_place=_of_most(meeting, policy),
        alike=_of_most(period.alike, policy),
        thin=max(
            shared_interfaces(strict.grouped, policy),
            shared_by_nobody_shown(strict.grouped, policy),
        ),
        veiled=veiled_share(strict.grouped, policy),
        at_times=_at_times(strict, period),
        by_weight=_by_weight(strict, period),
    )


def _of_most(one: Candidate | None, policy: Policy) -> Candidate | None:
    """The candidate, if most organisations pass it."""
    return one if one is not None and one.is_passed_by_most(policy) else None


def _at_times(strict: Strict, period: Period) -> Candidate | None:
    policy = period.standard.policy
    always = {one.node for one in strict.candidates if one.is_passed_by_most(policy)}
    found = period.candidates(strict.grouped, attrgetter("at_times"))
    most = (one for one in found if one.node not in always and one.is_passed_by_most(policy))
    return next(filter(period.may_name, most), None)


def _by_weight(strict: Strict, period: Period) -> tuple[Candidate, float] | None:
    """The candidate that half of the weight passes, and how much, though most organisations do not.

    Half must do so without the largest network as well: the provider of that one is no gateway.
    """
    weights, policy = period.standard.weights.of, period.standard.policy
    largest = max(sorted(strict.grouped), key=lambda name: weights.get(name, 0.0), default=None)
    found = []
    for one in strict.nameable:
        if one.is_passed_by_most(policy):
            continue
        others = {name: share for name, share in one.shares.items() if name != largest}
        share = weighted_share(one.shares, weights) or 0.0
        least = min(share, weighted_share(others, weights) or 0.0)
        if one.captured >= policy.key_organisations and least >= policy.concentrated:
            found.append((one, share))
    return max(found, key=lambda weighed: weighed[1], default=None)
