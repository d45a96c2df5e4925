"""In which order a run measures, and how it goes on when something comes in between.

A few witnesses come first, until it is known where this machine is; then the rest. When the link
goes away, the machine sleeps or finds itself in another network, the traces in flight are dropped,
since they are no evidence, and begun anew; before anything more is kept, the run finds out again
where it is. At the end those targets come a second time of which nothing was heard, as while the
line was cut, then those of an IP version that stayed away, if it is back by then. This module knows
no option and no screen, and leaves what is kept to `probe.run.campaign`.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple, Protocol

import trio

from probe.engine.measuring import measure
from probe.engine.session import Session
from probe.engine.tracing import Task
from probe.network.backend import choose_methods
from probe.run.allowance import Outlook, OverAllowance
from probe.run.choice import OWN_SUBNET, version_of, witnesses
from probe.run.tally import INTERRUPTED, OVER_BUDGET, OVER_MONTH
from probe.run.worklist import Worklist
from probe.vantage.ground import BEAT
from probe.vantage.locate import AGAIN
from probe.words.failure import Offline, PartlyDone, RefusedToRedact, cause
from probe.words.language import _

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from probe.engine.manner import Manner
    from probe.engine.session import SessionSettings
    from probe.network import Method
    from probe.record import Trace
    from probe.run.campaign import Campaign
    from probe.run.meter import Metered
    from probe.run.targets import Target
    from probe.run.watch import Watch
    from probe.vantage.ground import LineEnd

# Seconds to wait for a link that went away, for one IP version where the other has a way out,
# between two looks whether it is back, and until packets are worth sending again: longer than a
# backend goes on sending from the old address.
PATIENCE = 120.0
PATIENCE_FOR_ONE = 30.0
LOOK = 0.5
SETTLING = 2.5


class Progress(Protocol):
    """Who is told how far the run is."""

    def expect(self, total: int) -> None:
        """So many traces are to come in all."""

    def finished(self, trace: Trace) -> None:
        """One more is done."""

    def interrupted(self, why: str) -> None:
        """Something came in between; the run goes on when it can."""


class Listing(Protocol):
    """Whom a run may trace to: `probe.commands.choosing.Choice` is one."""

    @property
    def limit(self) -> int | None:
        """How many targets a run has at most; None for all."""

    def targets(self, country: str | None) -> list[Target]:
        """The targets, in their order, of a run in this country; None where it is not known."""


class Tracing(NamedTuple):
    """How the traces of a run are made; ``method`` is the user's, None for the best there is."""

    settings: SessionSettings
    method: Method | None
    manner: Manner


class _Disturbed(Exception):
    """What was in flight is no evidence any more; the argument says what came in between."""


class Itinerary:
    """One run over a list of targets.

    ``listing`` gives the targets anew once the country is known. ``left_out`` counts targets that
    turned out on the way not to be fit.
    """

    def __init__(
        self,
        network: Metered,
        campaign: Campaign,
        tracing: Tracing,
        *,
        listing: Listing,
        watch: Watch,
        progress: Progress,
    ) -> None:
        self.left_out: Counter[str] = Counter()
        self._network = network
        self._allowance = network.allowance
        self._campaign = campaign
        self._tally = campaign.tally
        self._tracing = tracing
        self._manner = tracing.manner
        self._listing = listing
        self._watch = watch
        self._progress = progress
        self._work = Worklist()
        self._outlook = Outlook()
        # IP versions that went away on the way.
        self._gone: set[int] = set()

    @property
    def unreached(self) -> list[Target]:
        """What the run did not come to, in its order: for want of budget, or when it was ended."""
        return self._work.unreached

    async def run(self, targets: Iterable[Target]) -> None:
        """Measure all targets, as far as that is possible.

        Raises what `measure` and `Campaign` raise, not in a group; `PartlyDone` where it cannot
        go on and something was kept, `Offline` where nothing was.
        """
        self._work.replace(targets)
        self._tell_total()
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._beat)
                await self._measure_all()
                nursery.cancel_scope.cancel()
        except BaseExceptionGroup as group:
            raise cause(group) from None

    async def _beat(self) -> None:
        while True:
            await trio.sleep(BEAT)
            self._watch.beat()

    async def _measure_all(self) -> None:
        work, campaign = self._work, self._campaign
        self._watch.begin_here()
        while work.todo or campaign.holding or work.put_off:
            try:
                if not work.todo and not campaign.holding:
                    await self._take_up()
                await self._find_place()
                await self._measure(list(work.todo.values()))
            except _Disturbed as disturbed:
                await self._recover(str(disturbed))

    # -- where this machine is --------------------------------------------------------------

    async def _find_place(self) -> None:
        """Trace to a few targets of each IP version whose access network is not known, and tell."""
        work, campaign = self._work, self._campaign
        involved = set(map(version_of, work.todo.values()))
        unknown = (involved | campaign.holding) - campaign.access.known.keys()
        if not unknown:
            return
        asked = [
            witness for version in sorted(unknown) for witness in witnesses(work.over({version}))
        ]
        while left := [target for target in asked if target.address in work.todo]:
            await self._measure(left, witnessing=True)
        await self._ask_again()
        if work.unaffordable and not campaign.holding:
            return  # the budget ended before anything was measured that could tell
        country = campaign.access.country
        self._locate()
        if country != campaign.access.country:
            work.replace(self._listing.targets(campaign.access.country))
            work.put_off_over(self._gone)
        self._skip_all_but(campaign.access.known)
        if self._listing.limit is not None:
            # Domestic targets may have come in only now; the limit still counts what was asked.
            work.shorten(self._listing.limit)
        self._tell_total()

    async def _ask_again(self) -> None:
        """Trace once more to witnesses that may be at odds with the others because of loss."""
        work = self._work
        for _round in range(AGAIN):
            again = self._campaign.in_doubt
            if work.unaffordable:
                return
            for address in again:
                work.reopen(address)
            while left := [work.todo[address] for address in again if address in work.todo]:
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
        versions = map(version_of, self._work.todo.values())
        methods = choose_methods(self._network, versions, self._tracing.method)
        for target in targets:
            if version_of(target) not in methods:
                self._skip(target)
        self._outlook.begin(self._allowance.left)
        try:
            await measure(
                Session(
                    self._network,
                    self._tasks(
                        [target for target in targets if version_of(target) in methods], methods
                    ),
                    self._tracing.settings,
                    finished=self._finished,
                    routes=None if witnessing else self._manner.routes,
                    explore=self._manner.explore,
                )
            )
        except OverAllowance:
            self._give_up_for_budget()

    def _tasks(self, targets: list[Target], methods: dict[int, Method]) -> Iterator[Task]:
        work = self._work
        for target in targets:
            if not self._outlook.carries(len(work.in_flight) + 1):
                # What those in flight leave may do for more: seen when they are over.
                if not work.in_flight:
                    self._give_up_for_budget()
                return
            work.begin(target)
            method = methods[version_of(target)]
            yield Task(target.address, target.name, method, self._campaign.flow)

    def _give_up_for_budget(self) -> None:
        over = OVER_MONTH if self._allowance.ends_with_month else OVER_BUDGET
        self._tally.failed(over, self._work.give_up_unaffordable())

    def _skip(self, target: Target) -> None:
        self._tally.skipped(version_of(target))
        self._work.skip(target.address)
        self._tell_total()

    def _tell_total(self) -> None:
        self._progress.expect(self._work.traces)

    def _finished(self, trace: Trace) -> None:
        disturbance = self._watch.disturbance()
        if disturbance is not None:
            raise _Disturbed(disturbance)
        took = (trace.probes or 0) * (trace.size or 0)
        self._outlook.ended(took, is_usual=trace.error is None)
        if self._campaign.is_unheard(trace) and self._work.repeat(trace.dst_addr):
            return
        self._work.settle(trace.dst_addr)
        # Refused may also have been an earlier try, or what came after the trace itself.
        denied = None if trace.error is None else self._network.denied.get(trace.dst_addr)
        told = trace.dst_addr in self._campaign.held
        self._campaign.finished(trace, denied)
        if trace.af not in self._campaign.access.known:
            self._manner.learn(trace)
        if not told:
            self._progress.finished(trace)

    # -- going on ---------------------------------------------------------------------------

    async def _recover(self, why: str) -> None:
        """Wait for a way out, and learn what has changed."""
        self._tally.interruptions[why] += 1
        self._progress.interrupted(why)
        anew, given_up = self._work.drop_in_flight()
        self._tally.begun_anew += anew
        self._tally.failed(INTERRUPTED, given_up)
        before = self._watch.began_at
        await self._wait_for_a_way_out(before.keys())
        await trio.sleep(SETTLING)
        self._watch.begin_here()
        now = self._watch.began_at
        if not now:
            raise (PartlyDone if self._tally.kept else Offline)(
                _(
                    "the link went away and was not back after {seconds:.0f} s; what was measured "
                    "is kept, go on with --resume"
                ).format(seconds=PATIENCE)
            )
        self._learn_place(before)
        # One that is back by now stays among them: what was put off for it comes last all the same.
        self._gone |= before.keys() - now.keys()
        self._work.put_off_over(self._gone)

    def _learn_place(self, before: Mapping[int, LineEnd | None]) -> None:
        """Learn where this machine is now; ``before`` is by IP version, None where none was."""
        self._manner.begin_anew()
        here = self._watch.premises()
        self._campaign.stand(here)
        for version, end in before.items():
            now = self._watch.began_at.get(version)
            if end is None or now is None or not end.same_place(now):
                leaving = None if now is None else now.address
                for trace in self._campaign.move(version, here, leaving):
                    self._work.reopen(trace.dst_addr)
        for address in [address for address in self._work.todo if here.given_away_by(address)]:
            self.left_out[OWN_SUBNET] += 1
            self._work.settle(address)

    async def _take_up(self) -> None:
        """Do what was put off, as far as its IP version is back; count the rest."""
        if self._gone & self._watch.ends().keys():
            await trio.sleep(SETTLING)
        before = {**dict.fromkeys(self._gone), **self._watch.began_at}
        self._watch.begin_here()
        self._work.take_up()
        self._gone.clear()
        self._skip_all_but(self._watch.began_at)
        self._learn_place(before)

    def _skip_all_but(self, versions: Collection[int]) -> None:
        """Count what is left to do over other IP versions as having had no route."""
        for target in self._work.not_over(versions):
            self._skip(target)

    async def _wait_for_a_way_out(self, versions: Collection[int]) -> None:
        """Wait until all these IP versions have one, as long as that is worth it."""
        with trio.move_on_after(PATIENCE):
            while not self._watch.ends():  # noqa: ASYNC110 - the kernel has no event that trio knows
                await trio.sleep(LOOK)
            with trio.move_on_after(PATIENCE_FOR_ONE):
                while not self._watch.ends().keys() >= set(versions):  # noqa: ASYNC110 - as above
                    await trio.sleep(LOOK)
