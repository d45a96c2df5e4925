"""Which paths are looked at for load balancing, and between which hops.

At the border by default: there the question is decided whether all paths pass one operator, and a
trace of one flow sees one of several parallel links. The same border is looked at once in a run,
however many targets lie behind it. It knows attributed hops, no socket and no clock.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Literal

from probe.engine.multipath import Enumeration, MultipathLimits
from probe.network import Kind
from probe.origin.attribute import attribute, majority
from probe.origin.border import leaves

if TYPE_CHECKING:
    from collections.abc import Callable

    from probe.origin.attribute import Attributor
    from probe.record import Trace

Where = Literal["border", "full", "off"]

# How many hops on either side of the border are looked at.
AROUND = 1


def whole(trace: Trace) -> tuple[int, int] | None:
    """The first and the last TTL of a path that answered at all."""
    answered = [hop.number for hop in trace.hops if majority(hop.replies) is not None]
    return (1, max(answered)) if answered else None


def between(
    first: int, last: int, trace: Trace, limits: MultipathLimits, alone_from: int | None = None
) -> Enumeration:
    """The enumeration between two TTLs, which knows what the trace has heard there.

    From the TTL ``alone_from`` on, other paths have other routers.
    """
    enumeration = Enumeration(limits, first, last, trace.paris_id, alone_from)
    for hop in trace.hops:
        if first <= hop.number <= last and hop.measured:
            at_end = hop is trace.hops[-1] and trace.stop in {"destination", "unreachable"}
            for reply in hop.replies:
                # A router that refuses on the way may stand nearer than where it was asked.
                tells = reply.err is None or at_end
                if (
                    reply.address is not None
                    and reply.rtt is not None
                    and not reply.proto
                    and tells
                ):
                    kind = Kind.DESTINATION if at_end else Kind.TIME_EXCEEDED
                    enumeration.answered(
                        hop.number, trace.paris_id, reply.address, kind, reply.rtt / 1000.0
                    )
                    break
    return enumeration


class Forks:
    """Chooses what is enumerated in the traces of one run.

    ``where`` is the border or the full path; ``home`` gives the country the traces start in (ISO
    3166 alpha-2), None as long as it is not known.
    """

    def __init__(
        self,
        where: Literal["border", "full"],
        origin: Attributor,
        home: Callable[[Trace], str | None],
        limits: MultipathLimits,
    ) -> None:
        self._where = where
        self._origin = origin
        self._home = home
        self._limits = limits
        # Borders that are or were enumerated, by the addresses on both sides; not again, unless an
        # error broke it off.
        self._looked_at: set[tuple[str | None, str | None]] = set()

    def __call__(self, trace: Trace) -> Enumeration | None:
        """The enumeration to make for a trace that has ended, if any."""
        if self._where == "border":
            return self._border(trace)
        span = whole(trace)
        return None if span is None else between(*span, trace, self._limits)

    def _border(self, trace: Trace) -> Enumeration | None:
        attributed = attribute(trace, self._origin)
        home = self._home(attributed)
        border = None if home is None else leaves(attributed.hops, home)
        if border is None:
            return None
        crossed = majority(border.before.replies), majority(border.after.replies)
        if crossed in self._looked_at:
            return None
        self._looked_at.add(crossed)
        first = max(1, border.before.number - AROUND)
        last = min(border.after.number + AROUND, trace.hops[-1].number)
        enumeration = between(first, last, trace, self._limits, border.after.number)
        enumeration.when_broken_off = partial(self._looked_at.discard, crossed)
        return enumeration
