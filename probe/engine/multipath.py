"""How many flows must be sent until a load-balanced path is known: its nodes and its links.

The Multipath Detection Algorithm (Augustin, Friedman, Teixeira, E2EMON 2007; its stopping rule:
Veitch, Augustin, Teixeira, Friedman, INFOCOM 2009) over a range of TTLs of one path. One object,
told what was sent, heard and given up, and asked what to send next; all hops are worked on at
once, and one flow serves as many of them as it can. It knows no clock, socket, token or record.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from probe.graph import Graph, Level, Link, Node
from probe.network import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Set

# Flows are numbered modulo this.
FLOW_NUMBERS = 1 << 16

# After how many flows given up a hop that repeating never helped is asked once per flow.
ENOUGH_SILENCE = 3

# Of a hop at which some flows are silent, some that were answered are asked again. Where so many
# of these are silent now, the router there leaves answers out; where so many answer, it does not.
FICKLE = 2
STEADY = 3

# How many flows given up such a router is asked for at most: it counts how often it answers.
SPARED = 12


def chance_of_a_miss(successors: int, probes: int) -> float:
    """How likely so many flows miss at least one of so many equally likely next hops.

    By inclusion and exclusion: the sum over j from 1 to k−1 of (−1)^(j+1)·C(k, j)·(1 − j/k)^n.
    Five flows and a first one all take the same of two next hops in one case of 32:

    >>> chance_of_a_miss(2, 6)
    0.03125
    """
    total = 0.0
    for missed in range(1, successors):
        term = math.comb(successors, missed) * (1.0 - missed / successors) ** probes
        total += term if missed % 2 else -term
    return total


@cache
def probes_needed(successors: int, failure: float) -> int:
    """How many flows through a node rule out this many next hops when one less was seen.

    The least n for which `chance_of_a_miss` is at most `failure` (0.05 for the 95% rule). For the
    95% rule these are the numbers that Paris traceroute and its successors use:

    >>> [probes_needed(k, 0.05) for k in range(2, 12)]
    [6, 11, 16, 21, 27, 33, 38, 44, 51, 57]
    >>> [probes_needed(k, 0.01) for k in range(2, 6)]
    [8, 15, 21, 28]

    The closed form in use, ceil(ln(failure/k) / ln((k−1)/k)), counts a flow set that misses two
    next hops twice, so it is a bound from above: 39 for k = 8 and 45 for k = 9 where 38 and 44 do.
    For k = 101 it gives 765, and where 757 is printed that is too few either way:

    >>> probes_needed(101, 0.05), chance_of_a_miss(101, 757) > 0.05
    (763, True)
    """
    probes = math.ceil(math.log(failure / successors) / math.log((successors - 1) / successors))
    while chance_of_a_miss(successors, probes - 1) <= failure:
        probes -= 1
    return probes


@dataclass(frozen=True)
class MultipathLimits:
    """The numbers an enumeration keeps to; times are in seconds.

    `failure` is the probability allowed of missing a next hop of one node: 0.05 for the 95% rule,
    0.01 for the 99% rule. `attempts` is how often a flow is asked at a hop before it counts as
    silent there; once more where repeating has helped at that hop, and once only where it has not
    and several flows were silent. `budget` bounds the probes of one enumeration. A probe is given
    up after `same_hop_factor` times the longest RTT of its hop, or `later_hop_factor` times that
    of the nearest later hop that answered (the rule of Linux traceroute), within floor and
    ceiling.
    """

    failure: float = 0.05
    attempts: int = 2
    budget: int = 1000
    timeout_floor: float = 0.4
    timeout_ceiling: float = 2.0
    same_hop_factor: float = 3.0
    later_hop_factor: float = 10.0


class _Vertex(NamedTuple):
    """What a flow met at a TTL; `ends` where it does not go on from there."""

    address: str | None
    ends: bool = False


_SILENT = _Vertex(None)
# Whence all flows come that the first hop gets.
_SOURCE = _Vertex("source")
# Whatever a packet met where they are spread.
_ANY = _Vertex("any")


class _Hop:
    """What is known of one TTL when the next probes are chosen."""

    __slots__ = ("arriving", "before", "common", "complete", "members", "through", "ttl")

    def __init__(self, ttl: int, common: _Vertex | None) -> None:
        self.ttl = ttl
        # The node that all flows meet before this hop; None where it depends on the flow.
        self.common = common
        # By node before this hop, the flows that met it; by flow, what it met there and what here.
        self.arriving: dict[_Vertex, list[int]] = {}
        self.before: dict[int, _Vertex] = {}
        self.members: dict[_Vertex, list[int]] = {}
        # By node before this hop, what its flows met here.
        self.through: dict[_Vertex, Counter[_Vertex]] = {}
        self.complete = False


class Enumeration:
    """Find all nodes and links of a path between two TTLs, under the rule, with few probes.

    A flow's way is fixed, so a flow known to meet a node shows, one TTL on, one of the node's next
    hops. Every node gets as many flows as the rule asks for; where too few are known to meet it,
    more are sent to its own hop, by way of the nodes before it (node control). A hop at which the
    rule has found a single node needs no such proof: every flow meets it. Where a node has several
    next hops, some flows are sent again, to learn if packets are spread instead of flows; where
    some are silent, to learn if a router limits its answers, which is no silent one. Each link is
    shown by a flow that was seen at both its ends; only through a hop at which nothing answers is
    a flow followed blindly.

    The caller sends what `next_probe` names and says so with `sent`; every probe sent is later
    either `answered` or `lost`, or first lost and then answered late. As long as it is not `done`
    there is a next probe or one whose fate is open. What an earlier trace heard of these flows can
    be told by `answered` before the first probe and need not be asked again; when that tells where
    the path ends, no probe goes farther in vain, so `last` may then be any limit.

    >>> path = Enumeration(MultipathLimits(), first=3, last=3, flow=100)
    >>> path.answered(3, 100, "192.0.2.1", Kind.TIME_EXCEEDED, 0.010)
    >>> while (probe := path.next_probe()) is not None:
    ...     path.sent(*probe)
    ...     path.answered(*probe, "192.0.2.1", Kind.TIME_EXCEEDED, 0.010)
    >>> path.done, path.graph().probes
    (True, 5)
    >>> path.graph().levels[0].nodes
    (Node(address='192.0.2.1', flows=(100, 101, 102, 103, 104, 105)),)
    """

    def __init__(
        self,
        limits: MultipathLimits,
        first: int,
        last: int,
        flow: int,
        alone_from: int | None = None,
    ) -> None:
        self.alone_from = last + 1 if alone_from is None else alone_from
        """The first TTL at which other paths have other routers, as far as is known."""
        self.when_broken_off: Callable[[], None] = lambda: None
        """To be called where an error ends it before it is done."""
        self._limits = limits
        self._first = first
        self._last = last
        self._flow = flow
        self._least = probes_needed(2, limits.failure)
        # By TTL and number of the flow, counted from the first: what it met; how often it was
        # asked; how many of these probes are open.
        self._met: dict[int, dict[int, _Vertex]] = {ttl: {} for ttl in range(first, last + 1)}
        self._tries: Counter[tuple[int, int]] = Counter()
        self._open: Counter[tuple[int, int]] = Counter()
        self._again: set[tuple[int, int]] = set()
        self._ends: dict[int, int] = {}
        self._given_up: Counter[int] = Counter()
        self._repeating_helps: set[int] = set()
        self._others: dict[int, dict[_Vertex, list[int]]] = {}
        self._repeats: Counter[int] = Counter()
        # By TTL, how often a flow that was answered has stayed so, or not, when asked again.
        self._stayed: Counter[int] = Counter()
        self._fell_silent: Counter[int] = Counter()
        # By TTL, the least number of a flow that may be asked there for the first time.
        self._fresh: Counter[int] = Counter()
        self._rtt: dict[int, float] = {}
        self._heard_at: dict[int, set[str]] = {ttl: set() for ttl in range(first, last + 1)}
        self._probes = 0
        # By TTL, the number of the last probe that had it.
        self._asked_last: Counter[int] = Counter()
        # By TTL, the numbers of the flows to ask there, the most useful first.
        self._plan: dict[int, dict[int, None]] = {}
        self._news = True

    @property
    def done(self) -> bool:
        """Whether nothing is left to send or to wait for."""
        return not self._open and self.next_probe() is None

    def next_probe(self, asked_at: Callable[[int], int] | None = None) -> tuple[int, int] | None:
        """TTL and flow of the probe to send now; None when there is nothing to do but wait.

        Of the hops wanted that one is next which was left alone for longest. ``asked_at`` says of
        a TTL when it had the last probe, of whomever; without, only probes from here count.
        """
        if self._probes >= self._limits.budget:
            return None
        if self._news:
            self._plan = {}
            for ttl, number in self._wanted():
                self._plan.setdefault(ttl, {})[number] = None
            self._news = False
        if not self._plan:
            return None
        asked_at = asked_at or self._asked_last.__getitem__
        ttl = min(sorted(self._plan), key=asked_at)
        return ttl, (self._flow + next(iter(self._plan[ttl]))) % FLOW_NUMBERS

    def heard_at(self, ttl: int) -> Set[str]:
        """The addresses that answered at a TTL so far."""
        return self._heard_at[ttl]

    def sent(self, ttl: int, flow: int) -> None:
        """A probe of this flow left with this TTL."""
        key = self._key(ttl, flow)
        numbers = self._plan.get(ttl, {})
        numbers.pop(key[1], None)
        if not numbers:
            self._plan.pop(ttl, None)
        self._again.discard(key)
        if key[1] in self._met[ttl]:
            self._repeats[ttl] += 1
        self._tries[key] += 1
        self._open[key] += 1
        self._probes += 1
        self._asked_last[ttl] = self._probes

    def answered(self, ttl: int, flow: int, address: str, kind: Kind, rtt: float) -> None:
        """A probe was answered, in time or late, or was by an earlier trace; `rtt` in seconds.

        Not to be told of duplicates.
        """
        key = self._key(ttl, flow)
        number = key[1]
        vertex = _Vertex(address, kind is not Kind.TIME_EXCEEDED)
        met = self._met[ttl]
        known = met.get(number, _SILENT)
        self._settle(key)
        self._again.discard(key)
        self._rtt[ttl] = max(rtt, self._rtt.get(ttl, 0.0))
        self._heard_at[ttl].add(address)
        if known is _SILENT:
            met[number] = vertex
            if self._tries[key] > 1:
                self._repeating_helps.add(ttl)
        else:
            self._stayed[ttl] += 1
            if known != vertex:
                self._others.setdefault(ttl, {}).setdefault(vertex, []).append(number)
        if vertex.ends:
            self._ends[number] = min(ttl, self._ends.get(number, ttl))
        self._news = True

    def lost(self, ttl: int, flow: int) -> None:
        """A probe was given up."""
        key = self._key(ttl, flow)
        self._settle(key)
        if key[1] not in self._met[ttl]:
            self._again.add(key)
            for other in [other for other in self._again if other[0] == ttl]:
                if self._tries[other] >= self._allowed(ttl):
                    self._again.discard(other)
                    self._met[ttl][other[1]] = _SILENT
                    self._given_up[ttl] += 1
        elif self._met[ttl][key[1]] is not _SILENT:
            self._fell_silent[ttl] += 1
        self._news = True

    def patience(self, ttl: int) -> float:
        """Seconds to wait for the answer to a probe with this TTL, by what was heard so far.

        >>> path = Enumeration(MultipathLimits(), first=3, last=5, flow=0)
        >>> path.patience(4)
        2.0
        >>> path.answered(5, 0, "192.0.2.1", Kind.TIME_EXCEEDED, 0.070)
        >>> path.answered(3, 0, "192.0.2.2", Kind.TIME_EXCEEDED, 0.200)
        >>> round(path.patience(4), 3), round(path.patience(3), 3)
        (0.7, 0.6)
        """
        limits = self._limits
        heard = min((heard for heard in self._rtt if heard >= ttl), default=None)
        if heard is None:
            return limits.timeout_ceiling
        factor = limits.same_hop_factor if heard == ttl else limits.later_hop_factor
        return max(limits.timeout_floor, min(factor * self._rtt[heard], limits.timeout_ceiling))

    def graph(self) -> Graph:
        """What is known by now."""
        levels = []
        links: dict[tuple[int, str | None, str | None], list[int]] = {}
        for hop in self._survey():
            if not hop.members:
                continue
            nodes: dict[str | None, set[int]] = {}
            met = [*hop.members.items(), *self._others.get(hop.ttl, {}).items()]
            for vertex, flows in met:
                nodes.setdefault(vertex.address, set()).update(flows)
            levels.append(
                Level(
                    hop.ttl,
                    tuple(Node(address, self._ids(nodes[address])) for address in _sorted(nodes)),
                    hop.complete,
                    hop.ttl in self._others,
                )
            )
            for vertex, flows in hop.members.items():
                for number in flows:
                    near = self._seen_before(hop, number)
                    if near is not None:
                        link = (hop.ttl - 1, near.address, vertex.address)
                        links.setdefault(link, []).append(number)
        return Graph(
            tuple(levels),
            tuple(
                Link(*link, self._ids(links[link]))
                for link in sorted(links, key=lambda link: (link[0], link[1] or "", link[2] or ""))
            ),
            self._probes,
            self._limits.failure,
        )

    # -- bookkeeping ------------------------------------------------------------------------

    def _key(self, ttl: int, flow: int) -> tuple[int, int]:
        return ttl, (flow - self._flow) % FLOW_NUMBERS

    def _ids(self, numbers: Iterable[int]) -> tuple[int, ...]:
        return tuple((self._flow + number) % FLOW_NUMBERS for number in sorted(numbers))

    def _settle(self, key: tuple[int, int]) -> None:
        if self._open[key] > 1:
            self._open[key] -= 1
        else:
            del self._open[key]

    def _allowed(self, ttl: int) -> int:
        """How often a flow may be asked at this hop before it counts as silent."""
        if self._is_fickle(ttl):
            return 1
        if ttl in self._repeating_helps:
            return self._limits.attempts + 1
        return 1 if self._given_up[ttl] >= ENOUGH_SILENCE else self._limits.attempts

    def _is_fickle(self, ttl: int) -> bool:
        """Whether who stands there limits its answers, so that silence is no router of its own."""
        return self._fell_silent[ttl] >= FICKLE

    def _is_spared(self, ttl: int) -> bool:
        """Whether no more flows are asked at a hop whose router leaves most answers out."""
        return self._is_fickle(ttl) and self._given_up[ttl] >= SPARED

    def _asked(self, ttl: int, number: int) -> bool:
        return number in self._met[ttl] or (ttl, number) in self._tries

    def _passes(self, ttl: int, number: int) -> bool:
        """Whether a flow may still be under way at this TTL."""
        return self._ends.get(number, ttl) >= ttl

    # -- what is known ----------------------------------------------------------------------

    def _survey(self) -> list[_Hop]:
        """The hops that flows are known to get to, nearest first."""
        hops = []
        common: _Vertex | None = _SOURCE
        before: _Hop | None = None
        for ttl in range(self._first, self._last + 1):
            hop = self._look(ttl, common, before)
            hops.append(hop)
            going_on = [vertex for vertex in hop.members if not vertex.ends]
            if hop.members and not going_on:
                break
            if ttl in self._others:
                common = _ANY
            elif len(hop.members) == 1 and (hop.complete or self._is_spared(ttl)):
                common = going_on[0]
            else:
                common = None
            before = hop
        return hops

    def _look(self, ttl: int, common: _Vertex | None, before: _Hop | None) -> _Hop:
        hop = _Hop(ttl, common)
        members = hop.members
        ends = self._ends
        for number, vertex in self._met[ttl].items():
            if ends.get(number, ttl) >= ttl:
                members.setdefault(vertex, []).append(number)
        silent = len(members.get(_SILENT, ()))
        if len(members) > 1 and (silent == 1 or (silent and self._is_fickle(ttl))):
            # One flow that stayed without an answer where others have one is loss, not a router.
            del members[_SILENT]
        if common is not None:
            hop.through[common] = Counter({vertex: len(flows) for vertex, flows in members.items()})
        elif before is not None:
            for vertex, flows in before.members.items():
                if not vertex.ends:
                    hop.through[vertex] = Counter()
                    hop.arriving[vertex] = flows
                    hop.before.update(dict.fromkeys(flows, vertex))
            for vertex, flows in members.items():
                for number in flows:
                    near = hop.before.get(number)
                    if near is not None:
                        hop.through[near][vertex] += 1
        hop.complete = (before is None or before.complete) and all(
            self._missing(hop, near) <= 0 for near in hop.through
        )
        return hop

    def _missing(self, hop: _Hop, near: _Vertex) -> int:
        """How many more flows through a node the rule asks for."""
        found = hop.through[near]
        kinds = set(found)
        if len(hop.through) == 1:
            kinds.update(self._others.get(hop.ttl, ()))
        return probes_needed(max(1, len(kinds)) + 1, self._limits.failure) - found.total()

    def _seen_before(self, hop: _Hop, number: int) -> _Vertex | None:
        """What a flow met before this hop, by its own answer there; None where it gave none."""
        if hop.ttl == self._first or hop.common is _ANY:
            return None
        if hop.common is _SILENT:
            return _SILENT
        met = self._met[hop.ttl - 1].get(number)
        return None if met is _SILENT and hop.before.get(number) is None else met

    # -- what is to be asked ----------------------------------------------------------------

    def _wanted(self) -> dict[tuple[int, int], None]:
        hops = self._survey()
        # First what may make other probes needless.
        wanted = dict.fromkeys(key for hop in hops for key in self._doubts(hop))
        wanted.update(dict.fromkeys(key for hop in hops for key in self._repetitions(hop)))
        wanted.update(dict.fromkeys(sorted(self._again)))
        horizon = min(self._ends.values(), default=self._last)
        for ttl in range(self._first, min(horizon, self._last) + 1):
            for number in range(self._least):
                if not self._asked(ttl, number):
                    wanted[ttl, number] = None
        demand: Counter[_Vertex] = Counter()
        for hop in reversed(hops):
            demand = self._ask(hop, demand, wanted)
            wanted.update(dict.fromkeys(self._confirmations(hop)))
        return wanted

    def _ask(
        self, hop: _Hop, demand: Counter[_Vertex], wanted: dict[tuple[int, int], None]
    ) -> Counter[_Vertex]:
        """Add the probes that a hop needs; `demand` is how many more flows should meet its nodes.

        Returns how many more should meet those of the hop before.
        """
        control: Counter[_Vertex] = Counter()
        for vertex, count in demand.items():
            leading = [near for near, found in hop.through.items() if found[vertex]]
            if leading:
                control[
                    max(leading, key=lambda n: hop.through[n][vertex] / hop.through[n].total())
                ] += count
        under_way: Counter[_Vertex] = Counter()
        for ttl, number in [*self._open, *self._again]:
            if ttl == hop.ttl and number not in self._met[ttl]:
                near = hop.before.get(number) if hop.common is None else hop.common
                if near is not None:
                    under_way[near] += 1
        more: Counter[_Vertex] = Counter()
        if self._is_spared(hop.ttl):
            return more
        for near in hop.through:
            count = max(self._missing(hop, near), control[near]) - under_way[near]
            if count <= 0:
                continue
            for number in itertools.islice(self._candidates(hop, near), count):
                wanted[hop.ttl, number] = None
                count -= 1
            if count:
                more[near] = count
        return more

    def _candidates(self, hop: _Hop, near: _Vertex) -> Iterator[int]:
        """Flows that meet this node before the hop and were not asked at the hop."""
        ttl = hop.ttl
        if hop.common is None:
            flows: Iterable[int] = hop.arriving[near]
        else:
            # Whoever was asked stays so, and whoever has ended: no need to look at them again.
            while self._asked(ttl, self._fresh[ttl]) or not self._passes(ttl, self._fresh[ttl]):
                self._fresh[ttl] += 1
            flows = range(self._fresh[ttl], FLOW_NUMBERS)
        for number in flows:
            if not self._asked(ttl, number) and self._passes(ttl, number):
                yield number

    def _doubts(self, hop: _Hop) -> list[tuple[int, int]]:
        """A flow to ask again where some are silent: a router there, or one that tires?"""
        ttl, met = hop.ttl, self._met[hop.ttl]
        answered = [number for number in met if met[number] is not _SILENT]
        if (
            len(met) - len(answered) < FICKLE
            or not answered
            or self._is_fickle(ttl)
            or self._stayed[ttl] >= STEADY
            or any(self._open[ttl, number] for number in answered)
        ):
            return []
        return [(ttl, min(answered, key=lambda number: self._tries[ttl, number]))]

    def _repetitions(self, hop: _Hop) -> list[tuple[int, int]]:
        """Flows to ask again at a hop where a node has several next hops.

        If each packet chose anew between two of them, as many probes as rule out a second next
        hop would miss that with the same probability.
        """
        if hop.ttl in self._others:
            return []
        count = self._least - 1 - self._repeats[hop.ttl]
        forks = {
            near
            for near, found in hop.through.items()
            if sum(vertex.address is not None for vertex in found) > 1
        }
        if count <= 0 or not forks:
            return []
        flows = [
            number
            for number, vertex in self._met[hop.ttl].items()
            if vertex is not _SILENT
            and self._passes(hop.ttl, number)
            and (hop.before.get(number) if hop.common is None else hop.common) in forks
        ]
        # Those asked least often come first, so that many flows share the repetitions.
        flows.sort(key=lambda number: self._tries[hop.ttl, number])
        return [(hop.ttl, number) for number in flows[:count]]

    def _confirmations(self, hop: _Hop) -> Iterator[tuple[int, int]]:
        """Probes to the hop before, for links that no flow has shown at both ends."""
        if hop.ttl == self._first or hop.common in {None, _ANY, _SILENT}:
            return
        before = hop.ttl - 1
        for flows in hop.members.values():
            if not any(self._seen_before(hop, number) for number in flows):
                waiting = any(self._open[before, number] for number in flows)
                fresh = [number for number in flows if not self._asked(before, number)]
                if fresh and not waiting:
                    yield before, fresh[0]


def _sorted(addresses: Iterable[str | None]) -> list[str | None]:
    """Addresses as text in order, silence first."""
    return sorted(addresses, key=lambda address: address or "")
