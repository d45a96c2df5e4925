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

from probe.network import NoRoute, Probe
from probe.record import Hop, Reply, Trace
from probe.strategy import EveryHop, Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from probe.network import Answer, Method, Network

TOKENS = 1 << 16

# Seconds by which sending may lag and still catch up. A longer pause is never made good by a burst.
SLACK = 0.010

# Seconds until a full send buffer is tried again.
BACKOFF = 0.010


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

    __slots__ = ("at", "deadline", "heard", "index", "nth", "tracing", "ttl")

    def __init__(self, tracing: _Tracing, ttl: int, at: float, deadline: float) -> None:
        replies = tracing.replies.setdefault(ttl, [])
        self.tracing = tracing
        self.ttl = ttl
        self.at = at
        self.deadline = deadline
        self.heard = False
        self.nth = tracing.probes
        self.index = len(replies)
        replies.append(None)


class _Tracing:
    """A trace in the making."""

    __slots__ = ("began", "course", "probes", "queued", "replies", "task", "tokens", "waiting")

    def __init__(self, task: Task, course: EveryHop) -> None:
        self.task = task
        self.course = course
        self.began: float | None = None
        self.probes = 0
        self.queued = False
        # By TTL, one entry a probe in order of sending, then duplicates; None: its fate is open.
        self.replies: dict[int, list[Reply | None]] = {}
        self.tokens: list[int] = []
        self.waiting: dict[_Sent, None] = {}

    def hops(self) -> tuple[Hop, ...]:
        last = self.course.last
        known = (
            (ttl, tuple(reply for reply in replies if reply is not None))
            for ttl, replies in sorted(self.replies.items())
            if ttl <= last
        )
        return tuple(Hop(number=ttl, replies=replies) for ttl, replies in known if replies)


class _Session:
    def __init__(
        self,
        network: Network,
        tasks: Iterator[Task],
        settings: Settings,
        *,
        finished: Callable[[Trace], None],
        heard: Callable[[Task, int, Reply], None] | None,
        wall_clock: Callable[[], float],
    ) -> None:
        self.network = network
        self.tasks: Iterator[Task] | None = tasks
        self.settings = settings
        self.finished = finished
        self.heard = heard
        self.wall_clock = wall_clock
        self.interval = 1.0 / settings.rate
        # Seconds between two looks at the network; 0 where packets are rarer than ticks anyway.
        self.tick = settings.tick if self.interval < settings.tick else 0.0
        self.due = -math.inf
        self.idle = True
        self.active = 0
        # Every token a trace may ever need fits, so that none is taken twice.
        self.most_active = max(1, TOKENS // (settings.max_ttl * settings.attempts))
        self.ready: deque[_Tracing] = deque()
        self.probes: dict[int, _Sent] = {}
        self.deadlines: list[tuple[float, int, _Sent]] = []
        self.order = itertools.count()
        self.token = -1

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
        task = next(self.tasks, None)
        if task is None:
            self.tasks = None
            return None
        self.active += 1
        self.queue(_Tracing(task, EveryHop(self.settings)))
        return self.choose()

    def queue(self, tracing: _Tracing) -> None:
        if not tracing.queued:
            tracing.queued = True
            self.ready.append(tracing)

    def next_token(self) -> int:
        token = (self.token + 1) % TOKENS
        while token in self.probes:
            token = (token + 1) % TOKENS
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
        if tracing.began is None:
            tracing.began = self.wall_clock()
        token = self.next_token()
        try:
            self.network.send(Probe(task.target, ttl, task.flow, task.method, token))
        except NoRoute as problem:
            self.ready.popleft()
            self.finish(tracing, "error", str(problem))
            return
        self.due += self.interval
        tracing.probes += 1
        tracing.course.sent(ttl)
        tracing.tokens.append(token)
        sent = _Sent(tracing, ttl, now, now + tracing.course.patience(ttl))
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
        )
        replies = tracing.replies[sent.ttl]
        if duplicate:
            replies.append(reply)
        else:
            replies[sent.index] = reply
            sent.heard = True
            tracing.waiting.pop(sent, None)
            tracing.course.answered(sent.ttl, answer.address, answer.kind, answer.rtt)
            self.hurry(tracing, sent.ttl)
        self.tell(tracing, sent.ttl, reply)
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
            tracing.replies[sent.ttl][sent.index] = Reply()
            tracing.course.lost(sent.ttl)
            self.tell(tracing, sent.ttl, Reply())
            self.after(tracing)

    # -- ending -----------------------------------------------------------------------------

    def tell(self, tracing: _Tracing, ttl: int, reply: Reply) -> None:
        if self.heard is not None and ttl <= tracing.course.last:
            self.heard(tracing.task, ttl, reply)

    def after(self, tracing: _Tracing) -> None:
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
    heard: Callable[[Task, int, Reply], None] | None = None,
    wall_clock: Callable[[], float] = time.time,
) -> None:
    """Trace to every task's target; IPv4 and IPv6 may be mixed.

    `tasks` is read as they are begun, so it may be long or made on the fly. `finished` is called
    with each trace as it ends: no vantage, hops without attribution, `rtt` in milliseconds. A
    target without a route ends at once with stop ``error`` and a sentence; the others go on. A
    full send buffer is waited out.

    `heard` is called with the hop's number for every answer, late and duplicate ones too, and
    with a star for every probe given up. Hops may be heard out of order, and before the
    destination is known also some beyond it, which the finished trace leaves out.

    Raises what `finished`, `heard` or ``network.send`` raise, `NoRoute` excepted, just as it was
    raised. However it ends, also by cancellation or Ctrl-C, no callback is cut in half, finished
    traces have been handed over, those in flight have not, and the network, which stays open,
    has forgotten all probes.
    """
    await _Session(
        network, iter(tasks), settings, finished=finished, heard=heard, wall_clock=wall_clock
    ).run()
