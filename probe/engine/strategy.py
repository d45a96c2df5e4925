"""Which TTL to probe next, how long to wait for its answer, and when a trace is over.

One object per target, told what was sent, heard and given up, and asked what to do. It learns from
the other traces of its run by their `probe.engine.horizon.Horizon`, and knows no clock, socket,
token or record, so every rule here can be tried by hand. The session owns time and packets. Here
every hop of a path is measured; `probe.engine.economical` takes over what other traces have met.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from probe.network import Kind
from probe.network.distance import INITIAL_TTLS, distance_by_reply

if TYPE_CHECKING:
    from probe.engine.horizon import Horizon, Limits

_TIME_EXCEEDED = Kind.TIME_EXCEEDED

Stop = Literal["destination", "unreachable", "loop", "gap", "max_ttl"]

# How many silent hops behind the farthest answer are asked more than once. Those farther on are
# asked again only when one of these turns out to answer.
WORTH_REPEATING = 2


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
    """Measure every hop of one path, with no more probes than that takes, all in flight at once.

    A first probe learns the distance: it goes as far as the last targets were, or to the limit.
    An answer of the target tells by its TTL, or by that of the probe it quotes, how far the
    target may be; then exactly these hops are probed, and what they answer corrects the guess.
    Where the first probe stays without an answer, the path is felt for from the near end, as far
    as it would wait for silent hops.

    The caller sends what `next_ttl` names and says so with `sent`; every probe sent is later
    either `answered` or `lost`, or first lost and then answered late. As long as `stop` is None,
    there is either a next TTL or a probe whose fate is open. Of the hops wanted that one is next
    which all traces of the run have left alone for longest: routers near by are on all paths.

    >>> from probe.engine.horizon import Horizon, Limits
    >>> path = EveryHop(Limits(), Horizon(Limits()))
    >>> path.next_ttl()
    32
    >>> path.sent(32); path.next_ttl() is None
    True
    >>> path.answered(32, "192.0.2.9", Kind.DESTINATION, 0.002, reply_ttl=63)
    True
    >>> path.next_ttl()
    1
    >>> path.sent(1); path.next_ttl()
    2
    >>> path.sent(2); path.answered(1, "192.0.2.1", Kind.TIME_EXCEEDED, 0.001)
    True
    >>> path.answered(2, "192.0.2.9", Kind.DESTINATION, 0.002), path.stop
    (True, 'destination')
    """

    def __init__(self, limits: Limits, horizon: Horizon) -> None:
        self.stop: Stop | None = None
        """Why the trace is over; None while it is not."""
        self.inferred: dict[int, str | None] = {}
        """By TTL, what was taken over from other traces and not measured; here always empty."""
        self.any_lost = False
        """Whether a probe of this path was given up so far."""
        self._limits = limits
        self._horizon = horizon
        # By TTL, the turn in which it was asked last.
        self.asked_at = horizon.asked.__getitem__
        self._gap = limits.gap_limit
        prior = horizon.distance
        self._aims = [limits.max_ttl]
        if prior is not None and prior < limits.max_ttl:
            self._aims.append(prior)
        self._aimed: int | None = None
        self._guess = 0
        self._farthest = 0
        self._settled = 0
        self._planned = 0
        # What to ask, and what to ask again after that.
        self._plan: list[int] = []
        self._again: list[int] = []
        # How many hops of the path have still to answer, where nothing else can happen; else 0.
        self._missing = 0
        # By TTL: how often asked, how often given up, the RTT of the first answer.
        self._tries = [0] * (limits.max_ttl + 1)
        self._lost = [0] * (limits.max_ttl + 1)
        self._rtt: list[float | None] = [None] * (limits.max_ttl + 1)
        # Whether asking again has helped on this path, and whether the same question has.
        self._repeating_helps = False
        self._loses = False
        # By address, where it first answered, and all TTLs of those that answered at several.
        self._first_at: dict[str, int] = {}
        self._seen_at: dict[str, list[int]] = {}
        self._destination: int | None = None
        self._unreachable: int | None = None
        self._loop: int | None = None

    @property
    def aiming(self) -> bool:
        """Whether the distance is still being looked for."""
        return bool(self._aims) or self._aimed is not None

    @property
    def learning(self) -> bool:
        """Whether what this trace is about to learn spares other traces probes."""
        return self.aiming

    @property
    def last(self) -> int:
        """The last TTL that belongs to the path, as far as is known now."""
        end = self._end()
        return min(self._planned, self._farthest + self._gap) if end is None else end

    @property
    def known(self) -> int:
        """Up to this TTL all hops are known, silent ones for good, unless an answer comes late."""
        self._step_over(min(self._farthest, self._planned))
        return min(self._settled, self._end() or self._farthest)

    def next_ttl(self) -> int | None:
        """The TTL to probe now; None when there is nothing to do but wait, or nothing at all."""
        if self._aimed is not None or self.stop is not None:
            return None
        if self._aims:
            return self._aims[-1]
        wanted = self._plan or self._again
        return min(wanted, key=self.asked_at) if wanted else None

    def by_another_method(self, ttl: int) -> bool:
        """Whether the next probe with this TTL had better be of another kind.

        Some routers answer only one. The last attempt tries another, unless repeating the same has
        helped on this path: then it is loss that must be made up for.
        """
        return 0 < self._tries[ttl] == self._limits.attempts - 1 and not self._loses

    def sent(self, ttl: int) -> None:
        """A probe with this TTL left."""
        self._tries[ttl] += 1
        self._horizon.sent(ttl)
        if ttl in self._plan:
            self._plan.remove(ttl)
        elif self._aims and self._aims[-1] == ttl:
            self._aims.pop()
            self._aimed = ttl
        if self._again:
            self._not_again(ttl)

    def answered(  # noqa: PLR0912 - each fact that an answer tells is looked at once
        self,
        ttl: int,
        address: str,
        kind: Kind,
        rtt: float,
        *,
        reply_ttl: int | None = None,
        quoted_ttl: int | None = None,
        late: bool = False,
        otherwise: bool = False,
        borrowed: bool = False,
    ) -> bool:
        """A probe was answered, in time or late; `rtt` in seconds. Not to be told of duplicates.

        `reply_ttl` is that of the answer as it arrived, `quoted_ttl` that of the probe as it got
        there, None where they cannot be seen. `late` is an answer to a probe that was given up,
        `otherwise` one to a probe of another method, `borrowed` one of a router that answers from
        an address that stands elsewhere.
        Returns whether that may have changed what is to be asked, or ended it.
        """
        if (
            self._missing > 1
            and kind is _TIME_EXCEEDED
            and self._rtt[ttl] is None
            and address not in self._first_at
            and self._confirms(ttl, address)
        ):
            # One hop more of a path that is known to end farther on: most answers are that.
            self._missing -= 1
            self._rtt[ttl] = rtt
            self._first_at[address] = ttl
            if ttl > self._farthest:  # noqa: PLR1730 - a call costs more than the rest
                self._farthest = ttl
            return False
        self._missing = 0
        if late:
            self._horizon.came_late(rtt)
        first = self._rtt[ttl] is None
        if self._again:
            self._not_again(ttl)
        if first:
            self._rtt[ttl] = rtt
        if kind is not _TIME_EXCEEDED:
            self._ended(ttl, kind, reply_ttl, quoted_ttl)
        elif ttl < self._limits.max_ttl or ttl != self._aimed:
            # No path is as long as the limit: what answers there is seldom a hop, but a loop.
            if ttl > self._farthest:
                self._passed(ttl)
            if first:
                if self._first_at.setdefault(address, ttl) != ttl:
                    self._look_for_loop(ttl, address)
                if not borrowed:
                    self._met(ttl, address)
        if ttl == self._aimed:
            self._aimed = None
            if kind is not _TIME_EXCEEDED:
                self._aims.clear()
        if first and self._lost[ttl] and not late:
            self._loses = self._loses or not otherwise
            if not self._repeating_helps:
                self._repeating_helps = True
                self._reconsider(1)
        if self._aimed is None and not self._aims:
            self._go_on()
        return True

    def lost(self, ttl: int) -> None:
        """A probe was given up."""
        self._lost[ttl] += 1
        self.any_lost = True
        self._missing = 0
        if ttl == self._aimed:
            self._aimed = None
            # Most paths are as long as this one was thought to be: no need to feel for that.
            self._guess = ttl if self._aims else 0
            self._aims.clear()
        elif ttl == self._guess and self._end() is not None:
            self._guess += WORTH_REPEATING
        if self._is_worth_repeating(ttl) and ttl not in self._again:
            self._again.append(ttl)
        if self._aimed is None and not self._aims:
            self._go_on()

    def patience(self, ttl: int) -> float:
        """Seconds to wait for the answer to a probe with this TTL, by what was heard so far.

            >>> from probe.engine.horizon import Horizon, Limits
        >>> path = EveryHop(Limits(), Horizon(Limits()))
            >>> path.patience(3)
            2.0
            >>> path.sent(4); path.answered(4, "192.0.2.1", Kind.TIME_EXCEEDED, 0.070)
            True
            >>> round(path.patience(3), 3), path.patience(5)
            (0.7, 2.0)
        """
        limits = self._limits
        for later in self._rtt[ttl + 1 :]:
            if later is not None:
                wanted = min(limits.later_hop_factor * later, limits.timeout_ceiling)
                return max(limits.timeout_floor, wanted, self._horizon.lateness)
        patience = self._horizon.patience()
        if ttl != self._aimed:
            return patience
        return max(min(patience, limits.aim_timeout), self._horizon.lateness)

    def goes_on(self, ttl: int, address: str) -> bool:
        """Whether the path was seen to go on behind this address, or behind this TTL."""
        beyond = any(rtt is not None for rtt in self._rtt[ttl + 1 :])
        return beyond or self._first_at.get(address, ttl) < ttl

    def _confirms(self, ttl: int, address: str) -> bool:
        """Whether a router that shows itself here changes nothing that is planned."""
        del ttl, address
        return True

    def _met(self, ttl: int, address: str) -> None:
        """A router showed its address, for the first time at this TTL."""

    def _lacks(self) -> bool:
        """Whether more is to be asked although all hops are known; plans it."""
        return False

    def _not_again(self, ttl: int) -> None:
        if ttl in self._again:
            self._again.remove(ttl)

    def _passed(self, ttl: int) -> None:
        """A router at this TTL is on the path, and so are the silent ones before it."""
        before, self._farthest = self._farthest, ttl
        if self.any_lost:
            self._reconsider(before + 1)

    def _ended(self, ttl: int, kind: Kind, reply_ttl: int | None, quoted_ttl: int | None) -> None:
        """The path has its end at this TTL or nearer; the answer's TTLs tell where to look."""
        before = self._end()
        if kind is Kind.DESTINATION:
            self._destination = min(ttl, self._destination or ttl)
        else:
            self._unreachable = min(ttl, self._unreachable or ttl)
        if quoted_ttl is not None and 0 < quoted_ttl <= ttl:
            self._guess = max(1, ttl - quoted_ttl + 1)
        elif reply_ttl is not None and 0 < reply_ttl <= INITIAL_TTLS[-1]:
            self._guess = distance_by_reply(reply_ttl)
        else:
            self._guess = 0
        if self._guess:
            self._horizon.suppose(self._guess)
        end = self._end()
        if before is not None and end is not None and end > before:
            self._reopen(before + 1, end)
        elif self.any_lost:
            self._reconsider(self._farthest + 1)
        self._cut_off()

    def _reopen(self, first: int, last: int) -> None:
        """Ask these hops after all: a router had refused, but the target answers behind it."""
        self._reconsider(first)
        self._plan += [
            ttl
            for ttl in range(first, min(last, self._planned) + 1)
            if not self._tries[ttl] and ttl not in self._plan
        ]

    def _cut_off(self) -> None:
        """Ask nothing more beyond the end."""
        if self._plan or self._again:
            last = self.last
            self._plan = [ttl for ttl in self._plan if ttl <= last]
            self._again = [ttl for ttl in self._again if ttl <= last]

    def _end(self) -> int | None:
        """Where the path is known to end; the target's own answer outweighs a router's refusal."""
        if self._destination is not None:
            return self._destination
        if self._unreachable is None or self._loop is None:
            return self._unreachable or self._loop
        return min(self._unreachable, self._loop)

    def _bound(self) -> int:
        """The highest TTL that is worth a probe by now."""
        end = self._end()
        if end is None:
            return min(self._limits.max_ttl, max(self._guess, self._farthest + self._gap))
        ahead = 1 if self._guess else self._gap
        return min(end, max(self._guess, self._farthest + ahead))

    def _allowed(self, ttl: int) -> int:
        """How often a hop may be asked before it counts as silent."""
        if ttl <= self._farthest or self._end() is not None:
            return self._limits.attempts + self._repeating_helps
        if ttl <= self._farthest + WORTH_REPEATING:
            return self._limits.attempts
        return 1

    def _is_worth_repeating(self, ttl: int) -> bool:
        wanted = self._rtt[ttl] is None and ttl <= (self._end() or ttl)
        return wanted and self._lost[ttl] < self._allowed(ttl)

    def _reconsider(self, first: int) -> None:
        """Ask hops from this one on again if they are worth more attempts than they were."""
        self._settled = min(self._settled, first - 1)
        for ttl in range(first, len(self._lost)):
            lost = self._lost[ttl]
            asked = lost and lost == self._tries[ttl] and ttl not in self._again
            if asked and self._is_worth_repeating(ttl):
                self._again.append(ttl)

    def _look_for_loop(self, ttl: int, address: str) -> None:
        """An address has answered at another TTL before: is that a loop, and where does it end?"""
        seen = self._seen_at.setdefault(address, [self._first_at[address]])
        seen.append(ttl)
        if len(seen) < self._limits.loop_visits:
            return
        seen.sort()
        end = None
        if visits(seen) >= self._limits.loop_visits:
            end = next(
                ttl
                for count, ttl in enumerate(seen, 1)
                if visits(seen[:count]) >= self._limits.loop_visits
            )
        elif len(seen) > self._limits.gap_limit and visits(seen) == 1:
            end = seen[self._limits.gap_limit]
        if end is not None:
            self._loop = min(end, self._loop or end)
            self._cut_off()

    def _go_on(self) -> None:
        """Plan what has become worth probing, step over what is known, and see if it is over."""
        while True:
            bound = self._bound()
            if bound > self._planned:
                self._plan_up_to(bound)
            self._step_over(bound)
            if self._settled < bound:
                if not self.any_lost and bound == self._end():
                    self._missing = self._rtt[self._settled + 1 : bound + 1].count(None)
                return
            end = self._end()
            if end is None or bound == end:
                break
            self._guess = bound + 1
        if self._lacks():
            return
        if end is not None and end == self._destination:
            self.stop = "destination"
            self._horizon.reached(end, self._rtt[end] or 0.0)
        elif end is not None:
            self.stop = "unreachable" if end == self._unreachable else "loop"
        elif self._farthest + self._gap <= self._limits.max_ttl:
            self.stop = "gap"
        else:
            self.stop = "max_ttl"

    def _step_over(self, bound: int) -> None:
        settled, rtts = self._settled, self._rtt
        while settled < bound and (rtts[settled + 1] is not None or self._is_settled(settled + 1)):
            settled += 1
        self._settled = settled

    def _is_settled(self, ttl: int) -> bool:
        """Whether nothing more is expected of a hop that did not answer."""
        return self._is_silent(ttl)

    def _is_silent(self, ttl: int) -> bool:
        return self.any_lost and self._rtt[ttl] is None and self._lost[ttl] >= self._allowed(ttl)

    def _plan_up_to(self, bound: int) -> None:
        first, self._planned = self._planned + 1, bound
        self._plan += [ttl for ttl in range(first, bound + 1) if not self._tries[ttl]]
