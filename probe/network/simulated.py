"""A network in memory, so that everything above the wire can be tried exactly and at once.

It answers as routers and hosts do, after their round-trip time on its clock; under a virtual one
a run over minutes takes milliseconds and comes out the same each time. What it
plays is a `Way` per target and flow: read from a scenario file, or computed by whoever has a
whole country in mind. What it says of an answer is what the ``raw`` backend would say if the
packets were real. It knows nothing of sessions, strategies or address tables.
"""

from __future__ import annotations

import heapq
import io
import itertools
import math
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from probe.network import Answer, Capability, Kind, Method, Probe
from probe.network.packet import IP_HEADER, probe_size
from probe.network.ways import REWRITABLE, Fates, Packet
from probe.record import ip_version

if TYPE_CHECKING:
    from collections.abc import Callable

    import trio

    from probe.network.ways import Interface, Reaction, Way

_ICMP_HEADER: Final = 8

_TCP_HEADER: Final = 20

# How much of what follows the IP header a quote must hold to show that a field was rewritten;
# all of it where it says None. The fields of the IP header itself are in every quote.
_IP_FIELDS: Final = {
    4: {"id", "flags", "source", "destination"},
    6: {"flow", "source", "destination"},
}
_SHOWS: Final[dict[Method, dict[str, int | None]]] = {
    Method.ICMP: {"identifier": 6, "checksum": 4, "payload": None},
    Method.UDP: {"ports": 4, "checksum": 8, "payload": None},
    Method.TCP: {"ports": 4, "window": 16, "checksum": 18, "options": None},
    Method.ACK: {"ports": 4, "window": 16, "checksum": 18},
}

# Where ICMP extensions begin in a quote, which is padded up to there (RFC 4884).
_EXTENSIONS_AT: Final = 128


def _trios_clock() -> float:
    import trio  # noqa: PLC0415 - takes most of a start

    return trio.current_time()


class SimulatedNetwork:
    """The `Network` over ways through an imagined one; see `Fates` for what they decide.

    ``clock`` gives seconds; it is trio's where none is named, and only then there is a `wait`.
    """

    name = "simulated"

    def __init__(
        self,
        routes: Callable[[str, int], Way | None],
        *,
        seed: int = 0,
        jitter: float = 0.0,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._clock = _trios_clock if clock is None else clock
        self._fates = Fates(routes, seed=seed, jitter=jitter)
        self._arrivals: list[tuple[float, int, int, Probe, Reaction]] = []
        self._sent = 0
        self._order = itertools.count()
        self._outstanding: dict[int, int] = {}
        self._discarded: Counter[str] = Counter()
        self._news: trio.Event | None = None

    def methods(self, version: int) -> tuple[Method, ...]:  # noqa: ARG002 (the same for both)
        return tuple(Method)

    def sees(self, method: Method, version: int) -> frozenset[Capability]:  # noqa: ARG002
        return frozenset(Capability)

    def probe_size(self, method: Method, version: int) -> int:
        return probe_size(method, version)

    def send(self, probe: Probe) -> None:
        now = self._clock()
        packet = Packet(probe.target, probe.flow, probe.method, probe.ttl)
        reactions = self._fates.of(packet, now)
        self._sent += 1
        self._outstanding[probe.token] = self._sent
        for reaction in reactions:
            heapq.heappush(
                self._arrivals,
                (now + reaction.delay, next(self._order), self._sent, probe, reaction),
            )
        if reactions and self._news is not None:
            self._news.set()

    def fileno(self) -> int:
        """Always raises io.UnsupportedOperation: its answers come by its clock."""
        raise io.UnsupportedOperation("a network in memory has no descriptor")

    @property
    def next_arrival(self) -> float:
        """When the next answer comes; infinite where none is on its way."""
        return self._arrivals[0][0] if self._arrivals else math.inf

    async def wait(self) -> None:
        import trio  # noqa: PLC0415 - takes most of a start

        while self.next_arrival > trio.current_time():
            self._news = trio.Event()
            with trio.move_on_at(self.next_arrival):
                await self._news.wait()
        await trio.lowlevel.checkpoint()

    def drain(self) -> list[Answer]:
        now = self._clock()
        answers = []
        while self._arrivals and self._arrivals[0][0] <= now:
            _, _, sent, probe, reaction = heapq.heappop(self._arrivals)
            if self._outstanding.get(probe.token) != sent:
                self._discarded["unexpected"] += 1
            elif reaction.forged:
                self._discarded["wrong_tag"] += 1
            else:
                answers.append(self._answer(probe, reaction))
        return answers

    def _answer(self, probe: Probe, reaction: Reaction) -> Answer:
        """What the raw backend would make of the packet."""
        version = ip_version(probe.target)
        length = probe_size(probe.method, version)
        answer = Answer(
            token=probe.token,
            address=reaction.address,
            kind=reaction.kind,
            rtt=reaction.delay,
            ttl=reaction.ttl,
        )
        if reaction.kind is Kind.DESTINATION and probe.method is not Method.UDP:
            # A SYN-ACK has the option that our SYN has, a reset none.
            reset = probe.method is Method.TCP and reaction.closed
            return answer._replace(size=_TCP_HEADER if reset else length - IP_HEADER[version])
        who = reaction.who
        quoted = length if who.quote is None else min(length, who.quote)
        more = _extensions(who)
        size = quoted
        if more is not None:
            size = _EXTENSIONS_AT + _extensions_size(who)
        return answer._replace(
            size=_ICMP_HEADER + size,
            err=reaction.err,
            quoted_ttl=reaction.left,
            quoted_tos=reaction.tos,
            extensions=more,
            changed=_changed(probe.method, version, quoted, reaction),
        )

    def forget(self, token: int) -> None:
        self._outstanding.pop(token, None)

    def discarded(self) -> dict[str, int]:
        return dict(self._discarded)

    def close(self) -> None:
        self._arrivals.clear()
        self._outstanding.clear()


def _extensions(who: Interface) -> dict[str, Any] | None:
    """The extensions that this interface attaches, in Atlas' shape."""
    objects: list[dict[str, Any]] = []
    if who.mpls:
        bottom = len(who.mpls) - 1
        stack = [
            {"label": each.label, "exp": each.exp, "s": int(nth == bottom), "ttl": each.ttl}
            for nth, each in enumerate(who.mpls)
        ]
        objects.append({"class": 1, "type": 1, "mpls": stack})
    objects += [{"class": each.number, "type": each.kind} for each in who.extensions]
    return {"version": 2, "rfc4884": int(who.declared), "obj": objects} if objects else None


def _extensions_size(who: Interface) -> int:
    """Bytes of the same on the wire: a header of four, and one before each object."""
    stack = 4 + 4 * len(who.mpls) if who.mpls else 0
    return 4 + stack + sum(4 + len(each.payload) for each in who.extensions)


def _changed(method: Method, version: int, quoted: int, reaction: Reaction) -> tuple[str, ...]:
    """The names of those rewritten fields that a quote of this length shows."""
    whole = probe_size(method, version) - IP_HEADER[version]
    behind = quoted - IP_HEADER[version]
    shown = _IP_FIELDS[version] | {
        name for name, needed in _SHOWS[method].items() if behind >= (needed or whole)
    }
    names = ["tos"] if reaction.tos else []
    return (*names, *(name for name in REWRITABLE if name in reaction.rewritten & shown))
