"""In which order a run measures, and how it goes on when something comes in between.

A few witnesses first, until it is known where this machine is; then the rest. When the link goes
away, the machine sleeps or finds itself in another network, the traces in flight are dropped,
since they are no evidence, and begun anew; where one is is found out again before anything more
is kept. Where one IP version stays away its targets come last, if it is back by then. This module
knows no option and no screen, and leaves what is kept to `probe.run.campaign`.
"""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING, Protocol

import trio

from probe.engine.measuring import measure
from probe.engine.session import Session
from probe.engine.tracing import Task
from probe.network.backend import choose_method
from probe.run.allowance import USUAL_BYTES, OverAllowance
from probe.run.choice import OWN_SUBNET, version_of, witnesses
from probe.run.tally import INTERRUPTED, OVER_BUDGET, OVER_MONTH
from probe.vantage.ground import BEAT
from probe.vantage.locate import AGAIN
from probe.words.failure import Failure, Offline, PartlyDone, RefusedToRedact, cause
from probe.words.language import _

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from probe.engine.manner import Manner
    from probe.engine.session import SessionSettings
    from probe.network import Method, Network
    from probe.record import Trace
    from probe.redaction.premises import Premises
    from probe.run.allowance import Allowance
    from probe.run.campaign import Campaign
    from probe.run.meter import Metered
    from probe.run.targets import Target
    from probe.vantage.ground import LineEnd

# Seconds to wait for a link that went away, for one IP version where the other has a way out,
# between two looks whether it is back, and until packets are worth sending again: longer than a
# backend goes on sending from the old address.
PATIENCE = 120.0
PATIENCE_FOR_ONE = 30.0
LOOK = 0.5
SETTLING = 2.5

# How often a target is tried whose traces are interrupted.
TRIES = 3

AWAY = "the link was gone"
CHANGED = "this machine's address or link changed"
ASLEEP = "this machine slept or hung"


class Progress(Protocol):
    """Who is told how far the run is."""

    def expect(self, total: int) -> None:
        """So many traces are to come in all."""

    def finished(self, trace: Trace) -> None:
        """One more is done."""

    def interrupted(self, why: str) -> None:
        """Something came in between; the run goes on when it can."""


class Ground(Protocol):
    """How a run learns that something came in between: `probe.vantage.ground.Footing` is one."""

    def ends(self) -> dict[int, LineEnd]:
        """This machine's end of the line by IP version, as far as there is a way out."""

    def lapses(self) -> int:
        """How often this machine slept or hung so far."""

    def beat(self) -> None:
        """To be called every `BEAT` seconds."""


class _Shaken(Exception):
    """What was in flight is no evidence any more; the argument says what came in between."""


class Itinerary:
    """One run over a list of targets, at most ``limit`` of them.

    ``wanted`` is the user's method, None for the best there is; ``manner`` is how traces are
    made. ``premises`` reads the interfaces; ``listed`` gives the targets anew once the country is
    known. ``left_out`` counts targets that turned out on the way not to be fit.
    """

    def __init__(
        self,
        network: Metered,
        campaign: Campaign,
        settings: SessionSettings,
        wanted: Method | None,
        *,
        manner: Manner,
        ground: Ground,
        premises: Callable[[], Premises],
        allowance: Allowance,
        progress: Progress,
        listed: Callable[[str | None], list[Target]],
        limit: int | None,
    ) -> None:
        self.left_out: Counter[str] = Counter()
        self._network = network
        self._campaign = campaign
        self._tally = campaign.tally
        self._settings = settings
        self._wanted = wanted
        self._manner = manner
        self._ground = ground
        self._premises = premises
        self._allowance = allowance
        self._progress = progress
        self._listed = listed
        self._limit = limit
        # What is to be done, by address and in order; what of it is in flight; what is settled,
        # measured or not.
        self._todo: dict[str, Target] = {}
        self._in_flight: dict[str, Target] = {}
        self._settled: dict[str, Target] = {}
        # How many of these no trace was begun to, since their IP version leads nowhere.
        self._skipped = 0
        self._unaffordable: list[Target] = []
        # IP versions that went away on the way, and what is put off until they are back.
        self._gone: set[int] = set()
        self._put_off: dict[str, Target] = {}
        self._tries: Counter[str] = Counter()
        # Where this machine stood when what is in flight was begun.
        self._ends: dict[int, LineEnd] = {}
        self._lapses = 0
        # What came in between since, also where all is as it was again.
        self._stirred: str | None = None
        # Bytes of the day that neither ended traces took nor those in flight are likely to take.
        self._unspent = 0.0
        self._took: deque[int] = deque(maxlen=100)

    @property
    def unreached(self) -> list[Target]:
        """What the run did not come to, in its order: for want of budget, or when it was ended."""
        return [*self._unaffordable, *self._put_off.values(), *self._todo.values()]

    async def run(self, targets: Iterable[Target]) -> None:
        """Measure all targets, as far as that is possible.

        Raises what `measure` and `Campaign` raise, not in a group; `PartlyDone` where it cannot
        go on and something was kept, `Offline` where nothing was.
        """
        self._todo = {target.address: target for target in targets}
        self._progress.expect(len(self._todo))
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._beat)
                await self._travel()
                nursery.cancel_scope.cancel()
        except BaseExceptionGroup as group:
            raise cause(group) from None

    async def _beat(self) -> None:
        while True:
            await trio.sleep(BEAT)
            self._ground.beat()
            self._stirred = self._shaken()

    async def _travel(self) -> None:
        self._stand()
        while self._todo or self._campaign.holding or self._put_off:
            try:
                if not self._todo and not self._campaign.holding:
                    await self._take_up()
                await self._find_oneself()
                await self._measure(list(self._todo.values()))
            except _Shaken as shock:
                await self._recover(str(shock))

    def _stand(self) -> None:
        self._ends, self._lapses = self._ground.ends(), self._ground.lapses()
        self._stirred = None

    # -- where one is -----------------------------------------------------------------------

    async def _find_oneself(self) -> None:
        """Trace to a few targets of each IP version whose access network is not known, and tell."""
        involved = {version_of(target) for target in self._todo.values()}
        unknown = (involved | self._campaign.holding) - self._campaign.access.known.keys()
        if not unknown:
            return
        asked = [
            witness
            for version in sorted(unknown)
            for witness in witnesses(
                [target for target in self._todo.values() if version_of(target) == version]
            )
        ]
        while left := [target for target in asked if target.address in self._todo]:
            await self._measure(left, witnessing=True)
        await self._ask_again()
        if self._unaffordable and not self._campaign.holding:
            return  # the budget ended before anything was measured that could tell
        country = self._campaign.access.country
        self._locate()
        if country != self._campaign.access.country:
            self._todo = {
                target.address: target
                for target in self._listed(self._campaign.access.country)
                if target.address not in self._settled
            }
            self._put_off_what_has_no_way()
        self._skip_all_but(self._campaign.access.known)
        if self._limit is not None:
            # Domestic targets may have come in only now; the limit still counts what was asked.
            room = max(0, self._limit - len(self._settled) - len(self._put_off))
            self._todo = dict(list(self._todo.items())[:room])
        self._tell_total()

    async def _ask_again(self) -> None:
        """Trace once more to witnesses that may be at odds with the others because of loss."""
        for _round in range(AGAIN):
            again = self._campaign.in_doubt
            if self._unaffordable:
                return
            for address in again:
                if address in self._settled:
                    self._todo[address] = self._settled.pop(address)
            while left := [self._todo[address] for address in again if address in self._todo]:
                await self._measure(left, witnessing=True)

    def _locate(self) -> None:
        try:
            self._campaign.locate()
        except RefusedToRedact:
            if not self._tally.kept:
                raise
            raise PartlyDone(
                _(
                    "this machine moved, and the network it sits in now is not known for "
                    "sure; what was measured before is kept; go on with --resume "
                    "--access-as ASN"
                )
            ) from None
        except Offline as problem:
            if not self._tally.kept:
                raise
            raise PartlyDone(
                _(
                    "this machine moved: {why}; what was measured before is kept; go on with "
                    "--resume"
                ).format(why=problem.message)
            ) from None

    # -- measuring --------------------------------------------------------------------------

    async def _measure(self, targets: list[Target], *, witnessing: bool = False) -> None:
        """Trace to these targets, as far as the budget goes.

        Witnesses take nothing over from each other: what one has lost, all would not have seen.
        """
        # Of all that is to be done: one IP version that cannot be probed must not end the run.
        methods = usable(self._network, map(version_of, self._todo.values()), self._wanted)
        for target in targets:
            if version_of(target) not in methods:
                self._skip(target)
        self._unspent = self._allowance.left
        try:
            await measure(
                Session(
                    self._network,
                    self._tasks(
                        [target for target in targets if version_of(target) in methods], methods
                    ),
                    self._settings,
                    finished=self._finished,
                    routes=None if witnessing else self._manner.routes,
                    explore=self._manner.explore,
                )
            )
        except OverAllowance:
            self._give_up_for_budget()

    def _tasks(self, targets: list[Target], methods: dict[int, Method]) -> Iterator[Task]:
        for target in targets:
            # Later it is what the longest took, so that few are cut short by the end of the budget.
            usual = max(self._took, default=USUAL_BYTES)
            if self._in_flight and (len(self._in_flight) + 1) * usual > self._unspent:
                # What those in flight leave may do for more: seen when they are over.
                return
            if usual > self._unspent:
                self._give_up_for_budget()
                return
            self._in_flight[target.address] = target
            method = methods[version_of(target)]
            yield Task(target.address, target.name, method, self._campaign.flow)

    def _give_up_for_budget(self) -> None:
        self._in_flight.clear()
        over = OVER_MONTH if self._allowance.ends_with_month else OVER_BUDGET
        self._tally.failed(over, len(self._todo))
        self._unaffordable += self._todo.values()
        for address in list(self._todo):
            self._settle(address)

    def _settle(self, address: str) -> None:
        self._settled[address] = self._todo.pop(address)

    def _skip(self, target: Target) -> None:
        self._tally.skipped(version_of(target))
        self._settle(target.address)
        self._skipped += 1
        self._tell_total()

    def _tell_total(self) -> None:
        total = len(self._settled) + len(self._todo) + len(self._put_off)
        self._progress.expect(total - self._skipped)

    def _finished(self, trace: Trace) -> None:
        shaken = self._shaken()
        if shaken is not None:
            raise _Shaken(shaken)
        del self._in_flight[trace.dst_addr]
        self._settle(trace.dst_addr)
        took = (trace.probes or 0) * (trace.size or 0)
        if trace.error is None:
            self._took.append(took)
        self._unspent -= took
        # Refused may also have been an earlier try, or what came after the trace itself.
        denied = None if trace.error is None else self._network.denied.get(trace.dst_addr)
        told = trace.dst_addr in self._campaign.held
        self._campaign.finished(trace, denied)
        if trace.af not in self._campaign.access.known:
            self._manner.learn(trace)
        if not told:
            self._progress.finished(trace)

    def _shaken(self) -> str | None:
        """What came in between since the traces in flight were begun."""
        if self._stirred is not None:
            return self._stirred
        ends = self._ground.ends()
        if self._ends.keys() - ends.keys():
            return AWAY
        if any(ends[version] != end for version, end in self._ends.items()):
            return CHANGED
        return ASLEEP if self._ground.lapses() != self._lapses else None

    # -- going on ---------------------------------------------------------------------------

    async def _recover(self, why: str) -> None:
        """Wait for a way out, and learn what has changed."""
        self._tally.interruptions[why] += 1
        self._progress.interrupted(why)
        self._drop_in_flight()
        before = self._ends
        await self._wait_for_a_way_out(before.keys())
        await trio.sleep(SETTLING)
        self._stand()
        if not self._ends:
            raise (PartlyDone if self._tally.kept else Offline)(
                _(
                    "the link went away and was not back after {seconds:.0f} s; what was measured "
                    "is kept, go on with --resume"
                ).format(seconds=PATIENCE)
            )
        self._learn_the_place(before)
        # One that is back by now stays among them: what was put off for it comes last all the same.
        self._gone |= before.keys() - self._ends.keys()
        self._put_off_what_has_no_way()

    def _learn_the_place(self, before: Mapping[int, LineEnd | None]) -> None:
        """Learn where one stands now; ``before`` is by IP version, None where none was there."""
        self._manner.begin_anew()
        here = self._premises()
        self._campaign.stand(here)
        for version, end in before.items():
            now = self._ends.get(version)
            if end is None or now is None or not end.same_place(now):
                leaving = None if now is None else now.address
                for trace in self._campaign.move(version, here, leaving):
                    if trace.dst_addr in self._settled:
                        self._todo[trace.dst_addr] = self._settled.pop(trace.dst_addr)
        for address in [address for address in self._todo if here.given_away_by(address)]:
            self.left_out[OWN_SUBNET] += 1
            self._settle(address)

    def _put_off_what_has_no_way(self) -> None:
        for address, target in list(self._todo.items()):
            if version_of(target) in self._gone:
                self._put_off[address] = self._todo.pop(address)

    async def _take_up(self) -> None:
        """Do what was put off, as far as its IP version is back; count the rest."""
        if self._gone & self._ground.ends().keys():
            await trio.sleep(SETTLING)
        before = {**dict.fromkeys(self._gone), **self._ends}
        self._stand()
        self._todo, self._put_off = self._put_off, {}
        self._gone.clear()
        self._skip_all_but(self._ends)
        self._learn_the_place(before)

    def _skip_all_but(self, versions: Collection[int]) -> None:
        """Count what is left to do over other IP versions as having had no route."""
        for target in list(self._todo.values()):
            if version_of(target) not in versions:
                self._skip(target)

    async def _wait_for_a_way_out(self, versions: Collection[int]) -> None:
        """Wait until all these IP versions have one, as long as that is worth it."""
        with trio.move_on_after(PATIENCE):
            while not self._ground.ends():  # noqa: ASYNC110 - the kernel has no event that trio knows
                await trio.sleep(LOOK)
            with trio.move_on_after(PATIENCE_FOR_ONE):
                while not self._ground.ends().keys() >= set(versions):  # noqa: ASYNC110 - as above
                    await trio.sleep(LOOK)

    def _drop_in_flight(self) -> None:
        for address in self._in_flight:
            self._tries[address] += 1
            if self._tries[address] < TRIES:
                self._tally.begun_anew += 1
            else:
                self._tally.failed(INTERRUPTED)
                self._settle(address)
        self._in_flight.clear()


def usable(network: Network, versions: Iterable[int], wanted: Method | None) -> dict[int, Method]:
    """The method by IP version, for those that can be probed; raises where none of them can."""
    found: dict[int, Method] = {}
    denied: list[Failure] = []
    for version in sorted(set(versions)):
        try:
            found[version] = choose_method(network, version, wanted)
        except Failure as problem:
            denied.append(problem)
    if denied and not found:
        raise denied[0]
    return found
