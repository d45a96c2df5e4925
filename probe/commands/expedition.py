"""A run that is ready to begin: it is measured, or foretold, or there is nothing left of it.

Whom to trace to, over which network layer and with which privileges was settled before, by
`probe.commands.run`. What is kept, and how, is `probe.run.campaign`'s business.
"""

from __future__ import annotations

import gc
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from probe import stop
from probe.commands import kept, words
from probe.commands.ended import Ended
from probe.disk.places import data_folder
from probe.network import NetworkError
from probe.network.backend import choose_methods, failure_of
from probe.owner.consent import Permission, require
from probe.run.choice import version_of
from probe.run.spoiling import Spoiling, days_that_have_been
from probe.run.tally import OVER_BUDGET, OVER_MONTH, REFUSED
from probe.run.watch import Watch
from probe.vantage.ground import Footing
from probe.vantage.timekeeping import ClockWatch, is_set_by_others
from probe.words.failure import (
    INTERRUPTED,
    Failure,
    Offline,
    PartlyDone,
    PermissionDenied,
    RefusedToRedact,
    Stopped,
)
from probe.words.language import _

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from probe.commands.attended import Attended
    from probe.commands.choosing import Choice
    from probe.commands.unattended import Turn
    from probe.engine.manner import Manner
    from probe.engine.session import SessionSettings
    from probe.network import Method
    from probe.origin.attribute import Attributor
    from probe.record import Trace
    from probe.redaction.premises import Premises
    from probe.run.campaign import Campaign
    from probe.run.foresight import Cost
    from probe.run.itinerary import Itinerary
    from probe.run.meter import Metered
    from probe.run.targets import Target

# Seconds between two looks whether the owner still agrees.
_LOOK = 2.0


class Wanted(NamedTuple):
    """How the options want traces to be made; ``method`` is None for the best.

    ``manner`` makes a `Manner` of whose an address is and where a trace starts.
    """

    settings: SessionSettings
    method: Method | None
    manner: Callable[[Attributor, Callable[[Trace | None], str | None]], Manner]


@dataclass(frozen=True, slots=True)
class Expedition:
    """One run, before its first probe.

    ``targets`` are those of the campaign's country, ``premises`` reads the interfaces, and
    ``began`` is when the command did, in seconds of the monotonic clock.
    """

    network: Metered
    campaign: Campaign
    choice: Choice
    targets: list[Target]
    wanted: Wanted
    premises: Callable[[], Premises]
    began: float

    def foresee(self) -> Cost:
        """What the run would take; nothing is sent."""
        from probe.run.experience import Experience  # noqa: PLC0415 - not needed to measure
        from probe.run.foresight import foresee  # noqa: PLC0415
        from probe.run.imagined import HOME, Imagined  # noqa: PLC0415

        campaign, choice, targets = self.campaign, self.choice, self.targets
        country = campaign.access.country or kept.earlier(campaign.folder, campaign.unread).country
        if country != campaign.access.country:
            targets = choice.targets(country)
        versions = set(map(version_of, targets))
        home = country or HOME
        return foresee(
            Experience(kept.recent(campaign.folder, campaign.unread), choice.listed(country)),
            targets,
            choose_methods(self.network, versions, self.wanted.method),
            self.wanted.settings,
            manner=self.wanted.manner(Imagined(choice.origin, home), lambda _: home),
            unlocated=versions - campaign.access.known.keys(),
            size=self.network.probe_size,
        )

    def measure(self, turn: Turn | Attended, *, anyway: bool) -> Ended:
        """Trace to all targets, and keep what may be kept.

        Ends the command where what would be measured is no evidence, unless it is to be measured
        ``anyway``.
        """
        if not self.targets:
            return self._ended(None, 0)
        campaign = self.campaign
        with ExitStack() as stack:
            stack.callback(campaign.close)
            footing = Footing(target.address for target in reversed(self.targets))
            stack.callback(footing.close)
            spoiling = self._spoiling(footing)
            if not anyway and (why := spoiling.objection(set(map(version_of, self.targets)))):
                turn.refuse(why)
            campaign.circumstances = lambda target: spoiling.notes(footing.end_towards(target))
            campaign.clock_set = ClockWatch().misdated
            earlier = kept.earlier(campaign.folder, campaign.unread)
            campaign.earlier, campaign.access.behind = earlier.country, earlier.behind
            itinerary = self._itinerary(footing, turn, stack)
            campaign.begin()
            failure, code = _undertake(itinerary, self.targets, campaign)
        return self._ended(failure, code, itinerary)

    def _spoiling(self, footing: Footing) -> Spoiling:
        days = days_that_have_been(self.choice.origin.snapshot.date, self.campaign.folder)
        return Spoiling(footing.ends, days, time.time, is_set_by_others)

    def _itinerary(self, footing: Footing, turn: Turn | Attended, stack: ExitStack) -> Itinerary:
        # What reading the lists left would lie beside trio otherwise, where memory is most.
        gc.collect()
        # With trio, half of a start: an hourly call that finds nothing due ends before.
        from probe.run.itinerary import Itinerary, Tracing  # noqa: PLC0415

        choice, access, wanted = self.choice, self.campaign.access, self.wanted
        manner = wanted.manner(choice.origin, lambda _: access.country)
        return Itinerary(
            self.network,
            self.campaign,
            Tracing(wanted.settings, wanted.method, manner),
            listing=choice,
            watch=Watch(footing, self.premises),
            progress=turn.progress(stack, choice.absent),
        )

    def _ended(self, failure: Failure | None, code: int, went: Itinerary | None = None) -> Ended:
        """What became of the run; ``went`` is None where there was nothing to do."""
        choice, country = self.choice, self.campaign.access.country
        return Ended(
            self.campaign,
            failure,
            code,
            left_out=choice.left_out + (went.left_out if went else Counter()),
            refused=Counter(self.network.discarded() if went else {}),
            seconds=time.monotonic() - self.began,
            place=choice.place_of(went.unreached, country) if went else choice.place,
        )


def _undertake(
    itinerary: Itinerary, targets: list[Target], campaign: Campaign
) -> tuple[Failure | None, int]:
    """Go through all targets; how that failed, and the exit code where somebody stopped it."""
    try:
        stop.run(partial(_while_agreed, partial(itinerary.run, targets)))
    except KeyboardInterrupt:
        return None, INTERRUPTED
    except Stopped as told:
        return None, 128 + told.number
    except NetworkError as problem:
        return (PartlyDone(str(problem)) if campaign.tally.kept else failure_of(problem)), 0
    except Failure as problem:
        return problem, 0
    return _shortfall(campaign), 0


async def _while_agreed(main: Callable[[], Awaitable[None]]) -> None:
    """Do it, and end in the middle where the owner takes consent back."""
    import trio  # noqa: PLC0415 - as `Itinerary`

    async def look() -> None:
        while True:
            require(data_folder(), Permission.RUN, Permission.KEEP)
            await trio.sleep(_LOOK)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(look)
        await main()
        nursery.cancel_scope.cancel()


def _shortfall(campaign: Campaign) -> Failure | None:
    """How a run ends that went through all its targets; None where all is well."""
    failed = campaign.failures()
    if failed[OVER_BUDGET] and not campaign.tally.answered:
        return PartlyDone(_("the budget of the day is spent; go on after midnight UTC"))
    if failed[OVER_MONTH] and not campaign.tally.answered:
        return PartlyDone(_("the budget of the month is spent; go on next month"))
    if not campaign.tally.routed:
        if campaign.tally.firewall is not None:
            return PermissionDenied(campaign.tally.firewall)
        return Offline(_("there is no route to any target; check the connection"))
    if not campaign.tally.answered:
        return Offline(_("no probe was answered; check the connection"))
    if failed[REFUSED] and not campaign.tally.kept:
        return campaign.unlocated or RefusedToRedact(
            _("no trace could be redacted for sure, so nothing was written")
        )
    if failed:
        return PartlyDone(
            _("not everything could be measured: {counts}").format(counts=words.counts(failed))
        )
    return None
