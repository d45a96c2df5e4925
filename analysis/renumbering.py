"""Whether paths that show another node than before differ by more than addresses.

A border that its neighbours' addresses hid shows its owner on the day on which its links are
renumbered, and a private block gives way to another one: nothing moved, and it looks like a
gateway that was switched on. What tells the two apart is the rest of the path. A gateway that is
put in makes paths longer, or takes somebody's place, or buys from other networks abroad; a link
that is renumbered changes nothing but the interfaces at its ends. What a move is, and what follows
from it, is not decided here.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from analysis.convergence import Blocks, most_common
from analysis.crossing import Crossing
from analysis.operators import Node
from analysis.panel import Observation
from analysis.policy import Policy


class _FarEnd(NamedTuple):
    """The first network abroad, and who answered last at which hop."""

    upstream: Node
    address: str
    hop: int


def _far_end(crossing: Crossing, addresses: Sequence[str | None]) -> _FarEnd | None:
    hop = max((hop for hop, a in enumerate(addresses, start=1) if a is not None), default=0)
    address = addresses[hop - 1] if hop else None
    if address is None or crossing.upstream is None or crossing.border is None:
        return None
    return _FarEnd(crossing.upstream, address, hop) if hop >= crossing.border[1] else None


@dataclass(slots=True)
class _Side:
    """What the traces to one destination show before a day, or from it on."""

    far_ends: Counter[_FarEnd] = field(default_factory=Counter)
    exits: Counter[Node | None] = field(default_factory=Counter)
    nodes: Counter[Node] = field(default_factory=Counter)
    told: int = 0

    def add(self, seen: Observation, crossing: Crossing, blocks: Blocks, traces: int) -> None:
        far_end = _far_end(crossing, seen.path.addresses)
        if far_end is not None:
            self.far_ends[far_end] += traces
        nodes = blocks.nodes(crossing.strict)
        self.nodes.update(dict.fromkeys(nodes, traces))
        if nodes or not crossing.gap:
            self.exits[nodes[-1] if nodes else None] += traces
            self.told += traces

    def passes(self, node: Node | None) -> bool:
        """Whether most of the traces that tell pass a node."""
        return node is not None and 2 * self.nodes[node] > self.told


def _kept(before: _Side, after: _Side) -> bool:
    """Whether nothing but addresses of the border changed.

    The same network abroad comes first, the same address answers last, as far away as before, and
    no other network at home is gone from the way.
    """
    far_end = most_common(before.far_ends)
    if far_end is None or far_end != most_common(after.far_ends):
        return False
    exit_ = most_common(before.exits)
    return exit_ is None or exit_.kind == "unmapped" or after.passes(exit_)


class Renumbering:
    """Says of moves of vantage points to a node whether renumbered links explain them."""

    def __init__(self, observations: Iterable[Observation], blocks: Blocks, policy: Policy) -> None:
        self._observations = observations
        self._blocks = blocks
        self._policy = policy

    @cached_property
    def _crossed(self) -> dict[tuple[str, str], list[tuple[Observation, Crossing]]]:
        """The known crossings of each vantage point: only who seems to move is asked for."""
        found: dict[tuple[str, str], list[tuple[Observation, Crossing]]] = defaultdict(list)
        for seen in self._observations:
            if seen.crossing is not None and seen.crossing.state in {"resolved", "bracketed"}:
                found[seen.organisation, seen.vantage].append((seen, seen.crossing))
        return found

    def explains(
        self,
        organisation: str,
        vantage: str,
        node: Node,
        before: Collection[dt.date],
        after: Collection[dt.date],
    ) -> bool:
        """Whether most destinations reached through a node after a day were reached so before.

        That is at least the policy's share of a captured organisation; ``before`` and ``after``
        are the days on both sides.
        """
        sides: dict[str, tuple[_Side, _Side]] = defaultdict(lambda: (_Side(), _Side()))
        for seen, crossing in self._crossed[organisation, vantage]:
            for day, traces in seen.daily():
                for side, days in enumerate((before, after)):
                    if day in days:
                        there = sides[seen.destination][side]
                        there.add(seen, crossing, self._blocks, traces)
        reached = [(was, now) for was, now in sides.values() if now.passes(node)]
        kept = sum(_kept(was, now) for was, now in reached)
        return bool(reached) and kept >= self._policy.captured * len(reached)
