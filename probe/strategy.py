"""Which TTL to probe next, how long to wait for its answer, and when a trace is over.

One object per target, told what was sent, heard and given up, and asked what to do. It knows no
clock, no socket, no token and no other target, so every rule here can be tried by hand. The
session owns time and packets; a strategy that learns the distance first, or one that shares a
stop set, takes the place of `EveryHop` by answering the same questions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from probe.network import Kind

Stop = Literal["destination", "unreachable", "loop", "gap", "max_ttl"]


@dataclass(frozen=True)
class Limits:
    """The numbers a trace keeps to; times are in seconds.

    `gap_limit` is both how many silent hops in a row end a trace and how far ahead of the
    farthest answer it probes, so it is the number of TTLs in flight as well. `attempts` is how
    often a hop is asked before it counts as silent. A probe is given up after
    `later_hop_factor` times the RTT of the nearest later hop that answered (the rule of Linux
    traceroute), kept between `timeout_floor`, which leaves a busy router time to write its ICMP
    message, and `timeout_ceiling`, which also holds where nothing farther was heard.
    `loop_visits` is how often a path must come back to one router to be a loop.
    """

    max_ttl: int = 32
    gap_limit: int = 5
    attempts: int = 2
    loop_visits: int = 3
    timeout_floor: float = 0.4
    timeout_ceiling: float = 2.0
    later_hop_factor: float = 10.0


def visits(ttls: list[int]) -> int:
    """How often a path came to a router that answered at these ascending TTLs.

    Neighbouring TTLs are one visit: a router that forwards without counting down, or a NAT that
    answers for what is behind it, repeats itself without there being a loop.

    >>> visits([4, 5])
    1
    >>> visits([4, 6, 8])
    3
    """
    return sum(1 for before, ttl in zip([-1, *ttls], ttls, strict=False) if ttl != before + 1)


class EveryHop:
    """Measure every hop of one path, several TTLs in flight, none asked twice without need.

    The caller sends what `next_ttl` names and says so with `sent`; every probe sent is later
    either `answered` or `lost`, or first lost and then answered late. As long as `stop` is None,
    there is either a next TTL or a probe whose fate is open.

    >>> path = EveryHop(Limits(gap_limit=2))
    >>> path.next_ttl()
    1
    >>> path.sent(1); path.sent(2); path.next_ttl() is None
    True
    >>> path.answered(1, "192.0.2.1", Kind.TIME_EXCEEDED, 0.001); path.next_ttl()
    3
    >>> path.answered(2, "192.0.2.9", Kind.DESTINATION, 0.002); path.stop
    'destination'
    """

    def __init__(self, limits: Limits) -> None:
        self.stop: Stop | None = None
        """Why the trace is over; None while it is not."""
        self._limits = limits
        self._frontier = 0
        self._farthest = 0
        self._settled = 0
        self._tries: dict[int, int] = {}
        self._lost: dict[int, int] = {}
        self._rtt: dict[int, float] = {}
        self._again: set[int] = set()
        self._seen_at: dict[str, list[int]] = {}
        self._destination: int | None = None
        self._unreachable: int | None = None
        self._loop: int | None = None

    @property
    def last(self) -> int:
        """The last TTL that belongs to the path, as far as is known now."""
        end = self._end()
        return self._frontier if end is None else end

    def next_ttl(self) -> int | None:
        """The TTL to probe now; None when there is nothing to do but wait, or nothing at all."""
        if self.stop is not None:
            return None
        if self._again:
            wanted = [ttl for ttl in self._again if ttl <= self.last]
            if wanted:
                return min(wanted)
        return self._frontier + 1 if self._frontier < self._bound() else None

    def sent(self, ttl: int) -> None:
        """A probe with this TTL left."""
        self._tries[ttl] = self._tries.get(ttl, 0) + 1
        self._frontier = max(self._frontier, ttl)
        self._again.discard(ttl)

    def answered(self, ttl: int, address: str, kind: Kind, rtt: float) -> None:
        """A probe was answered, in time or late; `rtt` in seconds. Not to be told of duplicates."""
        first = ttl not in self._rtt
        self._again.discard(ttl)
        if first:
            self._rtt[ttl] = rtt
        if kind is Kind.DESTINATION:
            self._destination = min(ttl, self._destination or ttl)
        elif kind is Kind.UNREACHABLE:
            self._unreachable = min(ttl, self._unreachable or ttl)
        else:
            self._farthest = max(self._farthest, ttl)
            if first:
                self._look_for_loop(ttl, address)
        self._settle()

    def lost(self, ttl: int) -> None:
        """A probe was given up."""
        self._lost[ttl] = self._lost.get(ttl, 0) + 1
        if ttl not in self._rtt and self._tries[ttl] < self._limits.attempts:
            self._again.add(ttl)
        self._settle()

    def patience(self, ttl: int) -> float:
        """Seconds to wait for the answer to a probe with this TTL, by what was heard so far.

        >>> path = EveryHop(Limits())
        >>> path.patience(3)
        2.0
        >>> path.sent(4); path.answered(4, "192.0.2.1", Kind.TIME_EXCEEDED, 0.070)
        >>> round(path.patience(3), 3), path.patience(5)
        (0.7, 2.0)
        """
        later = min((heard for heard in self._rtt if heard > ttl), default=None)
        if later is None:
            return self._limits.timeout_ceiling
        wanted = self._limits.later_hop_factor * self._rtt[later]
        return max(self._limits.timeout_floor, min(wanted, self._limits.timeout_ceiling))

    def _end(self) -> int | None:
        """Where the path is known to end; the target's own answer outweighs a router's refusal."""
        if self._destination is not None:
            return self._destination
        if self._unreachable is None or self._loop is None:
            return self._unreachable or self._loop
        return min(self._unreachable, self._loop)

    def _bound(self) -> int:
        """The highest TTL that is still worth a probe."""
        end = self._end()
        if end is not None:
            return end
        return min(self._limits.max_ttl, self._farthest + self._limits.gap_limit)

    def _look_for_loop(self, ttl: int, address: str) -> None:
        seen = self._seen_at.setdefault(address, [])
        seen.append(ttl)
        if len(seen) < self._limits.loop_visits:
            return
        seen.sort()
        stuck = len(seen) > self._limits.gap_limit and visits(seen) == 1
        if stuck or visits(seen) >= self._limits.loop_visits:
            self._loop = min(seen[-1], self._loop or seen[-1])

    def _settle(self) -> None:
        """Step over the hops that are answered or silent for good, and see whether it is over."""
        while self._settled < self._frontier and (
            self._settled + 1 in self._rtt
            or self._lost.get(self._settled + 1, 0) >= self._limits.attempts
        ):
            self._settled += 1
        if self._settled < self._bound():
            return
        if self._destination is not None:
            self.stop = "destination"
        elif (end := self._end()) is not None:
            self.stop = "unreachable" if end == self._unreachable else "loop"
        elif self._farthest + self._limits.gap_limit <= self._limits.max_ttl:
            self.stop = "gap"
        else:
            self.stop = "max_ttl"
