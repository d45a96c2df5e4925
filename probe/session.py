"""The one loop that measures many targets at once: pace, send, wait then drain, match, give up.

Everything that costs time stands here and nowhere else: one task, one heap of deadlines, plain
dictionaries; nothing is spawned, timed or awaited per probe. It asks a strategy per target what
to do and a `Network` to do it, and hands over each trace as it ends. It knows no address table,
no redaction and no disk: what `finished` gets is unattributed and unredacted and has not left
the memory of this process.
"""

from __future__ import annotations

import heapq
import itertools
import math
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import trio

from probe.network import Method, NoRoute, Probe
from probe.record import Hop, Reply, Trace
from probe.strategy import EveryHop, Horizon, Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from probe.network import Answer, Network

TOKENS = 1 << 16

# Seconds by which sending may lag and still catch up. A longer pause is never made good by a burst.
SLACK = 0.010

# Seconds until a full send buffer is tried again.
BACKOFF = 0.010

# What a hop that is silent to one method may be asked with instead. Not TCP: it knocks on doors.
ALTERNATIVES = (Method.ICMP, Method.UDP)


@dataclass(frozen=True)
class Settings(Limits):
    """How to measure: the limits of each trace, and how all are paced.

    `rate` is packets per second over all traces. Where they follow each other faster than one in
    `tick` seconds, a tick's worth goes at once and answers are looked at once a tick, which costs
    a 10,000/s run a tenth of a core where a sleep per packet takes half of one.
    """

    rate: float = 20.0
    tick: float = 0.002


@dataclass(frozen=True, slots=True)
class Task:
    """One trace to make. `target` is an address in text, `name` what a person calls it.

    Equal `flow` to an equal target takes an equal path through load balancers.
    """

    target: str
    name: str | None
    method: Method
    flow: int


class _Sent:
    """A probe of a trace that is not over. Its token is its own until the trace ends."""

    __slots__ = ("at", "deadline", "heard", "index", "method", "nth", "tracing", "ttl")

    def __init__(
        self, tracing: _Tracing, ttl: int, method: Method, at: float, deadline: float
    ) -> None:
        replies = tracing.replies.setdefault(ttl, [])
        self.tracing = tracing
        self.ttl = ttl
        self.method = method
        self.at = at
        self.deadline = deadline
        self.heard = False
        self.nth = tracing.probes
        self.index = len(replies)
        replies.append(None)


class _Tracing:
    """A trace in the making."""

    __slots__ = (
        "alternative",
        "began",
        "course",
        "hopeful",
        "probes",
        "queued",
        "replies",
        "task",
        "tokens",
        "told",
        "waiting",
    )  # fmt: skip

    def __init__(self, task: Task, course: EveryHop, alternative: Method) -> None:
        self.task = task
        self.course = course
        self.alternative = alternative
        # Whether any probe may wait longer than the floor.
        self.hopeful = False
        self.told = 0
        self.began: float | None = None
        self.probes = 0
        self.queued = False
        # By TTL, one entry a probe in order of sending, then duplicates; None: its fate is open.
        self.replies: dict[int, list[Reply | None]] = {}
        self.tokens: list[int] = []
        self.waiting: dict[_Sent, None] = {}

    def proto_of(self, sent: _Sent) -> str | None:
        """How a probe is marked that was of another kind than the trace."""
        return None if sent.method is self.task.method else sent.method.upper()

    def hop(self, ttl: int) -> Hop:
        """What was heard at one TTL so far."""
        return Hop(ttl, tuple(reply for reply in self.replies.get(ttl, ()) if reply is not None))

    def hops(self) -> tuple[Hop, ...]:
        hops = (self.hop(ttl) for ttl in range(1, self.course.last + 1))
        return tuple(hop for hop in hops if hop.replies)


class _Session:
    def __init__(
        self,
        network: Network,
        tasks: Iterator[Task],
        settings: Settings,
        *,
        finished: Callable[[Trace], None],
        known: Callable[[Task, Hop], None] | None,
        wall_clock: Callable[[], float],
    ) -> None:
        self.network = network
        self.tasks: Iterator[Task] | None = tasks
        self.settings = settings
        self.finished = finished
        self.known = known
        self.wall_clock = wall_clock
        self.interval = 1.0 / settings.rate
        # Seconds between two looks at the network; 0 where packets are rarer than ticks anyway.
        self.tick = settings.tick if self.interval < settings.tick else 0.0
        self.due = -math.inf
        self.idle = True
        self.active = 0
        # Every token a trace may ever need fits, so that none is taken twice: all attempts, one
        # more where repeating helps, and the probes that learn the distance.
        self.most_active = max(1, TOKENS // (settings.max_ttl * (settings.attempts + 1) + 2))
        self.horizon = Horizon(settings)
        self.learning = True
        self.ready: deque[_Tracing] = deque()
        self.probes: dict[int, _Sent] = {}
        self.deadlines: list[tuple[float, int, _Sent]] = []
        self.order = itertools.count()
        self.token = 0

    # -- choosing ---------------------------------------------------------------------------

    def choose(self) -> tuple[_Tracing, int] | None:
        """The trace whose turn it is and the TTL it wants.

        Traces under way come before new ones, and take turns. So near routers, which all paths
        share, are asked once per trace begun, never by all traces at the same time.
        """
        while self.ready:
            tracing = self.ready[0]
            ttl = tracing.course.next_ttl()
            if ttl is not None:
                return tracing, ttl
            tracing.queued = False
            self.ready.popleft()
        if self.tasks is None or self.active >= self.most_active:
            return None
        if self.learning and self.active:
            # What the first trace learns spares each of the others a probe.
            return None
        task = next(self.tasks, None)
        if task is None:
            self.tasks = None
            return None
        self.queue(self.begin(task))
        return self.choose()

    def begin(self, task: Task) -> _Tracing:
        course = EveryHop(self.settings, self.horizon)
        usable = self.network.methods(6 if ":" in task.target else 4)
        others = (other for other in ALTERNATIVES if other is not task.method and other in usable)
        self.active += 1
        return _Tracing(task, course, next(others, task.method))

    def queue(self, tracing: _Tracing) -> None:
        if not tracing.queued:
            tracing.queued = True
            self.ready.append(tracing)

    def next_token(self) -> int:
        token = self.token % (TOKENS - 1) + 1
        while token in self.probes:
            token = token % (TOKENS - 1) + 1
        self.token = token
        return token

    # -- sending ----------------------------------------------------------------------------

    def transmit(self, now: float) -> None:
        """Send all that is due by now."""
        if self.idle or self.due < now - self.tick - SLACK:
            self.due = max(self.due, now - self.tick)
        self.idle = False
        while self.due <= now:
            turn = self.choose()
            if turn is None:
                self.idle = True
                return
            try:
                self.send(*turn, now)
            except BlockingIOError:
                self.due = now + BACKOFF

    def send(self, tracing: _Tracing, ttl: int, now: float) -> None:
        task = tracing.task
        course = tracing.course
        if tracing.began is None:
            tracing.began = self.wall_clock()
        token = self.next_token()
        method = tracing.alternative if course.by_another_method(ttl) else task.method
        try:
            self.network.send(Probe(task.target, ttl, task.flow, method, token))
        except NoRoute as problem:
            self.ready.popleft()
            self.finish(tracing, "error", str(problem))
            return
        self.due += self.interval
        tracing.probes += 1
        course.sent(ttl)
        tracing.tokens.append(token)
        patience = course.patience(ttl)
        tracing.hopeful |= patience > self.settings.timeout_floor
        sent = _Sent(tracing, ttl, method, now, now + patience)
        tracing.waiting[sent] = None
        self.probes[token] = sent
        heapq.heappush(self.deadlines, (sent.deadline, next(self.order), sent))
        self.ready.rotate(-1)

    # -- hearing ----------------------------------------------------------------------------

    def collect(self) -> None:
        """Take in all answers that are there."""
        for answer in self.network.drain():
            sent = self.probes.get(answer.token)
            if sent is not None:
                self.take(sent, answer)

    def take(self, sent: _Sent, answer: Answer) -> None:
        tracing = sent.tracing
        duplicate = sent.heard
        late = not duplicate and sent not in tracing.waiting
        reply = Reply(
            address=answer.address,
            rtt=answer.rtt * 1000.0,
            ttl=answer.ttl,
            size=answer.size,
            err=answer.err,
            quoted_ttl=answer.quoted_ttl,
            extensions=answer.extensions,
            late=max(1, tracing.probes - sent.nth) if late else None,
            duplicate=duplicate,
            proto=tracing.proto_of(sent),
        )
        replies = tracing.replies[sent.ttl]
        if duplicate:
            replies.append(reply)
        else:
            replies[sent.index] = reply
            sent.heard = True
            tracing.waiting.pop(sent, None)
            tracing.course.answered(
                sent.ttl,
                answer.address,
                answer.kind,
                answer.rtt,
                reply_ttl=answer.ttl,
                quoted_ttl=answer.quoted_ttl,
                late=late,
            )
            if tracing.hopeful:
                self.hurry(tracing, sent.ttl)
            self.after(tracing)

    def hurry(self, tracing: _Tracing, heard: int) -> None:
        """Wait less for the hops before one that has answered."""
        for sent in tracing.waiting:
            if sent.ttl < heard:
                deadline = sent.at + tracing.course.patience(sent.ttl)
                if deadline < sent.deadline:
                    sent.deadline = deadline
                    heapq.heappush(self.deadlines, (deadline, next(self.order), sent))

    # -- giving up --------------------------------------------------------------------------

    def next_deadline(self) -> float:
        """When the next probe is to be given up; drops entries that no longer hold."""
        while self.deadlines:
            deadline, _, sent = self.deadlines[0]
            if deadline == sent.deadline and sent in sent.tracing.waiting:
                return deadline
            heapq.heappop(self.deadlines)
        return math.inf

    def expire(self, now: float) -> None:
        """Give up all probes whose time is over."""
        while self.next_deadline() <= now:
            _, _, sent = heapq.heappop(self.deadlines)
            tracing = sent.tracing
            del tracing.waiting[sent]
            tracing.replies[sent.ttl][sent.index] = Reply(proto=tracing.proto_of(sent))
            tracing.course.lost(sent.ttl)
            self.after(tracing)

    # -- ending -----------------------------------------------------------------------------

    def after(self, tracing: _Tracing) -> None:
        if self.learning:
            self.learning = tracing.course.aiming
        if self.known is not None:
            while tracing.told < tracing.course.known:
                tracing.told += 1
                self.known(tracing.task, tracing.hop(tracing.told))
        if tracing.course.stop is not None:
            self.finish(tracing, tracing.course.stop, None)
        else:
            self.queue(tracing)

    def finish(self, tracing: _Tracing, stop: str, error: str | None) -> None:
        task = tracing.task
        version = 6 if ":" in task.target else 4
        self.active -= 1
        for token in tracing.tokens:
            del self.probes[token]
            self.network.forget(token)
        tracing.waiting.clear()
        ended = self.wall_clock()
        self.finished(
            Trace(
                dst_addr=task.target,
                dst_name=task.name,
                af=version,
                proto=task.method.upper(),
                timestamp=ended if tracing.began is None else tracing.began,
                endtime=ended,
                hops=tracing.hops(),
                paris_id=task.flow,
                size=self.network.probe_size(task.method, version),
                backend=self.network.name,
                sees=tuple(sorted(self.network.sees(task.method, version))),
                stop=stop,
                probes=tracing.probes,
                error=error,
            )
        )

    # -- the loop ---------------------------------------------------------------------------

    async def rest(self, since: float) -> None:
        """Sleep until a packet is due, a probe is to be given up, or something was heard.

        While fast, at least for a tick `since` the last look: answers wait in the socket, stamped
        by the kernel.
        """
        if self.choose() is None:
            wake = self.next_deadline()
        elif self.tick:
            wake = -math.inf
        else:
            wake = min(self.next_deadline(), self.due)
        if self.active and wake > since + self.tick:
            with trio.move_on_at(wake):
                await self.network.wait()
        if self.tick:
            await trio.sleep_until(since + self.tick)

    async def run(self) -> None:
        try:
            while self.tasks is not None or self.active:
                now = trio.current_time()
                self.expire(now)
                self.transmit(now)
                await self.rest(now)
                self.collect()
        finally:
            for token in self.probes:
                self.network.forget(token)


@trio.lowlevel.enable_ki_protection
async def measure(
    network: Network,
    tasks: Iterable[Task],
    settings: Settings,
    *,
    finished: Callable[[Trace], None],
    known: Callable[[Task, Hop], None] | None = None,
    wall_clock: Callable[[], float] = time.time,
) -> None:
    """Trace to every task's target; IPv4 and IPv6 may be mixed.

    `tasks` is read as they are begun, so it may be long or made on the fly. `finished` is called
    with each trace as it ends: no vantage, hops without attribution, `rtt` in milliseconds. A
    target without a route ends at once with stop ``error`` and a sentence; the others go on. A
    full send buffer is waited out.

    `known` is called with each hop of a path in their order, as soon as it is sure, by answers
    from farther on, that the hop belongs to the path and nothing more will be asked of it. Only
    the finished trace has what comes late, and the silent hops at the end of a path.

    Raises what `finished`, `known` or ``network.send`` raise, `NoRoute` excepted, just as it was
    raised. However it ends, also by cancellation or Ctrl-C, no callback is cut in half, finished
    traces have been handed over, those in flight have not, and the network, which stays open,
    has forgotten all probes.
    """
    await _Session(
        network, iter(tasks), settings, finished=finished, known=known, wall_clock=wall_clock
    ).run()
