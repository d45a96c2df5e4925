"""Below the organisation: by how many interfaces a gateway shows itself, and how they share.

One organisation with many routers and one router that many organisations meet are different
findings, and only the level of interfaces tells them apart. Interfaces are no routers: one router
may show several, so their number is an upper bound of the routers seen. No grade rests on it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from analysis.candidates.blocks import Blocks
from analysis.evidence.observation import Observation
from analysis.evidence.votes import TOLERANCE
from analysis.owners.operators import Node
from analysis.policy import Policy
from analysis.shares.intervals import captured_bounds, effective_gateways
from analysis.shares.pairs import Pair


@dataclass(frozen=True, slots=True)
class Interfaces:
    """The interfaces at one place of the ways, over the organisations judged.

    ``effective`` is how many equally used interfaces would be as concentrated. ``busiest`` is the
    one that captures most organisations (None where none was seen), ``captured`` how many ``of``
    all send at least the policy's share of their pairs over it, with one-sided bounds.
    """

    count: int
    effective: float
    busiest: str | None
    captured: int
    of: int
    lower: float
    upper: float


def _weigh(
    users: Mapping[tuple[str, str], Collection[str]],
    grouped: Mapping[str, Sequence[Pair]],
    left_out: Collection[str],
    policy: Policy,
) -> Interfaces:
    """``users`` are the interfaces of each pair (organisation, destination)."""
    organisations = [name for name in grouped if name not in left_out]
    fractions: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    parts: dict[str, float] = defaultdict(float)
    for name in organisations:
        for pair in grouped[name]:
            # In order, so that sums of fractions are the same to the last digit.
            seen = sorted(users.get((name, pair.destination), ()))
            for address in seen:
                fractions[address][name] += 1.0 / len(grouped[name])
                parts[address] += 1.0 / len(seen) / len(grouped[name])
    holders = {
        address: sum(part >= policy.captured - TOLERANCE for part in by_name.values())
        for address, by_name in fractions.items()
    }
    used = {address: round(sum(by_name.values()), 9) for address, by_name in fractions.items()}
    busiest = min(holders, key=lambda a: (-holders[a], -used[a], a), default=None)
    captured = holders[busiest] if busiest else 0
    total = sum(parts.values())
    return Interfaces(
        len(fractions),
        effective_gateways(part / total for part in parts.values()),
        busiest,
        captured,
        len(organisations),
        *captured_bounds(captured, len(organisations), policy.confidence),
    )


def interfaces_of(
    node: Node,
    observations: Iterable[Observation],
    blocks: Blocks,
    grouped: Mapping[str, Sequence[Pair]],
    policy: Policy,
    *,
    left_out: Collection[str],
) -> Interfaces:
    """The interfaces by which a candidate shows itself on the ways abroad.

    An interface belongs to a pair when it is on more than half of the pair's known crossings.
    """
    counts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    known: Counter[tuple[str, str]] = Counter()
    for seen in observations:
        crossing = seen.crossing
        if crossing is None or crossing.border is None or crossing.state == "ambiguous":
            continue
        key = (seen.organisation, seen.destination)
        known[key] += seen.traces
        for address in {
            step.address
            for step in seen.path.frame.steps
            if step.address is not None
            and step.sight is not None
            and not step.own
            and step.hop <= crossing.border[0]
            and blocks.node(step.sight.node) == node
        }:
            counts[key][address] += seen.traces
    users = {
        key: [address for address, count in found.items() if 2 * count > known[key]]
        for key, found in counts.items()
    }
    return _weigh(users, grouped, left_out, policy)


def first_abroad(
    grouped: Mapping[str, Sequence[Pair]], policy: Policy, *, left_out: Collection[str]
) -> Interfaces:
    """The first foreign interfaces behind the border, exchange LANs and destinations excepted.

    One belongs to each pair that went over it at all: a gateway may divide what it carries.

    That many organisations meet on one of them, though they share no domestic node, is how a
    gateway looks whose routers are numbered from its customers' links.
    """
    users = {
        (name, pair.destination): pair.interfaces
        for name, pairs in grouped.items()
        for pair in pairs
    }
    return _weigh(users, grouped, left_out, policy)
