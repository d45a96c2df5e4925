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

from probe.engine.economical import Economical
from probe.engine.exploring import Exploring
from probe.engine.horizon import APART, CALMER, MOST_APART, RATE_CAP, Horizon, Limits
from probe.engine.strategy import EveryHop
from probe.engine.tracing import Seen, Sent, Task, Tracing
from probe.network import NoRoute, Probe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from probe.engine.economical import Routes
    from probe.engine.multipath import Enumeration
    from probe.engine.tracing import Wanted, Work
    from probe.network import Method, Network
    from probe.record import Hop, Trace

TOKENS = 1 << 16

# How many tokens may be taken at most: with more it would take long to draw a free one.
CROWDED = TOKENS * 3 // 4

# Seconds by which sending may lag and still catch up. A longer pause is never made good by a burst.
SLACK = 0.010

# Of how many traces it is asked in one turn whether the router they want was left alone for long.
LOOKS = 16

# Up to how many awaited answers are looked at as they come, also where answers are gathered.
FEW = 16

# Of how many probes of traces that are over an answer is still listened for: they tell how late
# answers come.
OVERDUE = 256

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

    `probe.engine.measuring` and `probe.engine.blocking` run it: as long as it is not `over`,
    `advance`, wait as that says, `collect`; in the end `leave`. Times are in seconds by a clock
    that never goes back.
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
        self._tasks: Iterator[Task] | None = iter(tasks)
        self._limits = settings.limits
        self._routes = routes
        self._explore = explore
        self._finished = finished
        self._known = known
        self._wall_clock = wall_clock
        self._interval = 1.0 / settings.rate
        # Seconds between two looks at the network; 0 where packets are rarer than ticks anyway.
        self.tick = settings.tick if self._interval < settings.tick else 0.0
        self._now = -math.inf
        self._due = -math.inf
        self._idle = True
        self._active = 0
        # Every token a trace may ever need fits, so that none is taken twice: all attempts, one
        # more where repeating helps, and the probes that learn the distance. Silence holds traces
        # for a second; with fewer under way a fast run would wait for it instead of sending.
        self._most_active = max(
            1, CROWDED // (self._limits.max_ttl * (self._limits.attempts + 1) + 2)
        )
        self._horizon = Horizon(self._limits)
        # Whether there is still something to learn from a first trace, and which that is.
        self._learning = True
        self._teacher: Tracing | None = None
        # Traces that are made from their ends all begin with the same last routers, and parallel
        # paths are looked for at the same ones near the border. In networks of others a hop is left
        # alone for so many turns: some work could send then, and is held.
        spares = settings.rate <= RATE_CAP
        self._apart = min(MOST_APART, math.ceil(APART * settings.rate)) if spares else 0
        self._holding = False
        self._ready: deque[Work] = deque()
        self._probes: dict[int, Sent] = {}
        # Tokens of the last probes that were given up, of traces that are over.
        self._overdue: dict[int, None] = {}
        self._deadlines: list[tuple[float, int, Work]] = []
        self._order = itertools.count()
        self._tokens = tokens()
        self._seen = functools.cache(self._see)

    # -- what the loop calls ----------------------------------------------------------------

    @property
    def over(self) -> bool:
        """Whether nothing is left to do."""
        return self._tasks is None and not self._active

    @property
    def awaits_few(self) -> bool:
        """Whether so few answers are awaited that none needs to wait a tick for the others."""
        return len(self._probes) <= FEW

    def advance(self, now: float) -> float:
        """Send all that is due by now; returns until when to wait for answers.

        While fast, that is never beyond the `tick` that goes by between two looks in any case:
        answers wait in the socket, stamped by the kernel.

        Raises what `finished`, `known` or ``network.send`` raise, `NoRoute` excepted.
        """
        self._now = now
        self._transmit(now)
        if self._choose() is None and not self._holding:
            return self._next_deadline() if self._active else -math.inf
        return -math.inf if self.tick else min(self._next_deadline(), self._due)

    def leave(self) -> None:
        """Have the network forget all probes under way."""
        for token in (*self._probes, *self._overdue):
            self.network.forget(token)

    # -- choosing ---------------------------------------------------------------------------

    def _choose(self) -> tuple[Work, Wanted] | None:
        """The work whose turn it is and the probe it wants to be sent.

        Traces under way come before new ones, and take turns. So near routers, which all paths
        share, are asked once per trace begun, never by all traces at the same time. What a first
        trace learns spares each of the others probes: they begin once it knows how far targets
        are, and none goes on, or begins where one waits to, before it has nothing to teach.
        """
        ready = self._ready
        teacher = self._teacher
        held = 0
        while held < LOOKS and held < len(ready):
            work = ready[0]
            wanted = work.next()
            if wanted is None:
                work.queued = False
                ready.popleft()
            elif not work.probes or (
                (teacher is None or work is teacher)
                and (not self._apart or self._horizon.rested(work.asked_at(wanted[0]), self._apart))
            ):
                return work, wanted
            else:
                held += 1
                ready.rotate(-1)
        self._holding = held > 0
        if held > self._apart and self._routes is None:
            # Most would only wait as well, and more would be under way when the run is stopped.
            return None
        if self._tasks is None or self._active >= self._most_active or self._crowded:
            return None
        if teacher is not None and (held or teacher.course.aiming):
            return None
        task = next(self._tasks, None)
        if task is None:
            self._tasks = None
            return None
        begun = self._begin(task)
        if self._learning and teacher is None:
            self._teacher = begun
        self._queue(begun)
        ready.rotate(1)
        return self._choose()

    @property
    def _crowded(self) -> bool:
        """Whether so many tokens are taken that no other trace should begin."""
        return len(self._probes) > TOKENS // 2

    def _begin(self, task: Task) -> Tracing:
        """The trace of a task, which is under way from now on."""
        course = (
            EveryHop(self._limits, self._horizon)
            if self._routes is None
            else Economical(self._limits, self._horizon, self._routes)
        )
        self._active += 1
        return Tracing(task, course, tuple(self.network.methods(task.version)))

    def _queue(self, work: Work) -> None:
        """Have work take its turn, if it does not wait for one already."""
        if not work.queued:
            work.queued = True
            self._ready.append(work)

    # -- sending ----------------------------------------------------------------------------

    def _transmit(self, now: float) -> None:
        """Send all that is due by now."""
        if self._idle or self._due < now - self.tick - SLACK:
            self._due = max(self._due, now - self.tick)
        self._idle = False
        while self._due <= now:
            turn = self._choose()
            if turn is None:
                if not self._holding:
                    self._idle = True
                    return
                self._horizon.turns += 1
                self._due += self._pause()
                continue
            work, wanted = turn
            try:
                self._send(work, wanted, now)
            except BlockingIOError:
                self._due = now + BACKOFF

    def _send(self, work: Work, wanted: Wanted, now: float) -> None:
        """Send the probe that work wants, or end the work where there is no route.

        Raises BlockingIOError where the send buffer is full or too many tokens are taken, and what
        else ``network.send`` raises.
        """
        ttl, flow, method = wanted
        probes = self._probes
        if len(probes) > CROWDED:
            if self._next_deadline() == math.inf:
                self._end_an_enumeration()
                return
            raise BlockingIOError
        token = next(self._tokens)
        while token in probes or token in self._overdue:
            token = next(self._tokens)
        try:
            self.network.send(Probe(work.task.target, ttl, flow, method, token))
        except NoRoute as problem:
            self._ready.popleft()
            self._finish(work, str(problem))
            return
        self._due += self._pause()
        probes[token] = sent = Sent(work, wanted, token, now)
        work.sent(sent)
        work.open.append(sent)
        if work.due is None:
            self._look_again(work, now + self._limits.timeout_floor)
        self._ready.rotate(-1)

    def _pause(self) -> float:
        """Seconds from one probe to the next: more where the line may be full of them."""
        is_calm = self._horizon.turns < self._horizon.calm_until
        return self._interval * CALMER if is_calm else self._interval

    def _end_an_enumeration(self) -> None:
        """Give tokens back where all wait for some: traces leave room for each other."""
        work = next(work for work in self._ready if isinstance(work, Exploring))
        self._ready.remove(work)
        self._finish(work, "more probes were out than can be told apart")

    # -- hearing ----------------------------------------------------------------------------

    def collect(self, now: float) -> None:
        """Take in all answers that are there now, and give up the probes whose time is over.

        Not those whose time passes meanwhile: keeping a trace may take a disk seconds, and what
        is answered then waits in the socket. So the loop reads the clock afterwards.

        Raises what `finished` or `known` raise.
        """
        self._now = now
        probes = self._probes
        telling = self._known is not None
        soon = now + self._limits.timeout_floor
        changed: dict[Work, None] = {}
        for answer in self.network.drain():
            sent = probes.get(answer[0])
            if sent is None:
                if self._overdue.pop(answer[0], self) is None:
                    self.network.forget(answer[0])
                    self._horizon.came_late(answer.rtt)
                continue
            work = sent.work
            if work.answered(sent, answer) or telling:
                changed[work] = None
            if work.due is not None and work.due > soon:
                # What was heard may shorten the wait for the hops before.
                self._look_again(work, now)
        for work in changed:
            self._after(work)
        self._expire(now)

    # -- giving up --------------------------------------------------------------------------

    def _look_again(self, work: Work, at: float) -> None:
        """Look at this time whether probes of this work are to be given up."""
        work.due = at
        heapq.heappush(self._deadlines, (at, next(self._order), work))

    def _next_deadline(self) -> float:
        """When some work is to be looked at; drops entries that no longer hold."""
        while self._deadlines:
            due, _, work = self._deadlines[0]
            if due == work.due:
                return due
            heapq.heappop(self._deadlines)
        return math.inf

    def _expire(self, now: float) -> None:
        """Give up all probes whose time is over.

        A work is looked at when its oldest open probe may be given up at the earliest, and how
        long each is waited for is asked only then: most have been answered by that time.
        """
        while self._next_deadline() <= now:
            _, _, work = heapq.heappop(self._deadlines)
            work.due = None
            left = []
            work.open = [sent for sent in work.open if sent.reply is None]
            for sent in work.open:
                until = sent.at + work.patience(sent.ttl)
                if until > now:
                    left.append(until)
                    continue
                work.lost(sent)
                self._after(work)
                if work.over:
                    break
            else:
                if left:
                    self._look_again(work, min(left))

    # -- ending -----------------------------------------------------------------------------

    def _after(self, work: Work) -> None:
        """Something has become known."""
        if isinstance(work, Tracing):
            if work is self._teacher and not work.course.learning:
                self._learning = False
                self._teacher = None
            if self._known is not None:
                for hop in work.news():
                    self._known(work.task, hop)
        if work.over:
            self._finish(work, None)
        else:
            self._queue(work)

    def _finish(self, work: Work, error: str | None) -> None:
        """End work: forget its probes, and hand its trace over or have parallel paths looked for.

        ``error`` is why it was broken off, None where it was not.
        """
        self._active -= 1
        if work is self._teacher:
            self._teacher = None
        forget = self.network.forget
        for sent in work.probes:
            del self._probes[sent.token]
            if sent.reply is not None and sent.reply.is_star:
                self._overdue[sent.token] = None
            else:
                forget(sent.token)
        while len(self._overdue) > OVERDUE:
            eldest = next(iter(self._overdue))
            del self._overdue[eldest]
            forget(eldest)
        work.due = None
        seen = self._seen(work.task.method, work.task.version)
        # Of the wall clock only the last word counts: it may have been set in between.
        ended = self._wall_clock()
        took = self._now - work.probes[0].at if work.probes else 0.0
        trace = work.trace(seen, began=ended - took, ended=ended, error=error)
        # Each of them knows its work: what knows itself waits for the garbage collector.
        work.probes.clear()
        work.open.clear()
        if self._explore is not None and error is None and isinstance(work, Tracing):
            enumeration = self._explore(trace)
            if enumeration is not None and not enumeration.done:
                self._active += 1
                self._queue(Exploring(work.task, trace, enumeration, self._horizon))
                return
        self._finished(trace)

    def _see(self, method: Method, version: int) -> Seen:
        """What records say of the network layer, for probes of a method and an IP version."""
        network = self.network
        sees = tuple(sorted(network.sees(method, version)))
        return Seen(network.name, network.probe_size(method, version), sees)
