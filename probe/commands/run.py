"""``gatewatch run``: trace a list of targets, and keep what redaction lets through.

Chooses the targets, learns where it is, measures, and says at the end what became of every
target. What is kept and how is `probe.run.campaign`'s business.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from probe import stop
from probe.commands import options, words
from probe.commands.attended import Attended
from probe.commands.choosing import Choice
from probe.commands.discreet import discreet
from probe.commands.ended import Ended
from probe.commands.folder import Folder
from probe.commands.foretelling import foretell
from probe.disk.places import data_folder
from probe.disk.private import try_to_write
from probe.engine.manner import Manner
from probe.engine.session import SessionSettings
from probe.network import NetworkError
from probe.network.backend import failure_of, open_network
from probe.owner.consent import Permission, require
from probe.redaction.identity import Identity
from probe.run.allowance import Allowance
from probe.run.campaign import Campaign
from probe.run.choice import RESUMABLE, measured, version_of
from probe.run.exclusions import exclusions_file, read_exclusions
from probe.run.meter import Metered
from probe.run.spoiling import Spoiling, days_that_have_been
from probe.run.tally import OVER_BUDGET, REFUSED
from probe.run.targets import root_servers
from probe.spool import day_files, day_named, read, spool_folder
from probe.vantage.ground import Footing, without_way
from probe.vantage.locate import access_of_interfaces, access_said, read_premises
from probe.vantage.timekeeping import is_set_by_others
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
    from collections.abc import Awaitable, Callable, Container, Iterable, Iterator

    from probe.commands.unattended import Turn
    from probe.engine.forks import Where
    from probe.network import Method
    from probe.origin import Origin
    from probe.origin.attribute import Attributor
    from probe.record import Trace
    from probe.redaction.premises import Premises
    from probe.run.foresight import Cost
    from probe.run.itinerary import Itinerary
    from probe.run.targets import Target
    from probe.vantage.locate import Access

# Seconds between two looks whether the owner still agrees.
_LOOK = 2.0


@click.command(short_help="Trace to a list of targets and keep the results.")
@click.option(
    "--country",
    metavar="CC",
    callback=options.country,
    help="The country you are in (ISO code); else that of your access network's registration.",
)
@click.option("--dry-run", is_flag=True, help="Send no probe; say what the run would take.")
@click.option(
    "--resume", is_flag=True, help="Go on with the last run: what it kept is not traced again."
)
@click.option(
    "--limit", type=click.IntRange(1), metavar="N", help="Only the first so many targets."
)
@click.option(
    "--targets",
    "listed",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Your own list, one address and name a line. Else: root servers, large foreign "
    "networks, and the networks of your country.",
)
@click.option(
    "--access-as",
    metavar="ASN",
    callback=options.autonomous_system,
    help="The AS number of your provider, when it cannot be told for sure.",
)
@click.option(
    "--anyway",
    is_flag=True,
    help="Measure through a VPN or with a wrong clock, too: the traces say so, and analysis sets "
    "them aside.",
)
@click.option(
    "--economical",
    is_flag=True,
    help="Spare packets: what traces share is measured once and then taken over, marked as "
    "inferred. The hops around the border are measured in every trace.",
)
@click.option(
    "--to",
    "folder",
    type=Folder(),
    help="Where to keep the results; else the spool in the data folder.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
@click.option(
    "--scheduled",
    is_flag=True,
    help="As a timer calls it: measure only if it is time and neither battery, link nor budget "
    "speak against it, and print one line.",
)
@options.courtesy
@options.probing
@options.multipath
@discreet("gatewatch doctor")
def run(
    *,
    listed: Path | None,
    country: str | None,
    access_as: int | None,
    method: str,
    backend: str,
    capture: Path | None,
    version: int | None,
    table: Path | None,
    rate: float,
    budget: float,
    dry_run: bool,
    resume: bool,
    limit: int | None,
    folder: Path | None,
    own_network: bool,
    multipath: Where,
    confidence: int,
    economical: bool,
    as_json: bool,
    scheduled: bool,
    anyway: bool,
) -> None:
    """Trace to many targets and keep each result, redacted, as soon as it is finished.

    Your own address and the name of this computer are taken out before anything is written, and
    addresses of your provider are cut short. Stop it at any time: what was finished is kept. See it
    with `gatewatch show`.
    """
    if scheduled and (dry_run or resume or as_json or capture):
        raise click.UsageError("--scheduled goes with none of --dry-run, --resume, --json, --pcap")
    options.check_rate(rate, own_network=own_network)
    turn: Turn | Attended = (
        _turn(budget) if scheduled else Attended(budget, dry_run=dry_run, as_json=as_json)
    )
    origin = options.address_table(table)
    options.identify(origin)
    options.known_country(country, origin)
    here = read_premises()
    excluded = read_exclusions(exclusions_file())
    known = _known_access(origin, here, access_as)
    folder = folder or spool_folder()
    tracing = _Tracing(
        SessionSettings(rate=rate),
        options.method(method),
        partial(Manner, economical=economical, multipath=multipath, confidence=confidence),
    )
    began = time.monotonic()
    with ExitStack() as stack:
        # First of all: names are looked up in threads, and with those privileges stay.
        writes = () if dry_run else (folder, data_folder())
        network = _open(stack, backend, writes, None if dry_run else capture, turn.allowance)
        if not dry_run:
            try_to_write(folder)
        choice = Choice(
            origin,
            here,
            version,
            limit,
            listed,
            excluded=excluded,
            own_network=own_network,
            without_way=without_way,
        )
        choice.place = turn.place
        identity = Identity(data_folder())
        flow = identity.last_flow() if resume else None
        if flow is not None:
            choice.done = _done(folder, flow)
        campaign = Campaign(
            folder=folder,
            origin=origin,
            premises=here,
            identity=identity,
            known=known,
            country=country,
            flow=flow,
        )
        targets = choice.targets(campaign.access.country)
        if not targets:
            click.echo(_("the last run measured all its targets; nothing was sent"), err=as_json)
            if not as_json:
                return
        if dry_run:
            cost = _foresee(network, campaign, choice, targets, tracing)
            foretell(cost, rate, turn.allowance.left, choice, as_json=as_json)
            return
        ended = (
            _measure(
                network, campaign, choice, targets, tracing, turn=turn, began=began, anyway=anyway
            )
            if targets
            else Ended(
                campaign,
                failure=None,
                code=0,
                left_out=choice.left_out,
                refused=Counter(),
                seconds=time.monotonic() - began,
                place=choice.place,
            )
        )
    turn.end(ended)


class _Tracing(NamedTuple):
    """How the traces of a run are made, as the options say; ``method`` is None for the best."""

    settings: SessionSettings
    method: Method | None
    manner: Callable[[Attributor, Callable[[Trace | None], str | None]], Manner]


def _turn(budget: float) -> Turn:
    from probe.commands.unattended import begin  # noqa: PLC0415 - only a timer needs it

    return begin(budget)


def _open(
    stack: ExitStack,
    backend: str,
    writes: tuple[Path, ...],
    capture: Path | None,
    allowance: Allowance,
) -> Metered:
    """The network layer, and the file of raw packets where one is wanted, until the stack ends."""
    tap = stack.enter_context(options.capture(capture, writes))
    network = Metered(open_network(backend, writes=writes, tap=tap), allowance)
    stack.callback(network.close)
    return network


def _measure(
    network: Metered,
    campaign: Campaign,
    choice: Choice,
    targets: list[Target],
    tracing: _Tracing,
    *,
    turn: Turn | Attended,
    began: float,
    anyway: bool,
) -> Ended:
    """Trace to all targets, and keep what may be kept; ends the command where that is no evidence.

    ``targets`` are those of the campaign's country, ``began`` is when the command did.
    """
    # With trio, half of a start: an hourly call that finds nothing due ends before.
    from probe.run.itinerary import Itinerary  # noqa: PLC0415

    with ExitStack() as stack:
        stack.callback(campaign.close)
        footing = Footing(target.address for target in reversed(targets))
        stack.callback(footing.close)
        spoiling = Spoiling(
            footing.ends,
            days_that_have_been(choice.origin.snapshot.date, campaign.folder),
            time.time,
            is_set_by_others,
        )
        if not anyway and (why := spoiling.objection(set(map(version_of, targets)))):
            turn.refuse(why)
        campaign.circumstances = spoiling.notes
        campaign.earlier = _last_country(_newest(campaign.folder))
        itinerary = Itinerary(
            network,
            campaign,
            tracing.settings,
            tracing.method,
            manner=tracing.manner(choice.origin, lambda _: campaign.access.country),
            ground=footing,
            premises=read_premises,
            allowance=turn.allowance,
            progress=turn.progress(stack, choice.absent),
            listed=choice.targets,
            limit=choice.limit,
        )
        campaign.begin()
        failure, code = _undertake(itinerary, targets, campaign)
    return Ended(
        campaign,
        failure,
        code,
        left_out=choice.left_out + itinerary.left_out,
        refused=Counter(network.discarded()),
        seconds=time.monotonic() - began,
        place=choice.place_of(itinerary.unreached, campaign.access.country),
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


def _kept(folder: Path, *, without: Container[str] = ()) -> Iterator[Trace]:
    """The traces of a spool, oldest first, one after the other: those of years may lie there."""
    return (kept.trace for kept in read(folder, without=without) if kept.trace is not None)


def _newest(folder: Path) -> Iterator[Trace]:
    """The traces of the last day on which any were kept."""
    return _kept(folder, without=[day.name for day in day_files(folder)[:-1]])


def _done(folder: Path, flow: int) -> Counter[str]:
    """How many traces the resumed run has kept, by target as recorded: see `measured`.

    Days on which it cannot have been under way are not read.
    """
    now = time.time()
    first = datetime.fromtimestamp(now - RESUMABLE, UTC).date()
    days = ((path.name, day_named(path.name)) for path in day_files(folder))
    older = [name for name, day in days if day is not None and day < first]
    return measured(_kept(folder, without=older), flow, now)


def _foresee(
    network: Metered,
    campaign: Campaign,
    choice: Choice,
    targets: list[Target],
    tracing: _Tracing,
) -> Cost:
    """What the run would take; nothing is sent. ``targets`` are those of the campaign's country."""
    from probe.run.experience import Experience  # noqa: PLC0415 - not needed to measure
    from probe.run.foresight import foresee  # noqa: PLC0415
    from probe.run.imagined import HOME, Imagined  # noqa: PLC0415
    from probe.run.itinerary import usable  # noqa: PLC0415 - as `Itinerary`

    country = campaign.access.country or _last_country(_newest(campaign.folder))
    if country != campaign.access.country:
        targets = choice.targets(country)
    versions = set(map(version_of, targets))
    home = country or HOME
    return foresee(
        Experience(_kept(campaign.folder), choice.listed(country)),
        targets,
        usable(network, versions, tracing.method),
        tracing.settings,
        manner=tracing.manner(Imagined(choice.origin, home), lambda _: home),
        unlocated=versions - campaign.access.known.keys(),
        size=network.probe_size,
    )


def _last_country(traces: Iterable[Trace]) -> str | None:
    """Where the last trace was measured: most machines stay."""
    last = next(iter(deque(traces, maxlen=1)), None)
    return None if last is None or last.vantage is None else last.vantage.country


def _known_access(origin: Origin, here: Premises, said: int | None) -> dict[int, Access]:
    """The access network by IP version, as far as it is known before anything is sent."""
    if said is not None:
        return dict.fromkeys((4, 6), access_said(said, origin))
    with closing(Footing(server.address for server in root_servers())) as footing:
        found = {
            version: access_of_interfaces(here, version, origin, end.address)
            for version, end in footing.ends().items()
        }
    return {version: access for version, access in found.items() if access is not None}


def _shortfall(campaign: Campaign) -> Failure | None:
    """How a run ends that went through all its targets; None where all is well."""
    failed = campaign.failures()
    if failed[OVER_BUDGET] and not campaign.tally.answered:
        return PartlyDone(_("the budget of the day is spent; go on after midnight UTC"))
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
