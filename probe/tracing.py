"""One trace in the making: what was sent, what was heard, and in the end a record of both.

Joins a strategy, which decides by TTL, with the answers, which carry addresses and times, for one
target. It is told of time, and knows no clock, no socket, no pace and no other trace.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from probe.network import Method
from probe.record import Hop, Reply, Trace

if TYPE_CHECKING:
    from probe.network import Answer, Network
    from probe.strategy import EveryHop

# What a hop that is silent to one method may be asked with instead. Not TCP: it knocks on doors.
ALTERNATIVES = (Method.ICMP, Method.UDP)


@dataclass(frozen=True, slots=True)
class Task:
    """One trace to make. `target` is an address in text, `name` what a person calls it.

    Equal `flow` to an equal target takes an equal path through load balancers.
    """

    target: str
    name: str | None
    method: Method
    flow: int

    @property
    def version(self) -> int:
        return 6 if ":" in self.target else 4


class Sent:
    """A probe of some work that is not over. Its token is its own until the work ends."""

    __slots__ = ("at", "flow", "given_up", "heard", "index", "method", "nth", "ttl", "work")

    def __init__(self, work: Work, wanted: tuple[int, int, Method], at: float) -> None:
        self.work = work
        self.ttl, self.flow, self.method = wanted
        self.at = at
        self.heard = False
        self.given_up = False
        # Which probe of its work it is, and which of those with its TTL; the work sets them.
        self.nth = 0
        self.index = 0

    @property
    def open(self) -> bool:
        """Whether its fate is open."""
        return not self.heard and not self.given_up


class Work(Protocol):
    """What a session does for one target: probes to send, answers to take in, an end.

    `tokens`, `began`, `queued` and `due` are the session's own notes. Every probe that `next`
    names is `sent` or the work is dropped; every one sent is `answered` or `lost`, or lost and
    then answered late.
    """

    task: Task
    tokens: list[int]
    began: float | None
    queued: bool
    due: float | None

    def next(self) -> tuple[int, int, Method] | None:
        """TTL, flow and method of the probe to send now; None where there is none."""

    def sent(self, probe: Sent) -> None:
        """A probe left."""

    def answered(self, probe: Sent, answer: Answer) -> bool:
        """An answer came, in time, late or once more.

        Returns whether that may have changed what is to be sent, or ended the work.
        """

    def lost(self, probe: Sent) -> None:
        """A probe was given up."""

    def patience(self, probe: Sent) -> float:
        """Seconds to wait for the answer to a probe, by what is known now."""

    @property
    def over(self) -> bool:
        """Whether nothing is left to send or to wait for."""


class Tracing:
    """The `Work` of tracing one flow to one target; `course` decides."""

    __slots__ = (
        "alternative",
        "began",
        "course",
        "due",
        "probes",
        "queued",
        "replies",
        "task",
        "tokens",
        "told",
    )  # fmt: skip

    def __init__(self, task: Task, course: EveryHop, usable: tuple[Method, ...]) -> None:
        self.task = task
        self.course = course
        others = (other for other in ALTERNATIVES if other is not task.method and other in usable)
        self.alternative = next(others, task.method)
        self.tokens: list[int] = []
        self.began: float | None = None
        self.queued = False
        self.due: float | None = None
        self.probes = 0
        # By TTL, one entry a probe in order of sending, then duplicates; None: its fate is open.
        self.replies: dict[int, list[Reply | None]] = {}
        # Up to which hop `news` has told.
        self.told = 0

    @property
    def over(self) -> bool:
        return self.course.stop is not None

    def next(self) -> tuple[int, int, Method] | None:
        ttl = self.course.next_ttl()
        if ttl is None:
            return None
        task = self.task
        again = ttl in self.replies and self.course.by_another_method(ttl)
        return ttl, task.flow, self.alternative if again else task.method

    def sent(self, probe: Sent) -> None:
        self.probes += 1
        probe.nth = self.probes
        replies = self.replies.get(probe.ttl)
        if replies is None:
            self.replies[probe.ttl] = [None]
        else:
            probe.index = len(replies)
            replies.append(None)
        self.course.sent(probe.ttl)

    def patience(self, probe: Sent) -> float:
        return self.course.patience(probe.ttl)

    def answered(self, probe: Sent, answer: Answer) -> bool:
        _, address, kind, rtt, reply_ttl, size, quoted_ttl, err, extensions, tos, changed = answer
        ttl = probe.ttl
        heard = probe.heard
        late = max(1, self.probes - probe.nth) if probe.given_up and not heard else None
        method = probe.method
        proto = None if method is self.task.method else method.upper()
        reply = Reply(
            address, rtt * 1000.0, reply_ttl, size, err, quoted_ttl, extensions, late, heard,
            proto, tos, changed,
        )  # fmt: skip
        if heard:
            self.replies[ttl].append(reply)
            return False
        self.replies[ttl][probe.index] = reply
        probe.heard = True
        return self.course.answered(
            ttl,
            address,
            kind,
            rtt,
            reply_ttl=reply_ttl,
            quoted_ttl=quoted_ttl,
            late=late is not None,
        )

    def lost(self, probe: Sent) -> None:
        probe.given_up = True
        proto = None if probe.method is self.task.method else probe.method.upper()
        self.replies[probe.ttl][probe.index] = Reply(proto=proto)
        self.course.lost(probe.ttl)

    def hop(self, ttl: int) -> Hop:
        """What was heard at one TTL so far, or taken over from another trace."""
        replies = self.replies.get(ttl)
        if replies is not None:
            return Hop(ttl, tuple([reply for reply in replies if reply is not None]))
        return Hop(ttl, (Reply(self.course.inferred.get(ttl)),), measured=False)

    def news(self) -> list[Hop]:
        """Hops that have become known for sure since this was asked last, in their order."""
        first, self.told = self.told + 1, max(self.told, self.course.known)
        return [self.hop(ttl) for ttl in range(first, self.told + 1)]

    def trace(self, network: Network, *, ended: float, error: str | None) -> Trace:
        """The record of it; times are in seconds since the epoch."""
        task = self.task
        inferred = self.course.inferred
        hops = [
            self.hop(ttl)
            for ttl in range(1, self.course.last + 1)
            if ttl in self.replies or ttl in inferred
        ]
        return Trace(
            dst_addr=task.target,
            dst_name=task.name,
            af=task.version,
            proto=task.method.protocol,
            timestamp=ended if self.began is None else self.began,
            endtime=ended,
            hops=tuple(hop for hop in hops if hop.replies),
            paris_id=task.flow,
            size=network.probe_size(task.method, task.version),
            backend=network.name,
            sees=tuple(sorted(network.sees(task.method, task.version))),
            stop="error" if error is not None else self.course.stop,
            probes=self.probes,
            error=error,
        )
