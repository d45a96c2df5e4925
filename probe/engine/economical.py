"""Measuring a path from its end backward, until it joins one that another trace has measured.

Near routers are on all paths; asking them once per run, not once per trace, spares most packets
(Doubletree: Donnet, Raoult, Friedman, Crovella, SIGMETRICS 2005). What is taken over from another
trace is *inferred*: the path may differ all the same, so it is never evidence. The border is what
the whole measurement is about, so the hops around it are measured in every trace.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from probe.engine.strategy import EveryHop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from probe.engine.horizon import Horizon, Limits

# How many hops on either side of the first foreign one are measured in every trace.
AROUND_BORDER = 2

# How many hops are asked at the same time while nothing on a path has answered.
ABREAST = 3

# How many silent hops in a row end a trace.
GAP = 3

# Stands for the address of a hop from which nothing came but a refusal: that may be from nearer, so
# who stands there is not known, and it is no silent hop either.
REFUSED = ""


class _Met(NamedTuple):
    """A hop of a measured path: its address, None where silent or `REFUSED`; what came before."""

    address: str | None
    before: _Met | None


class Routes:
    """The stop set of a run: which address was met at which TTL, and by which way.

    Address *and* TTL must agree: a router met one hop farther on was reached by another way.
    ``abroad`` says of an address whether it is foreign; None where that is not known.

    >>> routes = Routes(lambda address: None)
    >>> routes.learn(["192.0.2.1", None, "192.0.2.3"])
    >>> routes.before(3, "192.0.2.3"), routes.before(2, "192.0.2.3")
    ({2: None, 1: '192.0.2.1'}, None)
    """

    def __init__(self, abroad: Callable[[str], bool | None]) -> None:
        self._abroad = abroad
        # What `abroad` said where it knew: the same few addresses are on every path.
        self._foreign: dict[str, bool] = {}
        self._met: dict[tuple[int, str], _Met] = {}
        self._before: dict[tuple[int, str], dict[int, str | None]] = {}
        self._first = True

    def take_first(self) -> bool:
        """Take the place of the first path: whether it is free, and none was learnt either."""
        first, self._first = self._first, False
        return first and not self._met

    def is_abroad(self, address: str) -> bool:
        """Whether an address is known to be foreign."""
        foreign = self._foreign.get(address)
        if foreign is None:
            foreign = self._abroad(address)
            if foreign is None:
                return False
            self._foreign[address] = foreign
        return foreign

    def before(self, ttl: int, address: str) -> dict[int, str | None] | None:
        """By TTL, what was met before this address at this TTL; None if it was not met there.

        Nearest to it first. Not to be changed by who asks.
        """
        place = ttl, address
        before = self._before.get(place)
        if before is None and place in self._met:
            before = self._before[place] = dict(
                zip(range(ttl - 1, 0, -1), _backward(self._met[place].before), strict=False)
            )
        return before

    def learn(self, path: Iterable[str | None], joined: tuple[int, str] | None = None) -> None:
        """A path was measured: its addresses from home on, None where a hop was silent.

        A hop that is `REFUSED` has to be measured by whoever takes over what comes before it.
        ``joined`` is where it left one that is known, by TTL and address; then ``path`` is what
        comes behind.
        """
        start, before = (1, None) if joined is None else (joined[0] + 1, self._met.get(joined))
        for ttl, address in enumerate(path, start):
            if address is None or address == REFUSED:
                before = _Met(address, before)
            else:
                before = self._met.setdefault((ttl, address), _Met(address, before))


def _backward(met: _Met | None) -> Iterable[str | None]:
    while met is not None:
        yield met.address
        met = met.before


class Economical(EveryHop):
    """Measure what no other trace of the run has measured, and the hops around the border.

    The distance is learnt as `EveryHop` does it. The first path of a run is then asked as that
    does it, all hops at once; others hop by hop from their end towards home, and at the first
    address that is in the stop set at the same TTL, the hops before it are taken over. Where a
    hop around the border turns out to be another than the one taken over, so may be those before
    it, and the way back goes on from there.

    >>> from probe.network import Kind
    >>> from probe.engine.horizon import Horizon, Limits
    >>> horizon, routes = Horizon(Limits()), Routes(lambda address: None)
    >>> routes.learn(["192.0.2.1", "192.0.2.2", "192.0.2.3"])
    >>> horizon.reached(5, 0.01)
    >>> path = Economical(Limits(), horizon, routes)
    >>> path.next_ttl(); path.sent(5)
    5
    >>> path.answered(5, "203.0.113.7", Kind.DESTINATION, 0.01, reply_ttl=60), path.next_ttl()
    (True, 4)
    >>> path.sent(4)
    >>> path.answered(4, "198.51.100.1", Kind.TIME_EXCEEDED, 0.01), path.next_ttl()
    (True, 3)
    >>> path.sent(3)
    >>> path.answered(3, "192.0.2.3", Kind.TIME_EXCEEDED, 0.01)
    True
    >>> path.stop, path.inferred
    ('destination', {2: '192.0.2.2', 1: '192.0.2.1'})
    """

    def __init__(self, limits: Limits, horizon: Horizon, routes: Routes) -> None:
        super().__init__(limits, horizon)
        self._routes = routes
        self._gap = min(GAP, limits.gap_limit)
        # The last step of the way back; None before the first.
        self._front: int | None = None
        # Where the path joins a known one: TTL and address. And up to where it may do so.
        self._joined: tuple[int, str] | None = None
        self._joins_until = limits.max_ttl
        self._address: dict[int, str] = {}
        # What was taken over at hops that are measured all the same.
        self._expected: dict[int, str | None] = {}
        # The first hop abroad, and whether all that is known of the path was looked at for that.
        self._first_foreign: int | None = None
        self._surveyed = False

    @property
    def learning(self) -> bool:
        """Whether what this trace is about to learn spares other traces probes."""
        return self.stop is None

    def _plan_up_to(self, bound: int) -> None:
        beyond, self._planned = self._planned + 1, bound
        if self._front is None and self._routes.take_first():
            # There is nothing to join: every hop has to be asked, and none has to wait for another.
            self._front = 1
        if self._front is None:
            # Where the target's answer shows its distance, the hop before it proves that.
            self._front = bound + 1
            self._step_back(2 if self._end() is not None and not self._tries[bound] else 1)
        else:
            self._plan += [ttl for ttl in range(beyond, bound + 1) if not self._tries[ttl]]

    def sent(self, ttl: int) -> None:
        """A probe with this TTL left."""
        super().sent(ttl)
        if ttl in self.inferred:
            self._expected[ttl] = self.inferred.pop(ttl)
            self._settled = min(self._settled, ttl - 1)

    def _confirms(self, ttl: int, address: str) -> bool:
        return self._expected.get(ttl) == address

    def lost(self, ttl: int) -> None:
        """A probe was given up."""
        if ttl in self._expected:
            self._surveyed = False
        super().lost(ttl)

    def _met(self, ttl: int, address: str) -> None:
        self._address[ttl] = address
        expected = self._expected.get(ttl, address)
        if ttl in self._expected and expected == address:
            return
        self._surveyed = False
        if expected != address:
            self.inferred = {far: known for far, known in self.inferred.items() if far > ttl}
            # From here, or from farther away where the way back has not come so far.
            self._front = ttl if self._joined else max(ttl, self._front or 0)
            self._joined = None
            self._joins_until = min(ttl, self._joins_until)
            self._settled = 0
        if self._front is not None:
            self._join(ttl, address)

    def _join(self, ttl: int, address: str) -> None:
        """Take over what comes before this hop, if another trace has met it there."""
        if self._joined is not None or ttl > self._joins_until:
            return
        before = self._routes.before(ttl, address)
        if before is None:
            return
        self._joined = ttl, address
        # An answer that comes late may be from nearer than the way back has come.
        skipped = range(ttl + 1, self._front or 0)
        self._plan = [other for other in self._plan if other > ttl]
        self._plan += [far for far in skipped if not self._tries[far] and far not in self._plan]
        if REFUSED not in before.values() and not any(self._tries[1:ttl]):
            self.inferred.update(before)
            self._settled = ttl - 1
            return
        for other, known in before.items():
            if self._tries[other]:
                continue
            if known == REFUSED:
                self._plan.append(other)
            else:
                self.inferred[other] = known

    def _allowed(self, ttl: int) -> int:
        if ttl > self._farthest and self._end() is None:
            return 1
        return super()._allowed(ttl)

    def _go_on(self) -> None:
        joined_before: tuple[int, str] | None = (0, "")
        while self.stop is None and joined_before != self._joined:
            super()._go_on()
            joined_before = self._joined
            if self.stop is None:
                self._walk_back()
                if self._joined is not None:
                    self._lacks()
        self._missing = self._confirming() if self.stop is None else 0
        if self.stop is not None and self.stop != "loop":
            first = self._joined[0] + 1 if self._joined else 1
            path = [
                self._taught_at(ttl) for ttl in range(first, min(self._farthest, self.last) + 1)
            ]
            self._routes.learn(path, self._joined)

    def _confirming(self) -> int:
        """How many answers are to come, where they can but confirm what was taken over; else 0."""
        if self._joined is None or self.any_lost or self._bound() != self._end():
            return 0
        return len(self._plan) + self._rtt.count(None) - self._tries.count(0)

    def _known_at(self, ttl: int) -> str | None:
        return self._address.get(ttl) or self._expected.get(ttl) or self.inferred.get(ttl)

    def _taught_at(self, ttl: int) -> str | None:
        return self._known_at(ttl) or (None if self._rtt[ttl] is None else REFUSED)

    def _walk_back(self) -> None:
        """Go on towards home once it is known what the last step back has met."""
        while self._front and self._front > 1 and not self._plan and self._joined is None:
            front = self._front
            if self._tries[front] and self._rtt[front] is None and not self._lost[front]:
                return
            address = self._address.get(front)
            if address is not None:
                self._join(front, address)
            if self._joined is None:
                lively = self._farthest or self._end() is not None
                self._step_back(1 if lively else ABREAST)

    def _step_back(self, steps: int) -> None:
        assert self._front is not None
        front, self._front = self._front, max(1, self._front - steps)
        wanted = range(self._front, front)
        self._plan += [ttl for ttl in wanted if not self._tries[ttl] and ttl not in self._plan]

    def _is_settled(self, ttl: int) -> bool:
        return ttl in self.inferred or self._is_silent(ttl)

    def _lacks(self) -> bool:
        """Plan the hops around the border that were not measured, where it is known to be."""
        if not self.inferred:
            return False
        if not self._surveyed:
            self._surveyed = True
            self._first_foreign = self._look_for_border()
        border = self._first_foreign
        if border is None:
            return False
        first, last = max(1, border - AROUND_BORDER), min(border + AROUND_BORDER, self.last)
        if 0 not in self._tries[first : last + 1]:
            return False
        missing = [ttl for ttl in range(first, last + 1) if not self._tries[ttl]]
        self._plan += [ttl for ttl in missing if ttl not in self._plan]
        return True

    def _look_for_border(self) -> int | None:
        known = self.inferred | self._expected | self._address
        for ttl in range(1, self._farthest + 1):
            address = known.get(ttl)
            if address and self._routes.is_abroad(address) and not self._is_silent(ttl):
                return ttl
        return None
