"""What a run would take, found out by playing it on a network in memory.

The session, the strategy and the pace are those of the run itself, under a virtual clock, so that
no formula has to follow them. The ways are those that were found from here before, the parallel
ones too; a target never traced from here gets the ways of another of its kind, so that the share of
silent ends and the length of paths are what they were. Parallel ways that nobody looked for are not
made up. This module sends nothing and reads only what it is given.
"""

from __future__ import annotations

import itertools
import random
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from functools import cache, partial
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import trio
import trio.testing

from probe.attribute import majority
from probe.choice import version_of, witnesses
from probe.measuring import measure
from probe.network import Kind
from probe.network.simulated import SimulatedNetwork
from probe.network.ways import DARK, SILENT, End, Interface, Way, chance
from probe.record import Attribution
from probe.session import Session
from probe.tracing import Task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from probe.attribute import Attributor, Identified
    from probe.manner import Manner
    from probe.network import Method
    from probe.record import Hop, Trace
    from probe.session import Settings
    from probe.targets import Target

# How many ways of one kind must be known before they speak for their kind.
ENOUGH = 5

# How many targets are played at most where the traces of others do not matter to one: as many more
# take as much more, within a few per cent.
PLAYED = 2000

# What is taken for typical where nothing was traced from here: routers on the way, milliseconds a
# hop, and whether the target answers. Of the public servers and networks abroad nearly all do, of
# addresses in a country's own networks about three in five.
_TYPICAL = {
    "domestic": ((7, True), (9, False), (6, True), (8, True), (7, False)),
    "else": ((11, True), (13, True), (12, True), (14, True), (12, True), (13, False), (10, True)),
}
_MS_A_HOP = 12.0

# Of a typical way abroad so many routers stand at home. Around the border that is behind them, each
# may be one of two.
_AT_HOME = 4
_AROUND = 1

# The country of the run where nobody knows it yet, and the one that is abroad in any case: codes
# that stand for no country (ISO 3166, user-assigned).
HOME, ABROAD = "XA", "XZ"

# Addresses of made-up routers at home and abroad. No router that answers has one of these.
_MADE_UP = {
    4: (int(IPv4Address("240.0.0.0")), int(IPv4Address("248.0.0.0"))),
    6: (int(IPv6Address("100::")), int(IPv6Address("100::8000:0:0:0"))),
}
_A_WAY = 32

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Cost:
    """What tracing to some targets takes. `bytes` are those sent, from the IP header on.

    `known` of the `targets` were traced from here before, so that their part is no guess. On the
    way to `unexplored` of them the whole path is to be looked at for parallel ones and never was,
    so that it counts as a chain.
    """

    targets: int
    known: int
    unexplored: int
    packets: int
    bytes: int
    seconds: float
    least: Least | None = None


class Least(NamedTuple):
    """What it may also be, where it depends on what nobody has seen from here: see `foresee`."""

    packets: int
    bytes: int
    seconds: float


class Imagined:
    """An address table in which the routers of typical ways stand at home or abroad."""

    def __init__(self, origin: Attributor, home: str) -> None:
        self._origin = origin
        self._home = home

    @property
    def snapshot(self) -> Identified:
        """That of the table behind it."""
        return self._origin.snapshot

    def lookup(self, address: str) -> Attribution:
        """Whose an address is."""
        if address.startswith(("24", "25", "100:")):
            parsed = ip_address(address)
            home, abroad = _MADE_UP[parsed.version]
            if home <= int(parsed) < 2 * abroad - home:
                return Attribution(country=self._home if int(parsed) < abroad else ABROAD)
        return self._origin.lookup(address)

    def organisation(self, asn: int) -> str:
        """That of the table behind it."""
        return self._origin.organisation(asn)

    def country(self, asn: int) -> str | None:
        """That of the table behind it."""
        return self._origin.country(asn)


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
        typical = {kind: itertools.cycle(ways) for kind, ways in _TYPICAL.items()}
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
                leaves = target.kind != "domestic"
                like = next(typical["else" if leaves else "domestic"])
                place = len(found) + 1 if apart else 0
                found[address] = _typical(address, *like, leaves=leaves, place=place)
        return found


def _unforked(way: Way, _flow: int) -> Way:
    return way


def ways_of(trace: Trace, target: str) -> Callable[[int], Way]:
    """The ways to a target that its flows take, like those that this trace knows of.

    As many flows as then meet silence; the others spread evenly, which a few flows would not show.
    """
    way = way_of(trace, target)
    graph = trace.multipath
    if graph is None:
        return partial(_unforked, way)
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
    usual = None if hop.measured else _MS_A_HOP * hop.number
    address = majority(replies)
    if address is None or addresses[address] > 1:
        # What was cut to a block and came twice would look like a loop.
        address = _made_up(target, hop.number)
    return Interface(address, tuple(usual if reply.rtt is None else reply.rtt for reply in replies))


def _made_up(target: str, number: int) -> str:
    """An address for the router at this place on the way to a target."""
    return f"fd00::{number:x}" if ":" in target else f"10.0.0.{number}"


def _typical(
    target: str, routers: int, answers: bool, *, leaves: bool, place: int
) -> Callable[[int], Way]:
    """The ways that flows take to a target where none is known; ``place`` tells own routers."""
    line = [
        Interface(
            _stands_at(
                target, number, place if number > 1 else 0, abroad=leaves and number > _AT_HOME
            ),
            (_MS_A_HOP * number,),
        )
        for number in range(1, routers + 1)
    ]
    end = End(Interface(target, (_MS_A_HOP * (routers + 1),))) if answers else DARK
    if not (place and leaves):
        return partial(_unforked, Way(tuple(line), end))

    def of_flow(flow: int) -> Way:
        hops = list(line)
        for number in range(_AT_HOME - _AROUND, _AT_HOME + _AROUND + 2):
            if chance(target, number, flow) < 0.5:
                other = _stands_at(target, number + _A_WAY // 2, place, abroad=number > _AT_HOME)
                hops[number - 1] = replace(line[number - 1], address=other)
        return Way(tuple(hops), end)

    return of_flow


def _stands_at(target: str, number: int, place: int, *, abroad: bool) -> str:
    version = 6 if ":" in target else 4
    address = _MADE_UP[version][abroad] + place * _A_WAY + number
    return str(IPv6Address(address) if version == 6 else IPv4Address(address))


def foresee(
    experience: Experience,
    targets: list[Target],
    methods: dict[int, Method],
    settings: Settings,
    *,
    manner: Manner,
    unlocated: set[int],
    size: Callable[[Method, int], int],
) -> Cost:
    """What a run over these targets would take.

    ``methods`` are those by IP version; targets of other versions cost nothing. ``manner`` is
    how traces are made, ``unlocated`` are
    the versions whose access network is not known: a few witnesses of each come first. ``size``
    gives the bytes of a probe, by method and IP version.

    Where ways have to be made up, what traces take over and what is searched for parallel ways
    hangs on what they share, which nobody has seen. Then `Cost.least` is what it takes where they
    share all they can, and the cost itself where each goes its own way, over forks at a border of
    its own. For that ``manner`` has to read `Imagined`.
    """
    wanted = {
        target.address: (target, methods[version_of(target)])
        for target in targets
        if version_of(target) in methods
    }
    asked = [
        wanted[witness.address]
        for version in sorted(unlocated)
        for witness in witnesses(
            [target for target, _ in wanted.values() if version_of(target) == version]
        )
    ]
    rest = wanted.keys() - {target.address for target, _ in asked}
    others = [one for address, one in wanted.items() if address in rest]
    # What an economical trace takes depends on all that were made before it.
    played = others if manner.routes is not None else _sample(others)
    known = sum(experience.knows(*one) for one in wanted.values())

    def playing(*, apart: bool) -> _Done:
        manner.begin_anew()
        ways = experience.ways({one[0].address: one for one in (*asked, *played)}, apart=apart)
        network = SimulatedNetwork(lambda target, flow: ways[target](flow))
        done: dict[str, _Done] = {}
        witnessed: list[Trace] = []

        def finished(trace: Trace) -> None:
            probes = trace.probes or 0
            weight = probes * size(wanted[trace.dst_addr][1], trace.af)
            done[trace.dst_addr] = _Done(probes, weight, trio.current_time())
            if len(witnessed) < len(asked):
                witnessed.append(trace)

        async def play() -> float:
            began = trio.current_time()
            # As long as it is not known where this is, nothing is known of the border.
            of_witnesses = manner.explore if manner.explores_all else None
            for part, explore in ((asked, of_witnesses), (played, manner.explore)):
                await measure(
                    Session(
                        network,
                        [Task(target.address, None, method, 1) for target, method in part],
                        settings,
                        finished=finished,
                        routes=None if part is asked else manner.routes,
                        explore=explore,
                    )
                )
                if part is asked:
                    for trace in witnessed:
                        manner.learn(trace)
            return trio.current_time() - began

        took = trio.run(play, clock=trio.testing.MockClock(autojump_threshold=0))
        unplayed = len(others) - len(played)
        more = (
            _each([done[target.address] for target, _ in played]) if unplayed else _Done(0, 0, 0.0)
        )
        return _Done(
            round(sum(one.packets for one in done.values()) + unplayed * more.packets),
            round(sum(one.bytes for one in done.values()) + unplayed * more.bytes),
            took + unplayed * more.seconds,
        )

    least = most = playing(apart=False)
    ranges = not experience.speaks and known < len(wanted)
    if ranges and (manner.routes is not None or manner.explore is not None):
        most = playing(apart=True)
    return Cost(
        targets=len(wanted),
        known=known,
        unexplored=sum(
            manner.explores_all and not experience.explored(*one) for one in wanted.values()
        ),
        packets=int(most.packets),
        bytes=int(most.bytes),
        seconds=most.seconds,
        least=None if most is least else Least(int(least.packets), int(least.bytes), least.seconds),
    )


class _Done(NamedTuple):
    """What a trace took; `seconds` are those since the run began."""

    packets: float
    bytes: float
    seconds: float


def _sample(targets: list[T]) -> list[T]:
    """So many of these as are played, drawn evenly and in no order."""
    if len(targets) <= PLAYED:
        return targets
    return random.Random(0).sample(targets, PLAYED)  # noqa: S311 - the same at each call


def _each(played: list[_Done]) -> _Done:
    """What each trace more would take, in seconds of the run, by the later half of those played.

    What all share, as the search at a border, was done before that.
    """
    later = played[len(played) // 2 :]
    ends = sorted(one.seconds for one in played)
    # Nor do the last ones tell the pace, which wait for silence alone.
    first, last = len(ends) // 2, len(ends) * 9 // 10
    return _Done(
        sum(one.packets for one in later) / len(later),
        sum(one.bytes for one in later) / len(later),
        (ends[last] - ends[first]) / (last - first),
    )
