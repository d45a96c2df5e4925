"""Who may be named by all that was observed, and what else all paths together tell of their nodes.

A node that most organisations pass may be an exchange, or nothing but numbers on lines of others.
Whom most pass is not asked here.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import NamedTuple

from analysis.candidates.blocks import Blocks
from analysis.candidates.meeting import given_away
from analysis.candidates.peering import PeeringLans
from analysis.evidence.observation import Observation
from analysis.grading.standard import JudgingTable
from analysis.owners.operators import Node
from analysis.policy import Policy
from analysis.shares.convergence import Candidate, border_distance


def own_names(node: Node, table: JudgingTable) -> frozenset[str]:
    """Organisations that a candidate is, or that run it: they say nothing about it."""
    if node.kind == "organisation":
        return frozenset({node.name})
    if node.kind == "exchange" and (operator := table.exchange_operator(node.name)) is not None:
        return frozenset({table.organisation(operator)})
    return frozenset()


def _one_operator_behind(
    exchange: Node,
    observations: Iterable[Observation],
    is_given_away: Callable[[Node], bool],
    policy: Policy,
) -> bool:
    """Whether nearly every organisation meets the same domestic operator behind an exchange.

    An organisation does if nearly all of its traces over the exchange go on there: one that it
    meets more often than any other it may still meet seldom. Nobody meets an operator that only
    lends its numbers to the routers there.
    """
    behind: dict[str, Counter[str]] = defaultdict(Counter)
    for seen in observations:
        for name, operator in seen.crossing.behind_exchange if seen.crossing else ():
            if name == exchange.name:
                behind[seen.organisation][operator] += seen.traces
    operators = Counter(
        operator
        for counts in behind.values()
        for operator, traces in counts.items()
        if traces >= policy.captured * counts.total()
    )
    if not operators:
        return False
    operator, organisations = min(operators.items(), key=lambda item: (-item[1], item[0]))
    at_home = any(
        step.sight is not None
        and step.sight.node == Node("organisation", operator)
        and step.sight.place == "home"
        for frame in {seen.path.frame for seen in observations}
        for step in frame.steps
    )
    return (
        at_home
        and organisations >= policy.captured * len(behind)
        and not is_given_away(Node("organisation", operator))
    )


def _nameable(
    observations: Sequence[Observation],
    blocks: Blocks,
    lans: PeeringLans,
    table: JudgingTable,
    policy: Policy,
) -> Callable[[Node], bool]:
    """Whether a node may be named by what was observed; each is looked at once."""
    is_given_away = given_away(blocks, observations, policy.link_organisations)

    @cache
    def nameable(node: Node) -> bool:
        if table.is_watched(node.name):
            return True
        if node.kind == "exchange":
            return _one_operator_behind(node, observations, is_given_away, policy)
        return node not in lans

    return nameable


class Seen(NamedTuple):
    """Observations, and what all of them together tell of the nodes on their paths."""

    observations: tuple[Observation, ...]
    blocks: Blocks
    nearness: Mapping[Node, float]
    lans: PeeringLans
    nameable: Callable[[Node], bool]


def see(observations: Sequence[Observation], table: JudgingTable, policy: Policy) -> Seen:
    """What observations of one address family tell together."""
    blocks = Blocks(observations)
    nearness = border_distance(observations, blocks)
    lans = PeeringLans(observations, blocks, policy)
    nameable = _nameable(observations, blocks, lans, table, policy)
    return Seen(tuple(observations), blocks, nearness, lans, nameable)


def since(seen: Seen, day: dt.date, table: JudgingTable, policy: Policy) -> Seen:
    """What was seen on this day and after it; blocks and nearness are those of all days.

    What looked like a peering LAN before is one still, though too few members are met since.
    """
    late = tuple(part for one in seen.observations if (part := one.since(day)) is not None)
    lans = PeeringLans(late, seen.blocks, policy, told=list(seen.lans))
    nameable = _nameable(late, seen.blocks, lans, table, policy)
    return seen._replace(observations=late, lans=lans, nameable=nameable)


def are_apart(one: Candidate, is_given_away: Callable[[Node], bool], policy: Policy) -> bool:
    """Whether most organisations pass a network of which only the numbers are on their ways."""
    return (
        # Fewer could hardly meet, and nobody is named before them.
        one.of >= policy.organisations and one.is_passed_by_most(policy) and is_given_away(one.node)
    )
