"""What the traces of a run share: the numbers they keep to, and what they teach each other.

How far targets are, how long their answers take and which hop was asked when, one trace learns and
all others use. Like the strategies that use it, this module knows no clock, no socket and no token.
"""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

# Of how many earlier traces the distance is remembered.
REMEMBERED = 64

# How many targets must have answered before their RTTs say how long others may take.
ENOUGH = 8

# Packets a second at most in networks of others.
RATE_CAP = 1000.0

# How long routers are left alone that many traces want to ask at once: so many seconds, in which at
# 100 packets/s every fourth probe of a run falls; and so many probes at most, however fast it is.
APART = 0.04
MOST_APART = 4

# What is left of the memory of a long RTT with each target that answers.
FADING = 0.99

# By how much longer than the latest answers others are waited for, where answers come late.
LENIENCE = 1.25

# How many times slower a run sends where answers come so late that its own packets may fill the
# line, and for how many probes after the first: at 20 packets/s a minute, in which a queue of ten
# seconds is empty again. Each time that it comes back it is for twice as many.
CALMER = 4
CALM_FOR = 300


class Limits(NamedTuple):
    """The numbers a trace keeps to; times are in seconds.

    `gap_limit` is how many silent hops in a row end a trace. `attempts` is how often a hop is
    asked before it counts as silent; once more on a path where a repetition has helped. A probe
    is given up after `later_hop_factor` times the RTT of the nearest later hop that answered
    (the rule of Linux traceroute); where nothing farther was heard, after `farther_factor` times
    the longest RTT to one of the last targets. Both are kept between `timeout_floor`, which
    leaves a busy router time to write its ICMP message, and `timeout_ceiling`, which also holds
    until targets enough have answered. The probe that learns the distance has `aim_timeout` at
    most: when it is given up the hops are measured meanwhile, and its answer counts all the same.
    Where answers turn out to take longer than all that, as on a line whose queue is full, others
    are waited for as long as those took, up to `timeout_late`.
    `loop_visits` is how often a path must come back to one router to be a loop.
    """

    max_ttl: int = 32
    gap_limit: int = 5
    attempts: int = 2
    loop_visits: int = 3
    timeout_floor: float = 0.4
    timeout_ceiling: float = 2.0
    timeout_late: float = 15.0
    aim_timeout: float = 1.0
    later_hop_factor: float = 10.0
    farther_factor: float = 4.0


class Horizon:
    """What the traces of a run teach each other: how far targets are, how long answers take.

    >>> horizon = Horizon(Limits())
    >>> for distance in (9, 12, 12, 7): horizon.reached(distance, 0.2)
    >>> horizon.distance, horizon.patience()
    (12, 2.0)
    >>> for distance in (9, 9, 12, 7): horizon.reached(distance, 0.01)
    >>> horizon.distance, round(horizon.patience(), 2)
    (9, 0.77)
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._recent: deque[int] = deque(maxlen=REMEMBERED)
        self._counts: Counter[int] = Counter()
        self._longest = 0.0
        self.lateness = 0.0
        """Seconds to wait for any answer at least, since others came that late; 0 where none."""
        self._calm_for = CALM_FOR
        self.calm_until = 0
        """Until which turn a run should send `CALMER`, since answers came very late."""
        self.turns = 0
        """How many probes the run has sent, or could have sent and did not."""
        self.asked = [-MOST_APART] * 256
        """By TTL, the turn of the last probe that had it …"""
        self.traced = [-MOST_APART] * 256
        """… and of the last that a trace sent."""
        self.asked_of: dict[str, int] = {}
        """By address, the turn of the last probe of parallel paths that may meet it."""
        self.distance: int | None = None
        """The distance in hops that most of the last targets reached had; None before the first."""

    def rested(self, asked: int, turns: int) -> bool:
        """Whether the next turn is so many after the one in which somebody was asked.

        >>> horizon = Horizon(Limits())
        >>> horizon.sent(3)
        >>> horizon.rested(horizon.asked[3], 2), horizon.rested(horizon.asked[4], 2)
        (False, True)
        """
        return self.turns + 1 - asked >= turns

    def sent(self, ttl: int) -> None:
        """A probe of a trace left with this TTL."""
        self.turns += 1
        self.asked[ttl] = self.traced[ttl] = self.turns

    def searched(self, ttl: int, heard: Iterable[str]) -> None:
        """A probe left by which parallel paths are looked for, and may meet who was heard there."""
        self.turns += 1
        self.asked[ttl] = self.turns
        self.asked_of |= dict.fromkeys(heard, self.turns)

    def suppose(self, distance: int) -> None:
        """A target is likely to be this many hops away: better than nothing to go by."""
        if self.distance is None:
            self.distance = distance

    def reached(self, distance: int, rtt: float) -> None:
        """A target turned out to be this many hops away, and answers after so many seconds."""
        if len(self._recent) == REMEMBERED:
            self._counts[self._recent[0]] -= 1
        self._recent.append(distance)
        self._counts[distance] += 1
        self.distance = max(self._counts, key=self._counts.__getitem__)
        self._longest = max(rtt, self._longest * FADING)
        self.lateness *= FADING

    def came_late(self, rtt: float) -> None:
        """A probe was answered after so many seconds, when it had been given up.

        >>> horizon = Horizon(Limits())
        >>> horizon.came_late(4.0)
        >>> horizon.lateness, horizon.patience(), horizon.calm_until
        (5.0, 5.0, 300)
        """
        if rtt >= self._limits.timeout_ceiling:
            if 0 < self.calm_until <= self.turns:
                self._calm_for *= 2
            self.calm_until = self.turns + self._calm_for
        self.lateness = max(self.lateness, min(LENIENCE * rtt, self._limits.timeout_late))

    def patience(self) -> float:
        """Seconds to wait for an answer from farther away than any on the same path."""
        if len(self._recent) < ENOUGH:
            return max(self._limits.timeout_ceiling, self.lateness)
        wanted = min(self._limits.farther_factor * self._longest, self._limits.timeout_ceiling)
        return max(self._limits.timeout_floor, wanted, self.lateness)
