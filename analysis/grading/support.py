"""What bears out that a candidate holds whom it captured: the figures beside its share.

A share may rest on few keys, on one day, on one destination, or on the few pairs of which the way
is known. Each is counted here, of given organisations and one node; what too little of it means
`analysis.grading.verdict` says.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from analysis.alarm.reach import continents, outside
from analysis.candidates.blocks import Blocks
from analysis.evidence.observation import Observation
from analysis.grading.figures import Support
from analysis.grading.readings import Period, Strict
from analysis.owners.operators import Node
from analysis.policy import Policy
from analysis.shares.convergence import candidate, days_of_most, rivals, weighted_share
from analysis.shares.intervals import captured_bounds
from analysis.shares.pairs import Pair


def support_of(strict: Strict, period: Period) -> Support:
    """What bears out the strongest candidate of a period."""
    top, policy = strict.top, period.standard.policy
    if top is None:
        return Support()
    by_table = {name: [pair.unaided for pair in pairs] for name, pairs in strict.grouped.items()}
    return Support(
        mostly=pass_mostly(top.node, strict.behind, strict.judged),
        elsewhere=pass_elsewhere(top.node, strict.behind, strict.judged, policy),
        continents=continents_reached(top.node, strict.behind, strict.judged, policy),
        keys=len(keys_showing(top.node, strict.behind, period.international, period.seen.blocks)),
        unaided=candidate(top.node, (), by_table, strict.left_out, policy).captured_share,
        rivals=rivals(top, strict.nameable, strict.left_out, policy),
        weighed=weighted_share(top.shares, period.standard.weights.of) or 0.0,
        alone=len(strict.behind & period.alone(top.node)),
        by_turns=len(strict.behind & period.by_turns(top.node)),
    )


def keys_showing(
    node: Node, behind: Collection[str], international: Iterable[Observation], blocks: Blocks
) -> set[str]:
    """The keys in these organisations of which at least one trace shows a node."""
    showing: dict[int, bool] = {}
    found = set()
    for seen in international:
        crossing = seen.crossing
        if crossing is None or seen.organisation not in behind:
            continue
        if id(crossing) not in showing:  # traces along one way share one
            showing[id(crossing)] = node in blocks.nodes(crossing.strict)
        if showing[id(crossing)]:
            found.add(seen.vantage)
    return found


def pass_mostly(node: Node, behind: Collection[str], pairs: Iterable[Pair]) -> int:
    """How many of these organisations send more than half of all their pairs through a node.

    Pairs of which the way is not known count as not sent through it.
    """
    passing: dict[str, list[bool]] = defaultdict(list)
    for pair in pairs:
        if pair.organisation in behind:
            passing[pair.organisation].append(pair.resolved and node in pair.strict)
    return sum(2 * sum(some) > len(some) for some in passing.values())


def pass_elsewhere(
    node: Node, behind: Collection[str], pairs: Iterable[Pair], policy: Policy
) -> tuple[int, int]:
    """How many of these organisations pass a node, and of how many, if one class is left out.

    It is the class of destinations without which the lower bound is lowest.
    """
    known = [pair for pair in pairs if pair.resolved]
    measured = {(pair.organisation, pair.destination_class) for pair in known}
    passing = {
        (pair.organisation, pair.destination_class)
        for pair in known
        if node in pair.strict and pair.organisation in behind
    }
    found = [
        (outside(left_out, passing), outside(left_out, measured))
        for left_out in {where for _, where in measured}
    ]
    return min(found, key=lambda one: (captured_bounds(one[0], one[1], policy.confidence)[0], one))


def continents_reached(
    node: Node, behind: Collection[str], pairs: Iterable[Pair], policy: Policy
) -> int:
    """On how many continents most of these organisations pass a node to a destination.

    On each continent the organisations count that were measured to it. One of them passes the node
    if it does so to any of the destinations there.
    """
    known = [pair for pair in pairs if pair.resolved and pair.organisation in behind]
    measured = {(pair.organisation, pair.destination_class) for pair in known}
    passing = {(pair.organisation, pair.destination_class) for pair in known if node in pair.strict}
    return continents(measured, passing, policy)


def days_measured(
    organisations: Collection[str],
    international: Iterable[Observation],
    elsewhere: Mapping[str, Collection[dt.date]],
) -> int:
    """On how many days most of these organisations were measured, as `days_of_most` counts them.

    A day on which an organisation went ``elsewhere`` does not count for it.
    """
    measured: dict[str, set[dt.date]] = defaultdict(set)
    for seen in international:
        if seen.organisation in organisations:
            measured[seen.organisation].update(seen.days)
    return days_of_most(
        {name: days.difference(elsewhere.get(name, ())) for name, days in measured.items()}
    )
