"""``gatewatch run``: trace a list of targets, and keep what redaction lets through.

Chooses the targets, learns where it is, measures, and says at the end what became of every
target. What is kept and how is `probe.campaign`'s business.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click
import trio

from probe import stop
from probe.allowance import MEGABYTE, Allowance, allowance_file
from probe.alone import alone
from probe.backend import failure_of, open_network
from probe.campaign import OVER_BUDGET, REFUSED, Campaign
from probe.choice import fit, is_among, measured, version_of
from probe.commands import asking, options, words
from probe.commands.ended import Ended
from probe.consent import Capability
from probe.exclusions import exclusions_file, read_exclusions
from probe.failure import (
    INTERRUPTED,
    BadInput,
    Failure,
    Offline,
    PartlyDone,
    PermissionDenied,
    RefusedToRedact,
    Stopped,
)
from probe.ground import Footing
from probe.identity import Identity
from probe.itinerary import Itinerary, usable
from probe.language import _, ngettext
from probe.locate import access_of_interfaces, access_said, premises
from probe.manner import Manner
from probe.meter import Metered
from probe.network import NetworkError
from probe.places import data_folder
from probe.session import Settings
from probe.spoiling import Spoiling, days_that_have_been, meanings
from probe.spool import day_files, read, spool_folder
from probe.targets import TargetError, address_of, read_targets, target_list

if TYPE_CHECKING:
    from collections.abc import Callable

    from probe.commands.unattended import Turn
    from probe.exclusions import Exclusions
    from probe.foresight import Cost
    from probe.forks import Where
    from probe.itinerary import Progress
    from probe.locate import Access
    from probe.network import Method
    from probe.origin import Origin
    from probe.record import Trace
    from probe.redact import Premises
    from probe.targets import Target


@click.command(short_help="Trace to a list of targets and keep the results.")
@click.option(
    "--targets",
    "listed",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Your own list, one address and name a line. Else: root servers, large foreign "
    "networks, and the networks of your country.",
)
@click.option(
    "--country",
    callback=options.country,
    help="The country you are in (ISO code); else that of your access network's registration.",
)
@click.option(
    "--access-as",
    callback=options.autonomous_system,
    help="The AS number of your provider, when it cannot be told for sure.",
)
@options.probing
@options.courtesy
@options.multipath
@click.option(
    "--economical",
    is_flag=True,
    help="Spare packets: what traces share is measured once and then taken over, marked as "
    "inferred. The hops around the border are measured in every trace.",
)
@click.option("--dry-run", is_flag=True, help="Send no probe; say what the run would take.")
@click.option(
    "--resume", is_flag=True, help="Go on with the last run: what it kept is not traced again."
)
@click.option("--limit", type=click.IntRange(1), help="Only the first so many targets.")
@click.option(
    "--to",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where to keep the results; else the spool in the data folder.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
@click.option(
    "--scheduled",
    is_flag=True,
    help="As a timer calls it: measure only if it is time and neither battery, link nor budget "
    "speak against it, and print one line.",
)
@click.option(
    "--anyway",
    is_flag=True,
    help="Measure through a VPN or with a wrong clock, too: the traces say so, and analysis sets "
    "them aside.",
)
def run(
    *,
    listed: Path | None,
    country: str | None,
    access_as: int | None,
    method: str,
    backend: str,
    evidence: Path | None,
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

    Your own address, the name of this computer and the place of your line in your provider's
    network are taken out before anything is written. Stop it at any time: what was finished is
    kept. See it with `gatewatch show`.
    """
    if scheduled and (dry_run or resume or as_json or evidence):
        raise click.UsageError("--scheduled goes with none of --dry-run, --resume, --json, --pcap")
    options.check_rate(rate, own_network=own_network)
    turn: Turn | _Attended = (
        _turn(budget) if scheduled else _Attended(budget, dry_run=dry_run, as_json=as_json)
    )
    origin = options.address_table(table)
    options.identify(origin)
    options.known_country(country, origin)
    here = premises()
    excluded = read_exclusions(exclusions_file())
    access = _known_access(origin, here, access_as)
    folder = folder or spool_folder()
    settings = Settings(rate=rate)
    began = time.monotonic()
    with ExitStack() as stack:
        # First of all: names are looked up in threads, and with those privileges stay.
        writes = () if dry_run else (folder, data_folder())
        network = _open(stack, backend, writes, None if dry_run else evidence, turn.allowance)
        choice = _Choice(
            origin, here, version, limit, listed, excluded=excluded, own_network=own_network
        )
        choice.place = turn.place
        identity = Identity(data_folder())
        flow = identity.last_flow() if resume else None
        if flow is not None:
            choice.done = measured(_kept(folder), flow, time.time())
        campaign = Campaign(
            folder=folder,
            origin=origin,
            premises=here,
            identity=identity,
            access=access,
            country=country,
            flow=flow,
        )
        targets = choice.targets(campaign.country)
        if not targets:
            click.echo(_("the last run measured all its targets; nothing was sent"), err=as_json)
            return
        manner = partial(
            Manner, origin, economical=economical, multipath=multipath, confidence=confidence
        )
        if dry_run:
            cost = _foresee(
                network, campaign, choice, settings, method=options.method(method), manner=manner
            )
            _foretell(cost, rate, turn.allowance.left, choice, as_json=as_json)
            if not choice.at_home and listed is None and not as_json:
                click.echo(_("without the networks of your country; name it with --country CC"))
            return
        stack.callback(campaign.close)
        footing = Footing(target.address for target in reversed(targets))
        stack.callback(footing.close)
        spoiling = Spoiling(
            footing.ends, days_that_have_been(origin.snapshot.date, folder), time.time
        )
        if not anyway and (why := spoiling.objection(set(map(version_of, targets)))):
            turn.refuse(why)
        campaign.circumstances = spoiling.notes
        campaign.earlier = _last_country(_newest(folder))
        itinerary = Itinerary(
            network,
            campaign,
            settings,
            options.method(method),
            manner=manner(lambda _: campaign.country),
            place=footing,
            premises=premises,
            allowance=turn.allowance,
            progress=turn.progress(stack),
            listed=choice.targets,
            limit=limit,
        )
        failure, code = _undertake(itinerary, targets, campaign)
        refused = Counter(network.discarded())
    turn.end(
        Ended(
            campaign,
            failure,
            code,
            left_out=choice.left_out + itinerary.left_out,
            refused=refused,
            seconds=time.monotonic() - began,
            place=choice.place_of(itinerary.unreached, campaign.country),
        )
    )


class _Attended:
    """A run that somebody looks on at: begins at the head of the list, and says all there is."""

    place = 0

    def __init__(self, budget: float, *, dry_run: bool, as_json: bool) -> None:
        self.allowance = Allowance(allowance_file(), budget * MEGABYTE, time.time)
        self._as_json = as_json
        if not dry_run:
            asking.obtain(data_folder(), Capability.RUN, Capability.KEEP)
            click.get_current_context().with_resource(alone(data_folder()))
            self.allowance.check()

    def refuse(self, why: str) -> NoReturn:
        """Say why what would be measured is no evidence, and end."""
        raise Failure(
            _("{why}; or measure all the same with --anyway, as no evidence").format(why=why)
        )

    def progress(self, stack: ExitStack) -> Progress:
        """A bar or a line a trace."""
        return stack.enter_context(_Progress())

    def end(self, ended: Ended) -> None:
        """Say what became of every target; raise or exit with what went wrong."""
        _say(ended, as_json=self._as_json)
        if ended.failure is not None:
            raise ended.failure
        if ended.code:
            click.get_current_context().exit(ended.code)


def _turn(budget: float) -> Turn:
    from probe.commands.unattended import begin  # noqa: PLC0415 - only a timer needs it

    return begin(budget)


def _open(
    stack: ExitStack,
    backend: str,
    writes: tuple[Path, ...],
    evidence: Path | None,
    allowance: Allowance,
) -> Metered:
    """The network layer, and the file of raw packets where one is wanted, until the stack ends."""
    tap = stack.enter_context(options.evidence(evidence, writes))
    network = Metered(open_network(backend, writes=writes, tap=tap), allowance)
    stack.callback(network.close)
    return network


def _undertake(
    itinerary: Itinerary, targets: list[Target], campaign: Campaign
) -> tuple[Failure | None, int]:
    """Go through all targets; how that failed, and the exit code where somebody stopped it."""
    try:
        stop.run(partial(itinerary.run, targets))
    except KeyboardInterrupt:
        return None, INTERRUPTED
    except Stopped as told:
        return None, 128 + told.number
    except NetworkError as problem:
        return (PartlyDone(str(problem)) if campaign.kept else failure_of(problem)), 0
    except Failure as problem:
        return problem, 0
    return _verdict(campaign), 0


def _newest(folder: Path) -> list[Trace]:
    """The traces of the last day on which any were kept."""
    older = [day.name for day in day_files(folder)[:-1]]
    return [kept.trace for kept in read(folder, without=older) if kept.trace is not None]


def _kept(folder: Path) -> list[Trace]:
    return [kept.trace for kept in read(folder) if kept.trace is not None]


def _foresee(
    network: Metered,
    campaign: Campaign,
    choice: _Choice,
    settings: Settings,
    *,
    method: Method | None,
    manner: Callable[[Callable[[Trace | None], str | None]], Manner],
) -> Cost:
    """What the run would take; nothing is sent."""
    from probe.foresight import Experience, foresee  # noqa: PLC0415 - not needed to measure

    traces = _kept(campaign.folder)
    country = campaign.country or _last_country(traces)
    targets = choice.targets(country)
    versions = set(map(version_of, targets))
    return foresee(
        Experience(traces, choice.listed(country)),
        targets,
        usable(network, versions, method),
        settings,
        manner=manner(lambda _: country),
        unlocated=versions - campaign.access.keys(),
        size=network.probe_size,
    )


def _last_country(traces: list[Trace]) -> str | None:
    """Where the last trace was measured: most machines stay."""
    return traces[-1].vantage.country if traces and traces[-1].vantage is not None else None


class _Choice:
    """The targets of a run; `left_out` counts by reason those that may not be probed."""

    def __init__(
        self,
        origin: Origin,
        here: Premises,
        version: int | None,
        limit: int | None,
        listed: Path | None,
        *,
        excluded: Exclusions,
        own_network: bool,
    ) -> None:
        self.origin = origin
        self.here = here
        self.excluded = excluded
        self.version = version
        self.limit = limit
        # Host names of an own list that a resolver was asked for.
        self.looked_up: list[str] = []
        self.own = _read(listed, self._look_up) if listed is not None else None
        self.own_network = own_network
        # Addresses that the run gone on with has measured.
        self.done: frozenset[str] = frozenset()
        # Where in the list to begin; what stands before it comes last.
        self.place = 0
        self.left_out: Counter[str] = Counter()
        # Whether the last list had networks of the country in it.
        self.at_home = False

    def _look_up(self, host: str) -> str:
        self.looked_up.append(host)
        return _address_of(host)

    def listed(self, country: str | None) -> list[Target]:
        """The whole list, fit or not."""
        self.at_home = country is not None
        return self.own if self.own is not None else target_list(self.origin, country)

    def targets(self, country: str | None) -> list[Target]:
        """The targets to probe from a country; none where the run gone on with is complete.

        Raises `BadInput` where none of the list may be probed.
        """
        wanted = [
            target for target in self._turned(country) if self.version in {None, version_of(target)}
        ]
        chosen, self.left_out = fit(
            wanted, self.here, self.origin, self.excluded, own_network=self.own_network
        )
        if not chosen:
            reasons = words.counts(self.left_out) or _("the list is empty")
            raise BadInput(_("no target may be probed: {reasons}").format(reasons=reasons))
        left = [target for target in chosen if not is_among(target.address, self.done)]
        if len(left) < len(chosen):
            self.left_out["measured before"] = len(chosen) - len(left)
        return left[: self.limit]

    def place_of(self, unreached: list[Target], country: str | None) -> int:
        """Where in the list a next run goes on: at the first target that this one did not reach."""
        if not unreached:
            return self.place + (self.limit or 0)
        addresses = [target.address for target in self.listed(country)]
        return addresses.index(unreached[0].address)

    def _turned(self, country: str | None) -> list[Target]:
        listed = self.listed(country)
        begin = self.place % len(listed) if listed else 0
        return [*listed[begin:], *listed[:begin]]


def _read(path: Path, look_up: Callable[[str], str]) -> list[Target]:
    try:
        return list(read_targets(path, look_up))
    except TargetError as problem:
        raise BadInput(str(problem)) from problem


def _address_of(host: str) -> str:
    """The address of a host; Ctrl-C ends it at once, however long the resolver takes."""
    ask = partial(trio.to_thread.run_sync, address_of, host, abandon_on_cancel=True)
    return trio.run(ask)


def _known_access(origin: Origin, here: Premises, said: int | None) -> dict[int, Access]:
    """The access network by IP version, as far as it is known before anything is sent."""
    if said is not None:
        return dict.fromkeys((4, 6), access_said(said, origin))
    found = {version: access_of_interfaces(here, version, origin) for version in (4, 6)}
    return {version: access for version, access in found.items() if access is not None}


class _Progress:
    """How far the run is, on the standard error: a bar on a terminal, else a line a trace."""

    def __init__(self) -> None:
        self.total = 0
        self.count = 0
        self.bar: Any = None

    def __enter__(self) -> _Progress:
        if sys.stderr.isatty():
            from rich.console import Console  # noqa: PLC0415 - only a terminal needs it
            from rich.progress import (  # noqa: PLC0415
                BarColumn,
                MofNCompleteColumn,
                Progress,
                TextColumn,
                TimeRemainingColumn,
            )

            self.bar = Progress(
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
                TextColumn("{task.description}"),
                console=Console(stderr=True),
            )
            self.bar.add_task("", total=None)
            self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.stop()

    def expect(self, total: int) -> None:
        """So many traces are to come in all."""
        self.total = total
        if self.bar is not None:
            self.bar.update(self.bar.task_ids[0], total=total)

    def finished(self, trace: Trace) -> None:
        """One more is done."""
        self.count += 1
        said = words.stop(trace)
        if self.bar is not None:
            said = f"{trace.dst_addr} {said}"
            self.bar.update(self.bar.task_ids[0], advance=1, description=said)
        else:
            # What goes to a file or a log names no address: a target may be one's own line.
            hops = f", {len(trace.hops)} hops" if trace.hops else ""
            click.echo(f"[{self.count}/{self.total}] {said}{hops}", err=True)

    def interrupted(self, why: str) -> None:
        """Something came in between; the run goes on when it can."""
        said = f"{why}; what was in flight is measured again"
        if self.bar is not None:
            self.bar.console.print(said, markup=False)
        else:
            click.echo(said, err=True)


def _foretell(cost: Cost, rate: float, allowed: float, choice: _Choice, *, as_json: bool) -> None:
    """Say what a run would take; ``allowed`` are the bytes that the day has left."""
    if as_json:
        foreseen = {
            "targets": cost.targets,
            "known": cost.known,
            "packets": cost.packets,
            "bytes": cost.bytes,
            "minutes": round(cost.seconds / 60, 2),
            "allowed": int(max(0.0, allowed)),
            "left_out": dict(sorted(choice.left_out.items())),
        }
        click.echo(json.dumps(foreseen))
        return
    click.echo(
        ngettext(
            "would trace to {count} target: about {packets} packets, {kilobytes:.0f} kB, "
            "{minutes:.1f} minutes at {rate:g} packets/s",
            "would trace to {count} targets: about {packets} packets, {kilobytes:.0f} kB, "
            "{minutes:.1f} minutes at {rate:g} packets/s",
            cost.targets,
        ).format(
            count=cost.targets,
            packets=cost.packets,
            kilobytes=cost.bytes / 1000,
            minutes=cost.seconds / 60,
            rate=rate,
        )
    )
    if cost.known < cost.targets:
        click.echo(
            _("a guess for {count} of them, never traced from here before").format(
                count=cost.targets - cost.known
            )
        )
    if choice.left_out:
        click.echo(_("left out: {counts}").format(counts=words.counts(choice.left_out)))
    if cost.bytes > allowed:
        left = max(0.0, allowed) / 1000
        click.echo(
            _("the budget of the day has {left:.0f} kB left: not all would be measured").format(
                left=left
            )
        )
    if choice.looked_up:
        click.echo(_("no probe was sent, but the names in your list were looked up"))
    else:
        click.echo(_("nothing was sent"))


def _say(ended: Ended, *, as_json: bool) -> None:
    """The summary: what was kept, what was not and why, and what to do next."""
    campaign, refused, seconds = ended.campaign, ended.refused, ended.seconds
    failed = campaign.failed()
    left_out = ended.left_out + Counter(
        {f"no IPv{version} here": count for version, count in campaign.absent().items()}
    )
    if as_json:
        summary = {
            "kept": campaign.kept,
            "failed": dict(sorted(failed.items())),
            "left_out": dict(sorted(left_out.items())),
            "folder": str(campaign.folder),
            "flow": campaign.flow,
            "access": {
                f"ipv{version}": {
                    "asn": access.asn,
                    "organisation": access.organisation,
                    "known_by": access.known_by,
                }
                for version, access in sorted(campaign.access.items())
            },
            "country": campaign.country,
            "noted": dict(sorted(campaign.noted.items())),
            "refused_packets": dict(sorted(refused.items())),
            "interrupted": dict(sorted(campaign.interruptions.items())),
            "begun_anew": campaign.begun_anew,
            "stopped": bool(ended.code),
            "seconds": round(seconds, 1),
        }
        click.echo(json.dumps(summary))
        return
    click.echo(
        ngettext(
            "kept {count} trace in {folder} ({seconds:.0f} s)",
            "kept {count} traces in {folder} ({seconds:.0f} s)",
            campaign.kept,
        ).format(count=campaign.kept, folder=campaign.folder, seconds=seconds)
    )
    if failed:
        click.echo(_("failed: {counts}").format(counts=words.counts(failed)))
    if left_out:
        click.echo(_("left out: {counts}").format(counts=words.counts(left_out)))
    for note, (meaning, _remedy) in meanings().items():
        if campaign.noted[note]:
            click.echo(
                ngettext(
                    "{count} trace: {meaning}", "{count} traces: {meaning}", campaign.noted[note]
                ).format(count=campaign.noted[note], meaning=meaning)
            )
    if campaign.interruptions:
        click.echo(
            ngettext(
                "interrupted: {counts}; {count} trace begun anew",
                "interrupted: {counts}; {count} traces begun anew",
                campaign.begun_anew,
            ).format(counts=words.counts(campaign.interruptions), count=campaign.begun_anew)
        )
    if refused:
        click.echo(
            _("packets that were no answers to these probes: {counts}").format(
                counts=words.counts(refused)
            )
        )
    if campaign.kept and campaign.country is None:
        click.echo(_("your country is not in the address table; give it with --country CC"))
    if campaign.kept:
        click.echo(_("next: gatewatch show"))


def _verdict(campaign: Campaign) -> Failure | None:
    """How a run ends that went through all its targets; None where all is well."""
    failed = campaign.failed()
    if failed[OVER_BUDGET] and not campaign.answered:
        return PartlyDone(_("the budget of the day is spent; go on after midnight UTC"))
    if not campaign.routed:
        if campaign.firewall is not None:
            return PermissionDenied(campaign.firewall)
        return Offline(_("there is no route to any target; check the connection"))
    if not campaign.answered:
        return Offline(_("no probe was answered; check the connection"))
    if failed[REFUSED] and not campaign.kept:
        return campaign.unlocated or RefusedToRedact(
            _("no trace could be redacted for sure, so nothing was written")
        )
    if failed:
        return PartlyDone(
            _("not everything could be measured: {counts}").format(counts=words.counts(failed))
        )
    return None
