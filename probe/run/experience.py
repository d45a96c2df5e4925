"""The ways that were found from here, as far as traces that are kept know them.

A target never traced from here gets the ways of another of its kind, so that the share of silent
ends and the length of paths are what they were; where too few are known to speak for their kind,
those of `probe.run.imagined`. Sends nothing and reads only what it is given.
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from dataclasses import replace
from functools import cache, partial
from typing import TYPE_CHECKING

from probe.network import Kind
from probe.network.ways import DARK, SILENT, End, Interface, Way, chance
from probe.origin.attribute import majority
from probe.run.choice import version_of
from probe.run.imagined import MS_A_HOP, Typical, unforked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from probe.network import Method
    from probe.record import Hop, Trace
    from probe.run.targets import Target

# How many ways of one kind must be known before they speak for their kind.
ENOUGH = 5


class Experience:
    """The ways that were found from here: of the traces that are kept, the last to each target.

    ``listed`` are targets of today and of then, as far as they are known: they tell which kind a
    target was of.
    """

    def __init__(self, traces: Iterable[Trace], listed: Iterable[Target]) -> None:
        self._kinds = {target.address: target.kind for target in listed}
        self._latest: dict[tuple[str, str], Trace] = {}
        for trace in traces:
            if trace.hops and trace.error is None:
                self._latest[trace.dst_addr, trace.proto] = trace

    @property
    def speaks(self) -> bool:
        """Whether enough ways are known that none has to be made up."""
        return len(self._latest) >= ENOUGH

    def knows(self, target: Target, method: Method) -> bool:
        """Whether this target was traced from here with this method."""
        return (target.address, method.protocol) in self._latest

    def explored(self, target: Target, method: Method) -> bool:
        """Whether the whole path to this target was looked at for parallel ones."""
        trace = self._latest.get((target.address, method.protocol))
        if trace is None or trace.multipath is None or not trace.multipath.levels:
            return False
        ttls = [level.ttl for level in trace.multipath.levels]
        answered = [hop.number for hop in trace.hops if majority(hop.replies) is not None]
        return not answered or (ttls[0] <= answered[0] and answered[-1] <= ttls[-1])

    def ways(
        self, wanted: dict[str, tuple[Target, Method]], *, apart: bool = False
    ) -> dict[str, Callable[[int], Way]]:
        """The way that each flow takes to each target, by address.

        ``apart`` says whether ways that are made up go apart right behind the first router, each
        over a border of its own with parallel routers around it; else all share what they can.
        """
        pools: dict[tuple[object, ...], list[Trace]] = defaultdict(list)
        for trace in self._latest.values():
            kind = self._kinds.get(trace.dst_addr)
            for pool in ((trace.proto, trace.af, kind), (trace.proto, trace.af), (trace.af,), ()):
                pools[pool].append(trace)
        turns: dict[tuple[object, ...], Iterator[Trace]] = {}
        typical = Typical()
        found: dict[str, Callable[[int], Way]] = {}
        for address, (target, method) in wanted.items():
            known = self._latest.get((address, method.protocol))
            if known is None:
                version, proto = version_of(target), method.protocol
                for pool in ((proto, version, target.kind), (proto, version), (version,), ()):
                    if len(pools[pool]) >= ENOUGH:
                        known = next(turns.setdefault(pool, itertools.cycle(pools[pool])))
                        break
            if known is not None:
                found[address] = ways_of(known, address)
            else:
                found[address] = typical.way(
                    address,
                    leaves=target.kind != "domestic",
                    of_set=len(found) + 1 if apart else 0,
                )
        return found


def ways_of(trace: Trace, target: str) -> Callable[[int], Way]:
    """The ways to a target that its flows take, like those that this trace knows of.

    As many flows as then meet silence; the others spread evenly, which a few flows would not show.
    """
    way = way_of(trace, target)
    graph = trace.multipath
    if graph is None:
        return partial(unforked, way)
    stands = cache(partial(_beside, way))
    onward: dict[tuple[int, str | None], dict[str | None, int]] = defaultdict(dict)
    for link in graph.links:
        onward[link.ttl + 1, link.near][link.far] = len(link.flows)
    levels = [
        (level.ttl, {node.address: len(node.flows) for node in level.nodes})
        for level in graph.levels
    ]

    @cache
    def of_flow(flow: int) -> Way:
        line = list(way.hops)
        met: str | None = None
        for ttl, anywhere in levels:
            met = _next(onward.get((ttl, met), anywhere), chance(target, ttl, met, flow))
            if met == trace.dst_addr and way.end is not DARK:
                return replace(way, hops=tuple(line[: ttl - 1]))
            if ttl <= len(line):
                line[ttl - 1] = stands(ttl, met)
        return replace(way, hops=tuple(line))

    return of_flow


def _next(flows: dict[str | None, int], share: float) -> str | None:
    """Which of some nodes, each met by so many flows, one meets whose lot is in [0, 1).

    >>> [_next({"a": 7, "b": 1, None: 2}, share) for share in (0.0, 0.19, 0.21, 0.59, 0.61, 0.99)]
    [None, None, 'a', 'a', 'b', 'b']
    """
    silent = flows.get(None, 0) / sum(flows.values())
    answering = [address for address in flows if address is not None]
    if share < silent or not answering:
        return None
    return answering[int((share - silent) / (1 - silent) * len(answering))]


def _beside(way: Way, ttl: int, address: str | None) -> Interface:
    """A node at the TTL of a hop of this way: the hop itself, or another as near as that."""
    hop = way.hops[ttl - 1]
    if address in {None, hop.address}:
        return hop if hop.address == address else SILENT
    return Interface(address, hop.rtt[-1:])


def way_of(trace: Trace, target: str) -> Way:
    """A way to a target that answers as the way of this trace did.

    >>> from probe.record import Hop, Reply, Trace
    >>> hops = (Hop(1, (Reply(None, 0.4),)), Hop(2, (Reply(),)), Hop(3, (Reply("192.0.2.9", 8.0),)))
    >>> way = way_of(Trace("192.0.2.9", 4, "ICMP", 0, 1, hops, stop="destination"), "192.0.2.9")
    >>> [hop.rtt for hop in way.hops], way.end.interface.rtt
    ([(0.4,), (0.0,)], (8.0,))
    """
    addresses = Counter(majority(hop.replies) for hop in trace.hops)
    routers = {hop.number: _interface(hop, addresses, target) for hop in trace.hops}
    line = [routers.get(number, SILENT) for number in range(1, trace.hops[-1].number + 1)]
    if trace.stop == "destination":
        end = line.pop()
        return Way(tuple(line), End(Interface(target, end.rtt)))
    if trace.stop == "unreachable":
        end = line.pop()
        return Way(tuple(line), End(Interface(end.address or target, end.rtt), Kind.UNREACHABLE))
    if trace.stop == "loop":
        first, again = _first_repetition([hop.replies[0].address for hop in trace.hops])
        return Way(tuple(line[:again]), DARK, loop=again - first)
    while line and line[-1].address is None:
        line.pop()
    return Way(tuple(line), DARK)


def _first_repetition(addresses: list[str | None]) -> tuple[int, int]:
    """The places of the first router that a path comes to twice, and of its coming back.

    >>> _first_repetition(["a", "b", "c", "b", "c"])
    (1, 3)
    """
    first_seen: dict[str, int] = {}
    for place, address in enumerate(addresses):
        if address is None:
            continue
        # A router that answers for its neighbour as well is no loop.
        if place - first_seen.setdefault(address, place) > 1:
            return first_seen[address], place
    return len(addresses) - 1, len(addresses)


def _interface(hop: Hop, addresses: Counter[str | None], target: str) -> Interface:
    """Who answers at a hop: as fast, and to the probes to which it did."""
    replies = [reply for reply in hop.replies if not reply.duplicate]
    if all(reply.is_star for reply in replies):
        return SILENT
    # A hop that was taken over from another trace has an address and no time.
    usual = None if hop.measured else MS_A_HOP * hop.number
    address = majority(replies)
    if address is None or addresses[address] > 1:
        # What was cut to a block and came twice would look like a loop.
        address = _made_up(target, hop.number)
    return Interface(address, tuple(usual if reply.rtt is None else reply.rtt for reply in replies))


def _made_up(target: str, number: int) -> str:
    """An address for the router at this place on the way to a target."""
    return f"fd00::{number:x}" if ":" in target else f"10.0.0.{number}"
