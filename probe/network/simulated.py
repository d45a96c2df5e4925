"""A network in memory, so that everything above the wire can be tried exactly and at once.

It answers as routers and hosts do, after their round-trip time on trio's clock; under trio's
virtual clock a run over minutes takes milliseconds and comes out the same each time. What it
plays is a `Way` per target and flow: read from a scenario file by `load`, or computed by whoever
has a whole country in mind. It knows nothing of sessions, strategies or address tables.
"""

from __future__ import annotations

import bisect
import hashlib
import heapq
import ipaddress
import itertools
import random
import tomllib
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import trio

from probe.network import Answer, Capability, Kind, Method, NoRoute, Probe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

# An IP header, then eight bytes of ICMP or UDP (twenty of TCP), then the payload.
_IP_HEADER = {4: 20, 6: 40}
_HEADER = {Method.ICMP: 8, Method.UDP: 8, Method.TCP: 20, Method.ACK: 20}
_PAYLOAD = 32

_ROUTER_TTL = 255
_HOST_TTL = 64


def chance(*what: object) -> float:
    """A number in [0, 1) that is always the same for the same things, and even over many.

    >>> chance("flow", 1) == chance("flow", 1) != chance("flow", 2)
    True
    """
    digest = hashlib.blake2b(" ".join(map(str, what)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


class ScenarioError(ValueError):
    """A scenario that cannot be played; the message names the file, the path and the hop."""


@dataclass(frozen=True, slots=True, eq=False)
class Interface:
    """The side of a router or host that answers; each is an individual with its own memory.

    `rtt` are milliseconds for the first, second … probe that gets here, the last one for all
    that follow; None there is a probe that gets no answer. `loss` is the probability that a
    probe or its answer is lost. `copies` is how often each answer arrives. `per_second` limits
    the answers: a bucket of that size (at least one) that fills at that rate. Without an address
    it never answers.
    """

    address: str | None
    rtt: tuple[float | None, ...] = (0.0,)
    loss: float = 0.0
    copies: int = 1
    per_second: float | None = None


SILENT = Interface(None)


@dataclass(frozen=True, slots=True)
class End:
    """What becomes of probes that get past the last router: `interface` answers as `kind`.

    Only to `methods`, the rest is met with silence; `err` is the Atlas code of an unreachable.
    """

    interface: Interface
    kind: Kind = Kind.DESTINATION
    err: str | None = None
    methods: frozenset[Method] = frozenset(Method)


DARK = End(SILENT, methods=frozenset())


@dataclass(frozen=True, slots=True)
class Way:
    """The routers between here and a target, nearest first, and what is behind them.

    With `loop` = n the last n routers pass the probe round and it never gets to the end. Where a
    router spreads packets, not flows, `anew` gives the way of the n-th packet of the network.
    """

    hops: tuple[Interface, ...]
    end: End
    loop: int = 0
    anew: Callable[[int], Way] | None = field(default=None, compare=False)

    def at(self, ttl: int) -> Interface | None:
        """The router on which this TTL runs out; None when it suffices to reach the end.

        >>> way = Way((Interface("192.0.2.1"), Interface("192.0.2.2")), DARK, loop=2)
        >>> [way.at(ttl).address[-1] for ttl in (1, 2, 3, 4)]
        ['1', '2', '1', '2']
        """
        if ttl <= len(self.hops):
            return self.hops[ttl - 1]
        if self.loop:
            return self.hops[len(self.hops) - self.loop + (ttl - len(self.hops) - 1) % self.loop]
        return None


class SimulatedNetwork:
    """The `Network` over ways through an imagined one.

    `routes(target, flow)` gives the way of a target's packets, or None where there is no route;
    it is asked once per target and flow. `seed` decides every loss, and every delay by up to
    `jitter` milliseconds.
    """

    name = "simulated"

    def __init__(
        self, routes: Callable[[str, int], Way | None], *, seed: int = 0, jitter: float = 0.0
    ) -> None:
        self._routes = routes
        self._random = random.Random(seed)  # noqa: S311 (repeatable chance, no secret)
        self._jitter = jitter
        self._ways: dict[tuple[str, int], Way | None] = {}
        self._arrivals: list[tuple[float, int, int, Answer]] = []
        self._sent = 0
        self._order = itertools.count()
        self._outstanding: dict[int, int] = {}
        self._asked: Counter[Interface] = Counter()
        self._buckets: dict[Interface, tuple[float, float]] = {}
        self._discarded: Counter[str] = Counter()
        self._news = trio.Event()

    def methods(self, version: int) -> tuple[Method, ...]:  # noqa: ARG002 (the same for both)
        return (Method.ICMP, Method.UDP, Method.TCP)

    def sees(self, method: Method, version: int) -> frozenset[Capability]:  # noqa: ARG002
        return frozenset(
            {Capability.REPLY_TTL, Capability.QUOTED_TTL, Capability.KERNEL_TIME, Capability.PARIS}
        )

    def probe_size(self, method: Method, version: int) -> int:
        return _IP_HEADER[version] + _HEADER[method] + _PAYLOAD

    def send(self, probe: Probe) -> None:
        key = (probe.target, probe.flow)
        if key not in self._ways:
            self._ways[key] = self._routes(*key)
        way = self._ways[key]
        if way is None:
            raise NoRoute(f"the simulated network has no route to {probe.target}")
        self._sent += 1
        self._outstanding[probe.token] = self._sent
        if way.anew is not None:
            way = way.anew(self._sent)
        router = way.at(probe.ttl)
        if router is not None:
            self._answer(router, probe, Kind.TIME_EXCEEDED, probe.ttl, None)
        elif probe.method in way.end.methods:
            self._answer(way.end.interface, probe, way.end.kind, len(way.hops) + 1, way.end.err)

    def _answer(
        self, who: Interface, probe: Probe, kind: Kind, distance: int, err: str | None
    ) -> None:
        if who.address is None:
            return
        now = trio.current_time()
        nth = self._asked[who]
        self._asked[who] += 1
        rtt = who.rtt[min(nth, len(who.rtt) - 1)]
        if rtt is None or (who.loss and self._random.random() < who.loss):
            return
        if who.per_second is not None and not self._may_answer(who, who.per_second, now):
            return
        if self._jitter:
            rtt += self._random.uniform(0.0, self._jitter)
        version = 6 if ":" in probe.target else 4
        quoted = kind is not Kind.DESTINATION or probe.method is Method.UDP
        answer = Answer(
            token=probe.token,
            address=who.address,
            kind=kind,
            rtt=rtt / 1000.0,
            ttl=(_HOST_TTL if kind is Kind.DESTINATION else _ROUTER_TTL) - (distance - 1),
            # What an ICMP error quotes is the probe itself, after eight bytes of its own.
            size=self.probe_size(probe.method, version) + (8 if quoted else -_IP_HEADER[version]),
            quoted_ttl=(1 if kind is Kind.TIME_EXCEEDED else probe.ttl - distance + 1)
            if quoted
            else None,
            err=err,
        )
        for _ in range(who.copies):
            heapq.heappush(
                self._arrivals, (now + answer.rtt, next(self._order), self._sent, answer)
            )
        self._news.set()

    def _may_answer(self, who: Interface, rate: float, now: float) -> bool:
        depth = max(1.0, rate)
        level, since = self._buckets.get(who, (depth, now))
        level = min(depth, level + (now - since) * rate)
        self._buckets[who] = (level - 1.0 if level >= 1.0 else level, now)
        return level >= 1.0

    async def wait(self) -> None:
        while not (self._arrivals and self._arrivals[0][0] <= trio.current_time()):
            self._news = trio.Event()
            with trio.move_on_at(self._arrivals[0][0] if self._arrivals else float("inf")):
                await self._news.wait()
        await trio.lowlevel.checkpoint()

    def drain(self) -> list[Answer]:
        now = trio.current_time()
        answers = []
        while self._arrivals and self._arrivals[0][0] <= now:
            _, _, sent, answer = heapq.heappop(self._arrivals)
            if self._outstanding.get(answer.token) == sent:
                answers.append(answer)
            else:
                self._discarded["given up"] += 1
        return answers

    def forget(self, token: int) -> None:
        self._outstanding.pop(token, None)

    def discarded(self) -> dict[str, int]:
        return dict(self._discarded)

    def close(self) -> None:
        self._arrivals.clear()
        self._outstanding.clear()


# -- scenario files ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Balancer:
    """Where a path forks: the flow decides which branch its packets take.

    A branch of weight 3 gets three times as many as one of weight 1. One that is `per_packet`
    decides anew for each packet.
    """

    branches: tuple[tuple[Interface | _Balancer, ...], ...]
    weights: tuple[float, ...]
    per_packet: bool = False

    def choose(self, key: str, packet: int) -> int:
        """The number of the branch; `key` is what the router hashes."""
        lot = chance(key, "packet", packet) if self.per_packet else chance(key)
        bounds = list(itertools.accumulate(self.weights))
        return bisect.bisect_right(bounds, lot * bounds[-1], hi=len(bounds) - 1)


_Line = tuple["Interface | _Balancer", ...]


def _choose(line: Iterable[Interface | _Balancer], key: str, packet: int) -> tuple[Interface, ...]:
    hops: list[Interface] = []
    for position, hop in enumerate(line):
        if isinstance(hop, Interface):
            hops.append(hop)
        else:
            branch = hop.choose(f"{key} {position}", packet)
            hops.extend(_choose(hop.branches[branch], f"{key} {position}.{branch}", packet))
    return tuple(hops)


def _spreads_packets(line: Iterable[Interface | _Balancer]) -> bool:
    return any(
        hop.per_packet or any(_spreads_packets(branch) for branch in hop.branches)
        for hop in line
        if isinstance(hop, _Balancer)
    )


@dataclass(frozen=True, slots=True)
class _Path:
    to: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]
    line: _Line
    end: End
    loop: int

    def way(self, target: str, key: str) -> Way:
        end = self.end
        if end.methods and end.interface.address is None:
            end = replace(end, interface=replace(end.interface, address=target))

        def nth(packet: int) -> Way:
            return Way(_choose(self.line, key, packet), end, self.loop)

        first = nth(0)
        return replace(first, anew=nth) if _spreads_packets(self.line) else first


@dataclass(frozen=True, slots=True)
class Scenario:
    """A network as data. `network()` makes a fresh one, with nothing sent and nothing lost yet."""

    paths: tuple[_Path, ...]
    seed: int
    jitter: float

    def way(self, target: str, flow: int) -> Way | None:
        """The way of one flow to a target, by the longest prefix it lies in; None: no route."""
        address = ipaddress.ip_address(target)
        fitting = [
            (prefix.prefixlen, path)
            for path in self.paths
            for prefix in path.to
            if prefix.version == address.version and address in prefix
        ]
        if not fitting:
            return None
        _, path = max(fitting, key=lambda found: found[0])
        return path.way(target, f"{self.seed} {target} {flow}")

    def network(self) -> SimulatedNetwork:
        return SimulatedNetwork(self.way, seed=self.seed, jitter=self.jitter)


_INTERFACE_KEYS = ("address", "rtt", "loss", "copies", "per_second")


class _Reader:
    """Turns the tables of a scenario into paths; `where` is what an error calls the place."""

    def __init__(self, where: str) -> None:
        self.where = where

    def fail(self, what: str) -> ScenarioError:
        return ScenarioError(f"{self.where}: {what}")

    def at(self, place: str) -> _Reader:
        return _Reader(f"{self.where}, {place}")

    def check_keys(self, table: dict[str, Any], allowed: Iterable[str]) -> None:
        unknown = sorted(set(table) - set(allowed))
        if unknown:
            raise self.fail(f"unknown key {unknown[0]!r}")

    def address(self, value: object, version: int) -> str:
        try:
            address = ipaddress.ip_address(str(value))
        except ValueError:
            raise self.fail(f"not an address: {value!r}") from None
        if address.version != version:
            raise self.fail(f"{address} is not IPv{version} as the path is")
        return str(address)

    def milliseconds(self, value: object) -> tuple[float | None, ...]:
        values: list[Any] = value if isinstance(value, list) else [value]
        read = [None if one == "*" else one for one in values]
        if not read or not all(
            one is None or (isinstance(one, int | float) and not isinstance(one, bool) and one >= 0)
            for one in read
        ):
            raise self.fail(f"rtt is milliseconds, or a list of them and '*', not {value!r}")
        return tuple(None if one is None else float(one) for one in read)

    def number(self, table: dict[str, Any], key: str, default: float | None) -> float | None:
        value = table.get(key, default)
        if value is not None and (not isinstance(value, int | float) or value < 0):
            raise self.fail(f"{key} is a number from 0 up, not {value!r}")
        return value

    def interface(self, table: dict[str, Any], version: int) -> Interface:
        if "rtt" not in table:
            raise self.fail("no rtt")
        return Interface(
            self.address(table["address"], version) if "address" in table else None,
            self.milliseconds(table["rtt"]),
            self.number(table, "loss", 0.0) or 0.0,
            int(self.number(table, "copies", 1) or 1),
            self.number(table, "per_second", None),
        )

    def line(self, value: object, version: int) -> _Line:
        if not isinstance(value, list):
            raise self.fail("hops is a list")
        hops: list[Interface | _Balancer] = []
        for number, hop in enumerate(value, 1):
            here = self.at(f"hop {number}")
            if hop == "*":
                hops.append(SILENT)
            elif isinstance(hop, list):
                hops.append(here.balancer({"branches": hop}, version))
            elif isinstance(hop, dict) and "branches" in hop:
                hops.append(here.balancer(hop, version))
            elif isinstance(hop, dict):
                here.check_keys(hop, _INTERFACE_KEYS)
                if "address" not in hop:
                    raise here.fail("no address; a hop that never answers is written '*'")
                hops.append(here.interface(hop, version))
            else:
                raise here.fail(f"a hop is a table, '*' or a list of branches, not {hop!r}")
        return tuple(hops)

    def balancer(self, table: dict[str, Any], version: int) -> _Balancer:
        self.check_keys(table, ("branches", "weights", "per"))
        branches = table["branches"]
        if not isinstance(branches, list) or not branches:
            raise self.fail("a load balancer without branches")
        weights = table.get("weights", [1] * len(branches))
        if (
            not isinstance(weights, list)
            or len(weights) != len(branches)
            or not all(isinstance(weight, int | float) and weight > 0 for weight in weights)
        ):
            raise self.fail(f"weights are {len(branches)} numbers above 0, not {weights!r}")
        per = table.get("per", "flow")
        if per not in {"flow", "packet"}:
            raise self.fail(f"per is 'flow' or 'packet', not {per!r}")
        return _Balancer(
            tuple(
                self.at(f"branch {n}").line(branch, version) for n, branch in enumerate(branches, 1)
            ),
            tuple(weights),
            per == "packet",
        )

    def path(self, table: dict[str, Any]) -> _Path:
        self.check_keys(table, ("to", "hops", "end"))
        to = table.get("to", [])
        try:
            prefixes = tuple(
                ipaddress.ip_network(one) for one in ([to] if isinstance(to, str) else to)
            )
        except ValueError as problem:
            raise self.fail(f"to is a prefix or a list of them ({problem})") from None
        versions = {prefix.version for prefix in prefixes}
        if len(versions) != 1:
            raise self.fail("to names prefixes of one IP version")
        version = versions.pop()
        line = self.line(table.get("hops", []), version)
        if "end" not in table:
            raise self.fail("no end")
        end = table["end"]
        if isinstance(end, dict) and "loop" in end:
            self.at("end").check_keys(end, ("loop",))
            return _Path(prefixes, line, DARK, self.at("end").loop(end["loop"], len(line)))
        return _Path(prefixes, line, self.at("end").end(end, version), 0)

    def end(self, value: object, version: int) -> End:
        if value == "dark":
            return DARK
        if not isinstance(value, dict):
            raise self.fail(f"a table or 'dark', not {value!r}")
        self.check_keys(value, (*_INTERFACE_KEYS, "answers", "unreachable"))
        unreachable = value.get("unreachable")
        if unreachable is not None and "address" not in value:
            raise self.fail("unreachable needs the address of the router that says so")
        try:
            methods = frozenset(Method(name) for name in value.get("answers", list(Method)))
        except ValueError as problem:
            raise self.fail(str(problem)) from None
        return End(
            # Without an address here it is the target's own, filled in per target.
            self.interface(value, version),
            Kind.DESTINATION if unreachable is None else Kind.UNREACHABLE,
            unreachable,
            methods,
        )

    def loop(self, value: object, length: int) -> int:
        if not isinstance(value, int) or not 1 <= value <= length:
            raise self.fail(f"loop is how many of the {length} hops go round, not {value!r}")
        return value


def load(source: Path | str) -> Scenario:
    """Read a scenario from a TOML file, or from TOML text.

    A scenario has `seed` and `jitter` (milliseconds), both optional, and one ``[[path]]`` per
    way: `to` (a prefix or several), `hops` (nearest first: a table with `address` and `rtt` and
    perhaps `loss`, `copies`, `per_second` as in `Interface`; ``"*"`` for a silent hop; a list of
    lists of hops for a load balancer, whose branch the flow decides, or a table of these lists as
    `branches` with `weights` or ``per = "packet"``) and `end`: ``"dark"``, or a table with `rtt`,
    where another than the target answers its `address`, and `answers` (the methods it heeds) or
    `unreachable` (the code a router refuses with, N, H, P, A …); or
    ``{loop = n}``, in which the last n hops pass the probe round. ``[[trace]]`` is left to
    whoever plays the scenario. Raises `ScenarioError` when it is not that.

    >>> scenario = load('''
    ... [[path]]
    ... to = "203.0.113.0/24"
    ... hops = [{ address = "192.0.2.1", rtt = 1 }, "*"]
    ... end = { rtt = 5 }
    ... ''')
    >>> [hop.address for hop in scenario.way("203.0.113.7", flow=0).hops]
    ['192.0.2.1', None]
    """
    if isinstance(source, Path):
        name, text = source.name, source.read_text(encoding="utf-8")
    else:
        name, text = "scenario", source
    reader = _Reader(name)
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        raise reader.fail(f"not TOML ({problem})") from None
    reader.check_keys(table, ("description", "seed", "jitter", "path", "trace"))
    paths = table.get("path", [])
    if not paths:
        raise reader.fail("no [[path]]")
    return Scenario(
        tuple(reader.at(f"path {number}").path(path) for number, path in enumerate(paths, 1)),
        int(table.get("seed", 0)),
        float(table.get("jitter", 0.0)),
    )
