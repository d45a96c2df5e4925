"""What measures many targets at once: pace, send, drain, match, give up.

Everything that costs time stands here and nowhere else: one heap of deadlines, plain
dictionaries; nothing is spawned, timed or awaited per probe. It asks a `Work` per target what to
do and a `Network` to do it, and hands over each trace as it ends. It is told of time and does not
wait. It knows no address table, no redaction and no disk: what `finished` gets is unattributed and
unredacted and has not left the memory of this process.
"""

from __future__ import annotations

import functools
import heapq
import itertools
import math
import os
import time
from array import array
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from probe.economical import Economical
from probe.exploring import Exploring
from probe.network import NoRoute, Probe
from probe.strategy import APART, MOST_APART, RATE_CAP, EveryHop, Horizon, Limits
from probe.tracing import Seen, Sent, Task, Tracing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from probe.economical import Routes
    from probe.multipath import Enumeration
    from probe.network import Method, Network
    from probe.record import Hop, Trace
    from probe.tracing import Wanted, Work

TOKENS = 1 << 16

# How many tokens may be taken at most: with more it would take long to draw a free one.
CROWDED = TOKENS * 3 // 4

# Seconds by which sending may lag and still catch up. A longer pause is never made good by a burst.
SLACK = 0.010

# Of how many traces it is asked in one turn whether the router they want was left alone for long.
LOOKS = 16

# Up to how many awaited answers are looked at as they come, also where answers are gathered.
FEW = 16

# Seconds until a full send buffer is tried again.
BACKOFF = 0.010


class SessionSettings(NamedTuple):
    """How to measure: how all traces are paced, and the limits of each.

    `rate` is packets per second over all traces. Where they follow each other faster than one in
    `tick` seconds, a tick's worth goes at once and answers are looked at once a tick, which costs
    a 10,000/s run a tenth of a core where a sleep per packet takes half of one. Only where nothing
    can be sent before an answer comes, and few are awaited, is each looked at as it comes.
    """

    rate: float = 20.0
    tick: float = 0.005
    limits: Limits = Limits()


def tokens() -> Iterator[int]:
    """Numbers from 1 to 65535 in an order that nobody can foresee, without end."""
    while True:
        for token in array("H", os.urandom(2048)):
            if token:
                yield token


class Session:
    """Traces to every task's target, in the making; IPv4 and IPv6 may be mixed.

    `tasks` is read as they are begun, so it may be long or made on the fly. `finished` is called
    with each trace as it ends: no vantage, hops without attribution, `rtt` in milliseconds. A
    target without a route ends at once with stop ``error`` and a sentence; the others go on. A
    full send buffer is waited out.

    With `routes` the traces take over from each other what they share; without, each measures
    every hop. `explore` may give for a trace that has ended the enumeration of its parallel
    paths, which is made before the trace is handed over.

    `known` is called with each hop of a path in their order, as soon as it is sure, by answers
    from farther on, that the hop belongs to the path and nothing more will be asked of it. Only
    the finished trace has what comes late, and the silent hops at the end of a path.

    `probe.measuring` and `probe.blocking` run it: as long as it is not `over`, `advance`, wait as
    that says, `collect`; in the end `leave`. Times are in seconds by a clock that never goes back.
    """

    def __init__(
        self,
        network: Network,
        tasks: Iterable[Task],
        settings: SessionSettings,
        *,
        finished: Callable[[Trace], None],
        known: Callable[[Task, Hop], None] | None = None,
        routes: Routes | None = None,
        explore: Callable[[Trace], Enumeration | None] | None = None,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self.network = network
        self.tasks: Iterator[Task] | None = iter(tasks)
        self.limits = settings.limits
        self.routes = routes
        self.explore = explore
        self.finished = finished
        self.known = known
        self.wall_clock = wall_clock
        self.interval = 1.0 / settings.rate
        # Seconds between two looks at the network; 0 where packets are rarer than ticks anyway.
        self.tick = settings.tick if self.interval < settings.tick else 0.0
        self.now = -math.inf
        self.due = -math.inf
        self.idle = True
        self.active = 0
        # Every token a trace may ever need fits, so that none is taken twice: all attempts, one
        # more where repeating helps, and the probes that learn the distance. Silence holds traces
        # for a second; with fewer under way a fast run would wait for it instead of sending.
        self.most_active = max(1, CROWDED // (self.limits.max_ttl * (self.limits.attempts + 1) + 2))
        self.horizon = Horizon(self.limits)
        # Whether there is still something to learn from a first trace, and which that is.
        self.learning = True
        self.teacher: Tracing | None = None
        # Traces that are made from their ends all begin with the same last routers, and parallel
        # paths are looked for at the same ones near the border. In networks of others a hop is left
        # alone for so many turns: some work could send then, and is held.
        spares = settings.rate <= RATE_CAP
        self.apart = min(MOST_APART, math.ceil(APART * settings.rate)) if spares else 0
        self.holding = False
        self.ready: deque[Work] = deque()
        self.probes: dict[int, Sent] = {}
        self.deadlines: list[tuple[float, int, Work]] = []
        self.order = itertools.count()
        self.tokens = tokens()
        self.seen = functools.cache(self.see)

    # -- what the loop calls ----------------------------------------------------------------

    @property
    def over(self) -> bool:
        """Whether nothing is left to do."""
        return self.tasks is None and not self.active

    @property
    def awaits_few(self) -> bool:
        """Whether so few answers are awaited that none needs to wait a tick for the others."""
        return len(self.probes) <= FEW

    def advance(self, now: float) -> float:
        """Give up and send all that is due by now; returns until when to wait for answers.

        While fast, that is never beyond the `tick` that goes by between two looks in any case:
        answers wait in the socket, stamped by the kernel.

        Raises what `finished`, `known` or ``network.send`` raise, `NoRoute` excepted.
        """
        self.now = now
        self.expire(now)
        self.transmit(now)
        if self.choose() is None and not self.holding:
            return self.next_deadline() if self.active else -math.inf
        return -math.inf if self.tick else min(self.next_deadline(), self.due)

    def leave(self) -> None:
        """Have the network forget all probes under way."""
        for token in self.probes:
            self.network.forget(token)

    # -- choosing ---------------------------------------------------------------------------

    def choose(self) -> tuple[Work, Wanted] | None:
        """The work whose turn it is and the probe it wants to be sent.

        Traces under way come before new ones, and take turns. So near routers, which all paths
        share, are asked once per trace begun, never by all traces at the same time. What a first
        trace learns spares each of the others probes: they begin once it knows how far targets
        are, and none goes on, or begins where one waits to, before it has nothing to teach.
        """
        ready = self.ready
        teacher = self.teacher
        held = 0
        while held < min(len(ready), LOOKS):
            work = ready[0]
            wanted = work.next()
            if wanted is None:
                work.queued = False
                ready.popleft()
            elif not work.probes or (
                (teacher is None or work is teacher)
                and (not self.apart or self.horizon.rested(work.asked_at(wanted[0]), self.apart))
            ):
                return work, wanted
            else:
                held += 1
                ready.rotate(-1)
        self.holding = held > 0
        if held > self.apart and self.routes is None:
            # Most would only wait as well, and more would be under way when the run is stopped.
            return None
        if self.tasks is None or self.active >= self.most_active or self.crowded:
            return None
        if teacher is not None and (held or teacher.course.aiming):
            return None
        task = next(self.tasks, None)
        if task is None:
            self.tasks = None
            return None
        begun = self.begin(task)
        if self.learning and teacher is None:
            self.teacher = begun
        self.queue(begun)
        ready.rotate(1)
        return self.choose()

    @property
    def crowded(self) -> bool:
        """Whether so many tokens are taken that no other trace should begin."""
        return len(self.probes) > TOKENS // 2

    def begin(self, task: Task) -> Tracing:
        """The trace of a task, which is under way from now on."""
        course = (
            EveryHop(self.limits, self.horizon)
            if self.routes is None
            else Economical(self.limits, self.horizon, self.routes)
        )
        self.active += 1
        return Tracing(task, course, tuple(self.network.methods(task.version)))

    def queue(self, work: Work) -> None:
        """Have work take its turn, if it does not wait for one already."""
        if not work.queued:
            work.queued = True
            self.ready.append(work)

    # -- sending ----------------------------------------------------------------------------

    def transmit(self, now: float) -> None:
        """Send all that is due by now."""
        if self.idle or self.due < now - self.tick - SLACK:
            self.due = max(self.due, now - self.tick)
        self.idle = False
        while self.due <= now:
            turn = self.choose()
            if turn is None:
                if not self.holding:
                    self.idle = True
                    return
                self.horizon.turns += 1
                self.due += self.interval
                continue
            try:
                self.send(*turn, now)
            except BlockingIOError:
                self.due = now + BACKOFF

    def send(self, work: Work, wanted: Wanted, now: float) -> None:
        """Send the probe that work wants, or end the work where there is no route.

        Raises BlockingIOError where the send buffer is full or too many tokens are taken, and what
        else ``network.send`` raises.
        """
        ttl, flow, method = wanted
        probes = self.probes
        if len(probes) > CROWDED:
            if self.next_deadline() == math.inf:
                self.end_an_enumeration()
                return
            raise BlockingIOError
        token = next(self.tokens)
        while token in probes:
            token = next(self.tokens)
        try:
            self.network.send(Probe(work.task.target, ttl, flow, method, token))
        except NoRoute as problem:
            self.ready.popleft()
            self.finish(work, str(problem))
            return
        self.due += self.interval
        probes[token] = sent = Sent(work, wanted, token, now)
        work.sent(sent)
        if work.due is None:
            self.look_again(work, now + self.limits.timeout_floor)
        self.ready.rotate(-1)

    def end_an_enumeration(self) -> None:
        """Give tokens back where all wait for some: traces leave room for each other."""
        work = next(work for work in self.ready if isinstance(work, Exploring))
        self.ready.remove(work)
        self.finish(work, "more probes were out than can be told apart")

    # -- hearing ----------------------------------------------------------------------------

    def collect(self, now: float) -> None:
        """Take in all answers that are there. Raises what `finished` or `known` raise."""
        self.now = now
        probes = self.probes
        telling = self.known is not None
        soon = now + self.limits.timeout_floor
        changed: dict[Work, None] = {}
        for answer in self.network.drain():
            sent = probes.get(answer[0])
            if sent is None:
                continue
            work = sent.work
            if work.answered(sent, answer) or telling:
                changed[work] = None
            if work.due is not None and work.due > soon:
                # What was heard may shorten the wait for the hops before.
                self.look_again(work, now)
        for work in changed:
            self.after(work)

    # -- giving up --------------------------------------------------------------------------

    def look_again(self, work: Work, at: float) -> None:
        """Look at this time whether probes of this work are to be given up."""
        work.due = at
        heapq.heappush(self.deadlines, (at, next(self.order), work))

    def next_deadline(self) -> float:
        """When some work is to be looked at; drops entries that no longer hold."""
        while self.deadlines:
            due, _, work = self.deadlines[0]
            if due == work.due:
                return due
            heapq.heappop(self.deadlines)
        return math.inf

    def expire(self, now: float) -> None:
        """Give up all probes whose time is over.

        A work is looked at when its oldest open probe may be given up at the earliest, and how
        long each is waited for is asked only then: most have been answered by that time.
        """
        while self.next_deadline() <= now:
            _, _, work = heapq.heappop(self.deadlines)
            work.due = None
            left = []
            for sent in self.waiting(work):
                until = sent.at + work.patience(sent)
                if until > now:
                    left.append(until)
                    continue
                work.lost(sent)
                self.after(work)
                if work.over:
                    break
            if left and not work.over:
                self.look_again(work, max(min(left), math.nextafter(now, math.inf)))

    def waiting(self, work: Work) -> list[Sent]:
        """The probes of a work whose fate is open, in order of sending."""
        return [sent for sent in work.probes if sent.reply is None]

    # -- ending -----------------------------------------------------------------------------

    def after(self, work: Work) -> None:
        """Something has become known."""
        if isinstance(work, Tracing):
            if work is self.teacher and not work.course.learning:
                self.learning = False
                self.teacher = None
            if self.known is not None:
                for hop in work.news():
                    self.known(work.task, hop)
        if work.over:
            self.finish(work, None)
        else:
            self.queue(work)

    def finish(self, work: Work, error: str | None) -> None:
        """End work: forget its probes, and hand its trace over or have parallel paths looked for.

        ``error`` is why it was broken off, None where it was not.
        """
        self.active -= 1
        if work is self.teacher:
            self.teacher = None
        forget = self.network.forget
        for sent in work.probes:
            del self.probes[sent.token]
            forget(sent.token)
        work.due = None
        seen = self.seen(work.task.method, work.task.version)
        # Of the wall clock only the last word counts: it may have been set in between.
        ended = self.wall_clock()
        took = self.now - work.probes[0].at if work.probes else 0.0
        trace = work.trace(seen, began=ended - took, ended=ended, error=error)
        # Each of them knows its work: what knows itself waits for the garbage collector.
        work.probes.clear()
        if self.explore is not None and error is None and isinstance(work, Tracing):
            enumeration = self.explore(trace)
            if enumeration is not None and not enumeration.done:
                self.active += 1
                self.queue(Exploring(work.task, trace, enumeration, self.horizon))
                return
        self.finished(trace)

    def see(self, method: Method, version: int) -> Seen:
        """What records say of the network layer, for probes of a method and an IP version."""
        network = self.network
        sees = tuple(sorted(network.sees(method, version)))
        return Seen(network.name, network.probe_size(method, version), sees)
