"""Imagined paths: who stands on them, with which habits, and what becomes of a packet.

Real networks are odd in many small ways, and each of them must be had on demand to show that a
trace survives it. They are described here once, without saying how a packet looks or how it is
heard of: the simulated network makes answers of it, the lab's tests make real packets of it and
send them through real sockets. It knows no file, no clock, no socket and no session.
"""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from probe.network import Kind, Method, NoRoute
from probe.network.digest import blake2b

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_ROUTER_TTL: Final = 255
_HOST_TTL: Final = 64

# A packet in a loop has run out of its TTL after so many routers.
_LONGEST: Final = 255

# What may be rewritten on the way, by the names and in the order of `Answer.changed`.
REWRITABLE: Final = (
    "flow", "id", "flags", "source", "destination", "ports", "identifier", "window", "checksum",
    "payload", "options",
)  # fmt: skip


def chance(*what: object) -> float:
    """A number in [0, 1) that is always the same for the same things, and even over many.

    >>> chance("flow", 1) == chance("flow", 1) != chance("flow", 2)
    True
    """
    digest = blake2b(" ".join(map(str, what)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


class Label(NamedTuple):
    """One entry of an MPLS label stack (RFC 3032), with what TTL it had left."""

    label: int
    exp: int = 0
    ttl: int = 1


class Extension(NamedTuple):
    """An ICMP extension object (RFC 4884) that is no label stack."""

    number: int
    kind: int
    payload: bytes


@dataclass(frozen=True, slots=True, eq=False)
class Interface:
    """The side of a router or host that answers; each is an individual with its own memory.

    `rtt` are milliseconds for the first, second … probe that gets here, the last one for all
    that follow; None there is a probe that gets no answer. `loss` is the probability that a
    probe or its answer is lost. `copies` is how often each answer arrives. `per_second` limits
    the answers: a bucket of that size (at least one) that fills at that rate. It heeds only
    `methods`; without an address it never answers. From the second probe on it answers by the
    addresses `later`, one after the other, then by the last of them.

    An answer starts with a TTL of `reply_ttl`, or with what the probe had left (``"mirrored"``),
    by default 255 or, from a target, 64; it passes as many routers as the probe did, and `back`
    more. An error quotes the first `quote` bytes of the probe, from its IP header on, by default
    all, and attaches the label stack `mpls` and `extensions`; where `declared` is False it does
    not say that or where it does.

    As a router on the way it may pass a probe on that has no TTL left, for the next one to
    answer (`forwards_zero`), or not count down at all (`counts_down` False: it takes no TTL and
    answers nothing, but answers passing back are counted down). It may give what it passes on
    another type of service (`tos`) and change the fields that `rewrites` names.

    With every probe to it there may arrive `forged`: a Time Exceeded from this address, by
    somebody who knows all of the probe but its tag; and as many as `strays` ICMP messages that
    are about something else altogether.
    """

    address: str | None
    rtt: tuple[float | None, ...] = (0.0,)
    loss: float = 0.0
    copies: int = 1
    per_second: float | None = None
    methods: frozenset[Method] = frozenset(Method)
    reply_ttl: int | Literal["mirrored"] | None = None
    back: int = 0
    quote: int | None = None
    mpls: tuple[Label, ...] = ()
    extensions: tuple[Extension, ...] = ()
    declared: bool = True
    forwards_zero: bool = False
    counts_down: bool = True
    tos: int | None = None
    rewrites: frozenset[str] = frozenset()
    forged: str | None = None
    strays: int = 0
    later: tuple[str, ...] = ()


SILENT = Interface(None)


@dataclass(frozen=True, slots=True)
class End:
    """What becomes of probes that get past the last router: `interface` answers as `kind`.

    `err` is the Atlas code of an unreachable. A host whose port is `closed` answers a SYN by a
    reset, others by a SYN-ACK.
    """

    interface: Interface
    kind: Kind = Kind.DESTINATION
    err: str | int | None = None
    closed: bool = False


DARK = End(SILENT)


class Place(NamedTuple):
    """Where a probe ends: at whom, behind how many routers, and what has become of it by then.

    `left` is the TTL it arrives with; where `is_end`, that of the smallest that gets so far.
    """

    interface: Interface
    is_end: bool
    passed: int
    left: int
    tos: int
    rewritten: frozenset[str]


@dataclass(frozen=True, slots=True)
class Way:
    """The routers between here and a target, nearest first, and what is behind them.

    With `loop` = n the last n routers pass the probe round and it never gets to the end. Where a
    router spreads packets, not flows, `anew` gives the way of a packet by its number.
    """

    hops: tuple[Interface, ...]
    end: End
    loop: int = 0
    anew: Callable[[int], Way] | None = field(default=None, compare=False)

    def places(self) -> tuple[Place, ...]:
        """Where probes of TTL 1, 2, 3 … end; those of a higher one at the last place.

        >>> way = Way((Interface("192.0.2.1", forwards_zero=True), Interface("192.0.2.2")), DARK)
        >>> [(place.interface.address, place.left) for place in way.places()]
        [('192.0.2.2', 0), ('192.0.2.2', 1), (None, 1)]
        """
        found: list[Place] = []
        tos, rewritten, zero = 0, frozenset[str](), False
        for passed, hop in self._met():
            if hop.counts_down:
                if zero:
                    found.append(Place(hop, False, passed, 0, tos, rewritten))
                zero = hop.forwards_zero
                if not zero:
                    found.append(Place(hop, False, passed, 1, tos, rewritten))
            tos = tos if hop.tos is None else hop.tos
            rewritten |= hop.rewrites
            if len(found) >= _LONGEST:
                return tuple(found[:_LONGEST])
        end = Place(self.end.interface, True, len(self.hops), 1, tos, rewritten)
        return (*found, end._replace(left=0), end) if zero else (*found, end)

    def _met(self) -> Iterator[tuple[int, Interface]]:
        """The routers in the order in which a packet meets them, and how far away each is."""
        row = tuple(enumerate(self.hops))
        yield from row
        ring = row[len(row) - self.loop :]
        # Where none counts down a packet goes round for good, and nobody answers.
        if any(hop.counts_down for _, hop in ring):
            yield from itertools.cycle(ring)

    def at(self, ttl: int) -> Interface | None:
        """The router at which this TTL runs out; None when it suffices to reach the end.

        >>> way = Way((Interface("192.0.2.1"), Interface("192.0.2.2")), DARK, loop=2)
        >>> [way.at(ttl).address[-1] for ttl in (1, 2, 3, 4)]
        ['1', '2', '1', '2']
        """
        places = self.places()
        place = places[min(ttl, len(places)) - 1]
        return None if place.is_end else place.interface


class Packet(NamedTuple):
    """All of a probe that decides what becomes of it."""

    target: str
    flow: int
    method: Method
    ttl: int


class Reaction(NamedTuple):
    """Something that comes back for a packet.

    `who` says it, by `address`, as `kind` with the code `err`; `delay` is seconds from sending
    until it arrives, with a TTL of `ttl`. `left`, `tos` and `rewritten` are the packet's as it
    got there, `closed` is of the port that a SYN met. A `forged` one shows a packet like this,
    with another tag.
    """

    who: Interface
    address: str
    kind: Kind
    err: str | int | None
    delay: float
    ttl: int
    left: int
    tos: int
    rewritten: frozenset[str]
    closed: bool = False
    forged: bool = False


class Fates:
    """What becomes of packets, one after the other: remembers how often each router was asked.

    `routes(target, flow)` gives the way of a target's packets, or None where there is no route;
    it is asked once per target and flow. `seed` decides every loss, and every delay by up to
    `jitter` milliseconds: by which probe it is and how often the same was sent before, so that a
    network comes out the same however probes are interleaved.
    """

    def __init__(
        self, routes: Callable[[str, int], Way | None], *, seed: int, jitter: float
    ) -> None:
        self._routes = routes
        self._seed = seed
        self._jitter = jitter
        self._ways: dict[tuple[str, int], tuple[Way, tuple[Place, ...]]] = {}
        self._asked: Counter[Interface] = Counter()
        self._buckets: dict[Interface, tuple[float, float]] = {}
        self._alike: Counter[Packet] = Counter()

    def of(self, packet: Packet, now: float) -> list[Reaction]:
        """All that comes back for a packet sent `now` (seconds); nothing is silence.

        Raises `NoRoute` where there is no way to its target.
        """
        way, places = self._way(packet)
        place = places[min(packet.ttl, len(places)) - 1]
        left = place.left + max(0, packet.ttl - len(places))
        who, end = place.interface, way.end
        meaning: tuple[Kind, str | int | None] = Kind.TIME_EXCEEDED, None
        if place.is_end:
            meaning = end.kind, end.err
            if end.err == "p" and packet.method is Method.UDP:
                # Whoever says so: that is how a target answers UDP.
                meaning = Kind.DESTINATION, None
        found = []
        delay = self._delay(who, packet, now)
        if who.forged is not None:
            found.append(
                Reaction(
                    *(who, who.forged, Kind.TIME_EXCEEDED, None),
                    delay=(delay or 0.0) / 2,
                    ttl=_ROUTER_TTL - place.passed,
                    left=1,
                    tos=0,
                    rewritten=frozenset(),
                    forged=True,
                )
            )
        if delay is None or who.address is None:
            return found
        start = who.reply_ttl
        if start is None:
            start = _HOST_TTL if meaning[0] is Kind.DESTINATION else _ROUTER_TTL
        elif start == "mirrored":
            start = left
        ttl = start - place.passed - who.back
        if ttl > 0:
            by = (who.address, *who.later)[min(self._asked[who] - 1, len(who.later))]
            answer = Reaction(
                *(who, by, *meaning, delay, ttl),
                *(left, place.tos, place.rewritten, end.closed),
            )
            found += [answer] * who.copies
        return found

    def _way(self, packet: Packet) -> tuple[Way, tuple[Place, ...]]:
        key = (packet.target, packet.flow)
        if key not in self._ways:
            way = self._routes(*key)
            if way is None:
                raise NoRoute(f"the simulated network has no route to {packet.target}")
            self._ways[key] = way, way.places()
        way, places = self._ways[key]
        if way.anew is not None:
            way = way.anew(self._alike[packet] << 8 | packet.ttl)
            places = way.places()
        self._alike[packet] += 1
        return way, places

    def _delay(self, who: Interface, packet: Packet, now: float) -> float | None:
        """Seconds until this interface's answer arrives; None where it gives none."""
        if who.address is None or packet.method not in who.methods:
            return None
        nth = self._asked[who]
        self._asked[who] += 1
        rtt = who.rtt[min(nth, len(who.rtt) - 1)]
        if rtt is None or (who.loss and self._chance("loss", packet) < who.loss):
            return None
        if who.per_second is not None and not self._may_answer(who, who.per_second, now):
            return None
        if self._jitter:
            rtt += self._jitter * self._chance("jitter", packet)
        return rtt / 1000.0

    def _chance(self, what: str, packet: Packet) -> float:
        return chance(what, self._seed, *packet, self._alike[packet])

    def _may_answer(self, who: Interface, rate: float, now: float) -> bool:
        depth = max(1.0, rate)
        level, since = self._buckets.get(who, (depth, now))
        level = min(depth, level + (now - since) * rate)
        self._buckets[who] = (level - 1.0 if level >= 1.0 else level, now)
        return level >= 1.0
