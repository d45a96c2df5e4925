"""One trace in the making: what was sent, what was heard, and in the end a record of both.

Joins a strategy, which decides by TTL, with the answers, which carry addresses and times, for one
target. It is told of time, and knows no clock, no socket, no pace and no other trace.
"""

from __future__ import annotations

from functools import cache, lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple, Protocol

from probe.network import Kind, Method
from probe.record import Hop, Reply, Trace, ip_version

if TYPE_CHECKING:
    from collections.abc import Iterator

    from probe.engine.strategy import EveryHop
    from probe.network import Answer

# What a hop that is silent to one method may be asked with instead. Not TCP: it knocks on doors.
ALTERNATIVES = (Method.ICMP, Method.UDP)


class Task(NamedTuple):
    """One trace to make. `target` is an address in text, `name` what a person calls it.

    Equal `flow` to an equal target takes an equal path through load balancers.
    """

    target: str
    name: str | None
    method: Method
    flow: int

    @property
    def version(self) -> int:
        """The IP version, 4 or 6."""
        return ip_version(self.target)


_DESTINATION = Kind.DESTINATION
_TIME_EXCEEDED = Kind.TIME_EXCEEDED

# How many more answers to probes of one hop that was answered are kept; others are counted.
DUPLICATES_KEPT = 16

# Of how many hops that were taken over the object is kept: those near home are on every path.
TAKEN_OVER_KEPT = 1 << 12

# TTL, flow and method of a probe.
Wanted = tuple[int, int, Method]


class Seen(NamedTuple):
    """What a record says of the network layer: its name, a probe's size, what it can observe."""

    backend: str
    size: int
    sees: tuple[str, ...]


class Sent:
    """A probe of some work that is not over. Its token is its own until the work ends.

    `reply` is what it got: a star once it is given up, None as long as its fate is open.
    """

    __slots__ = ("at", "flow", "method", "reply", "token", "ttl", "work")

    def __init__(self, work: Work, wanted: Wanted, token: int, at: float) -> None:
        self.work = work
        self.ttl, self.flow, self.method = wanted
        self.token = token
        self.at = at
        self.reply: Reply | None = None


@cache
def _star(proto: str | None) -> Reply:
    """What a probe got that was given up; `proto` as in `Reply`."""
    return Reply(proto=proto)


@lru_cache(maxsize=TAKEN_OVER_KEPT)
def _taken_over(ttl: int, address: str | None) -> Hop:
    """A hop that another trace has measured."""
    return Hop(ttl, (Reply(address),), None, measured=False)


class Work(Protocol):
    """What a session does for one target: probes to send, answers to take in, an end.

    `probes` are those sent, in their order. The session's own notes are `queued`, `due`, and
    `open`, of which all are whose fate is, and some that were answered since it looked last.
    Every probe that `next` names is `sent` or the work is dropped; every one sent is `answered`
    or `lost`, or lost and then answered late.
    """

    task: Task
    probes: list[Sent]
    open: list[Sent]
    queued: bool
    due: float | None

    def next(self) -> Wanted | None:
        """TTL, flow and method of the probe to send now; None where there is none."""

    def sent(self, probe: Sent) -> None:
        """A probe left."""

    def answered(self, probe: Sent, answer: Answer) -> bool:
        """An answer came, in time, late or once more.

        Returns whether that may have changed what is to be sent, or ended the work.
        """

    def lost(self, probe: Sent) -> None:
        """A probe was given up."""

    def asked_at(self, ttl: int) -> int:
        """The turn of the run in which whoever stands there was asked last."""

    def patience(self, ttl: int) -> float:
        """Seconds to wait for the answer to a probe with this TTL, by what is known now."""

    @property
    def over(self) -> bool:
        """Whether nothing is left to send or to wait for."""

    def trace(self, seen: Seen, *, began: float, ended: float, error: str | None) -> Trace:
        """The record of it; times are in seconds since the epoch."""


class Tracing:
    """The `Work` of tracing one flow to one target; `course` decides."""

    __slots__ = (
        "_alternative", "_borrowed", "_closed", "_duplicates", "_more_duplicates", "_passed",
        "_told", "_turned_away", "asked_at", "course", "due", "open", "patience", "probes",
        "queued", "task",
    )  # fmt: skip

    def __init__(self, task: Task, course: EveryHop, usable: tuple[Method, ...]) -> None:
        self.task = task
        self.course = course
        self.asked_at = course.asked_at
        self.patience = course.patience
        others = (other for other in ALTERNATIVES if other is not task.method and other in usable)
        self._alternative = next(others, task.method)
        self.probes: list[Sent] = []
        self.open: list[Sent] = []
        self.queued = False
        self.due: float | None = None
        # More answers to probes that were answered, by TTL.
        self._duplicates: dict[int, list[Reply]] = {}
        self._more_duplicates = 0
        # Up to which hop `news` has told.
        self._told = 0
        # Tokens of probes of another method that were refused where the trace's own went on.
        self._turned_away: set[int] = set()
        # Probes that another address than the target answered by "port unreachable".
        self._closed: list[Sent] = []
        # Probes of which the target's own address said that their time was exceeded, and the
        # farthest TTL of which another one did.
        self._borrowed: list[Sent] = []
        self._passed = 0

    @property
    def over(self) -> bool:
        return self.course.stop is not None

    def next(self) -> Wanted | None:
        ttl = self.course.next_ttl()
        if ttl is None:
            return None
        task = self.task
        if self.course.any_lost and self.course.by_another_method(ttl):
            return ttl, task.flow, self._alternative
        return ttl, task.flow, task.method

    def sent(self, probe: Sent) -> None:
        self.probes.append(probe)
        self.course.sent(probe.ttl)

    def answered(self, probe: Sent, answer: Answer) -> bool:
        _, address, kind, rtt, reply_ttl, size, quoted_ttl, err, extensions, tos, changed = answer
        ttl = probe.ttl
        before = probe.reply
        duplicate, late = False, None
        if before is not None:
            duplicate = not before.is_star
            if not duplicate:
                late = max(1, len(self.probes) - self.probes.index(probe) - 1)
        proto = None if probe.method is self.task.method else self._proto_of(probe)
        reply = Reply(
            address, rtt * 1000.0, reply_ttl, size, err, quoted_ttl, extensions, late,
            duplicate, proto, tos, changed,
        )  # fmt: skip
        if duplicate:
            kept = self._duplicates.setdefault(ttl, [])
            if len(kept) < DUPLICATES_KEPT:
                kept.append(reply)
            else:
                self._more_duplicates += 1
            return False
        probe.reply = reply
        if proto is not None and self._is_turned_away(probe, answer):
            self._turned_away.add(probe.token)
            if late is None:
                self.course.lost(ttl)
            return True
        borrowed = kind is _TIME_EXCEEDED and address == self.task.target
        if kind is _TIME_EXCEEDED:
            if borrowed:
                self._borrowed.append(probe)
            elif ttl > self._passed:
                self._passed = ttl
        elif kind is _DESTINATION and probe.method is Method.UDP and address != self.task.target:
            self._closed.append(probe)
        return self.course.answered(
            ttl,
            address,
            kind,
            rtt,
            reply_ttl=reply_ttl,
            quoted_ttl=quoted_ttl,
            late=late is not None,
            otherwise=proto is not None,
            borrowed=borrowed,
        )

    def _is_turned_away(self, probe: Sent, answer: Answer) -> bool:
        """Whether a probe of another method was turned away where the trace's own went on.

        A firewall may let the one pass and not the other, by "port unreachable" too. That ends no
        path, and the hop is as silent as it was.
        """
        if answer.kind is Kind.TIME_EXCEEDED or answer.address == self.task.target:
            return False
        return self.course.goes_on(probe.ttl, answer.address) or any(
            other.ttl < probe.ttl and other.reply and other.reply.address == answer.address
            for other in self.probes
            if other.token in self._turned_away
        )

    def lost(self, probe: Sent) -> None:
        probe.reply = _star(self._proto_of(probe))
        self.course.lost(probe.ttl)

    def _proto_of(self, probe: Sent) -> str | None:
        """How a reply is marked whose probe was of another kind than the trace."""
        return None if probe.method is self.task.method else probe.method.upper()

    def _hops(self, first: int, last: int) -> list[Hop]:
        """What was heard at these TTLs so far, or taken over from other traces."""
        heard: dict[int, list[Reply]] = {}
        out_of_place = self._out_of_place()
        for probe in self.probes:
            if probe.token in out_of_place:
                heard.setdefault(probe.ttl, []).append(_star(self._proto_of(probe)))
            elif probe.reply is not None:
                heard.setdefault(probe.ttl, []).append(probe.reply)
        for ttl, replies in self._duplicates.items():
            heard[ttl] += [
                reply
                for reply in replies
                if ttl >= self._passed or reply.address != self.task.target
            ]
        for ttl, router in self._refused():
            heard[ttl] = [
                reply._replace(err="p") if reply.address == router else reply
                for reply in heard[ttl]
            ]
        found = []
        inferred = self.course.inferred
        for ttl in range(first, last + 1):
            if ttl in heard:
                found.append(Hop(ttl, tuple(heard[ttl])))
            elif ttl in inferred:
                found.append(_taken_over(ttl, inferred[ttl]))
        return found

    def _notes(self) -> Iterator[str]:
        """What the hops do not show of what was heard."""
        if self._more_duplicates:
            yield f"{self._more_duplicates} more duplicates were not kept"
        for ttl in sorted({probe.ttl for probe in self._answered_by_others()}):
            yield f"hop {ttl} answered from the target's address"

    def _answered_by_others(self) -> list[Sent]:
        """Probes that a router on the way answered from the target's address."""
        return [probe for probe in self._borrowed if probe.ttl < self._passed]

    def _out_of_place(self) -> set[int]:
        """Tokens of probes that were answered by who does not stand at the hop that was asked.

        Who turned one away may be known to stand nearer: it would stand between others there, and
        its network could seem to be the last before the border. And a router may answer from the
        address that was asked for: where others answer farther on, the target is not there, and
        whoever reads the path would take it for its end.
        """
        borrowed = {probe.token for probe in self._answered_by_others()}
        if not self._turned_away:
            return borrowed
        stands_at = self._nearest()
        return borrowed | {
            probe.token
            for probe in self.probes
            if probe.token in self._turned_away
            and probe.reply
            and stands_at.get(probe.reply.address, probe.ttl) < probe.ttl
        }

    def _refused(self) -> set[tuple[int, str]]:
        """TTL and address where a router of the path refused in the words of a target.

        A firewall may answer UDP by the "port unreachable" by which a target says that it was
        reached. The target may do so from any of its addresses, but none of them forwards to it.
        """
        if not self._closed:
            return set()
        stands_at = self._nearest()
        return {
            (probe.ttl, probe.reply.address)
            for probe in self._closed
            if probe.reply
            and probe.reply.address
            and stands_at.get(probe.reply.address, probe.ttl) < self.course.last
        }

    def _nearest(self) -> dict[str | None, int]:
        """By address, the lowest TTL at which it was heard or taken over."""
        shown = [(ttl, address) for ttl, address in self.course.inferred.items()]
        shown += [(probe.ttl, probe.reply.address) for probe in self.probes if probe.reply]
        return {address: ttl for ttl, address in sorted(shown, key=itemgetter(0), reverse=True)}

    def news(self) -> list[Hop]:
        """Hops that have become known for sure since this was asked last, in their order."""
        first, self._told = self._told + 1, max(self._told, self.course.known)
        return self._hops(first, self._told) if first <= self._told else []

    def trace(self, seen: Seen, *, began: float, ended: float, error: str | None) -> Trace:
        """The record of it; times are in seconds since the epoch."""
        task, stop = self.task, self.course.stop
        hops = tuple(self._hops(1, self.course.last))
        if stop == "destination" and all(reply.is_star or reply.err for reply in hops[-1].replies):
            stop = "unreachable"
        return Trace(
            dst_addr=task.target,
            dst_name=task.name,
            af=task.version,
            proto=task.method.protocol,
            timestamp=began,
            endtime=ended,
            hops=hops,
            paris_id=task.flow,
            size=seen.size,
            backend=seen.backend,
            sees=seen.sees,
            stop="error" if error is not None else stop,
            probes=len(self.probes),
            notes=tuple(self._notes()),
            error=error,
        )
