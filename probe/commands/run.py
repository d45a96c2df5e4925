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
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import trio

from probe.allowance import MEGABYTE, USUAL_BYTES, USUAL_PROBES, Ledger, bytes_of
from probe.backend import choose_method, failure_of, open_network
from probe.campaign import REFUSED, Campaign
from probe.choice import fit, version_of, witnesses
from probe.commands import options, words
from probe.exclusions import exclusions_file, read_exclusions
from probe.failure import (
    INTERRUPTED,
    BadInput,
    Failure,
    Offline,
    PartlyDone,
    RefusedToRedact,
)
from probe.identity import Identity
from probe.locate import access_of_interfaces, access_said, premises
from probe.network import NetworkError
from probe.places import data_folder
from probe.session import Settings, measure
from probe.spool import spool_folder
from probe.targets import TargetError, read_targets, target_list
from probe.tracing import Task

if TYPE_CHECKING:
    from probe.allowance import Cost
    from probe.exclusions import Exclusions
    from probe.locate import Access
    from probe.network import Method, Network
    from probe.origin import Origin
    from probe.record import Trace
    from probe.redact import Premises
    from probe.targets import Target

# Megabytes a day: some ten runs over the list that ships.
BUDGET = 5.0


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
@click.option(
    "--rate",
    type=click.FloatRange(0.1),
    default=options.RATE,
    show_default=True,
    help=f"Packets per second, {options.RATE_CAP:.0f} at most.",
)
@click.option(
    "--budget",
    type=click.FloatRange(0, min_open=True),
    default=BUDGET,
    show_default=True,
    help="Megabytes that may be sent in a day (UTC).",
)
@click.option("--dry-run", is_flag=True, help="Send nothing; say what the run would take.")
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
@click.option(
    "--i-run-this-network",
    "own_network",
    is_flag=True,
    help="Allow private targets and any rate: only in a network that is yours.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
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
    as_json: bool,
) -> None:
    """Trace to many targets and keep each result, redacted, as soon as it is finished.

    Your own address, the name of this computer and the place of your line in your provider's
    network are taken out before anything is written. Stop it at any time: what was finished is
    kept. See it with `gatewatch show`.
    """
    if rate > options.RATE_CAP and not own_network:
        raise Failure(f"--rate is {options.RATE_CAP:.0f} at most unless --i-run-this-network")
    origin = options.address_table(table)
    options.known_country(country, origin)
    here = premises()
    excluded = read_exclusions(exclusions_file())
    choice = _Choice(
        origin, here, version, limit, listed, excluded=excluded, own_network=own_network
    )
    access = _known_access(origin, here, access_as)
    folder = folder or spool_folder()
    ledger = _ledger(folder, budget)
    identity = Identity(data_folder())
    flow = identity.last_flow() if resume else None
    if flow is not None:
        choice.done = ledger.measured(flow)
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
        click.echo("the last run measured all its targets; nothing was sent", err=as_json)
        return
    failure: Failure | None = None
    stopped = False
    began = time.monotonic()
    with ExitStack() as stack:
        writes = () if dry_run else (folder, data_folder())
        network = _open(stack, backend, writes, None if dry_run else evidence)
        stack.callback(campaign.close)
        progress = _Progress() if dry_run else stack.enter_context(_Progress())
        measuring = _Measuring(
            network,
            campaign,
            Settings(rate=rate),
            options.method(method),
            progress,
            allowed=budget * MEGABYTE - ledger.spent,
        )
        if dry_run:
            _foretell(measuring.foresee(targets, ledger), choice.left_out, as_json=as_json)
            if campaign.country is None and listed is None and not as_json:
                click.echo("without the networks of your country; name it with --country CC")
            return
        try:
            trio.run(measuring.run, choice, targets)
        except KeyboardInterrupt:
            stopped = True
        except NetworkError as problem:
            failure = failure_of(problem)
        except Failure as problem:
            failure = problem
    seconds = time.monotonic() - began
    _say(campaign, choice.left_out, seconds, stopped=stopped, as_json=as_json)
    if failure is None and not stopped:
        failure = _verdict(campaign)
    if failure is not None:
        raise failure
    if stopped:
        click.get_current_context().exit(INTERRUPTED)


def _open(
    stack: ExitStack, backend: str, writes: tuple[Path, ...], evidence: Path | None
) -> Network:
    """The network layer, and the file of raw packets where one is wanted, until the stack ends."""
    tap = stack.enter_context(options.evidence(evidence, writes))
    network = open_network(backend, writes=writes, tap=tap)
    stack.callback(network.close)
    return network


def _ledger(folder: Path, budget: float) -> Ledger:
    """What was sent from here before; raises `PartlyDone` where the day has no budget left."""
    ledger = Ledger(folder, time.time())
    if ledger.spent >= budget * MEGABYTE:
        raise PartlyDone(
            f"the budget of the day, {budget:g} MB, is spent; nothing was sent, go on after "
            "midnight UTC or give a larger --budget"
        )
    return ledger


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
        self.own = _read(listed) if listed is not None else None
        self.own_network = own_network
        # Addresses that the run gone on with has measured.
        self.done: frozenset[str] = frozenset()
        self.left_out: Counter[str] = Counter()

    def targets(self, country: str | None) -> list[Target]:
        """The targets to probe from a country; none where the run gone on with is complete.

        Raises `BadInput` where none of the list may be probed.
        """
        listed = self.own if self.own is not None else target_list(self.origin, country)
        wanted = [target for target in listed if self.version in {None, version_of(target)}]
        chosen, self.left_out = fit(
            wanted, self.here, self.origin, self.excluded, own_network=self.own_network
        )
        if not chosen:
            reasons = _counts(self.left_out) or "the list is empty"
            raise BadInput(f"no target may be probed: {reasons}")
        left = [target for target in chosen if target.address not in self.done]
        if len(left) < len(chosen):
            self.left_out["measured before"] = len(chosen) - len(left)
        return left[: self.limit]


def _read(path: Path) -> list[Target]:
    try:
        return list(read_targets(path))
    except TargetError as problem:
        raise BadInput(str(problem)) from problem


def _known_access(origin: Origin, here: Premises, said: int | None) -> dict[int, Access]:
    """The access network by IP version, as far as it is known before anything is sent."""
    if said is not None:
        return dict.fromkeys((4, 6), access_said(said, origin))
    found = {version: access_of_interfaces(here, version, origin) for version in (4, 6)}
    return {version: access for version, access in found.items() if access is not None}


class _Measuring:
    """The order of a run: a few witnesses first, until it is known where one is; then the rest."""

    def __init__(
        self,
        network: Network,
        campaign: Campaign,
        settings: Settings,
        method: Method | None,
        progress: _Progress,
        *,
        allowed: float,
    ) -> None:
        self.network = network
        self.campaign = campaign
        self.settings = settings
        self.method = method
        self.progress = progress
        # Bytes that may still be sent today, and how many traces under way are yet to be paid.
        self.left = allowed
        self.unpaid = 0

    def foresee(self, targets: list[Target], ledger: Ledger) -> Cost:
        """What tracing to these targets would take."""
        methods = self.methods({version_of(target) for target in targets})
        wanted = [
            (target.address, methods[version_of(target)].upper())
            for target in targets
            if version_of(target) in methods
        ]
        return ledger.foresee(wanted, self.settings.rate)

    async def run(self, choice: _Choice, targets: list[Target]) -> None:
        unknown = sorted({version_of(target) for target in targets} - self.campaign.access.keys())
        asked = [
            witness
            for version in unknown
            for witness in witnesses([one for one in targets if version_of(one) == version])
        ]
        if asked:
            country = self.campaign.country
            self.progress.expect(len(targets))
            await self.measure(asked)
            self.campaign.locate()
            if country != self.campaign.country:
                targets = choice.targets(self.campaign.country)
        done = {target.address for target in asked}
        rest = []
        for target in targets:
            if target.address not in done:
                if version_of(target) in self.campaign.access:
                    rest.append(target)
                else:
                    self.campaign.skip(version_of(target))
        # Domestic targets may have come in only now; the limit still counts what was asked.
        rest = rest[: None if choice.limit is None else choice.limit - len(asked)]
        self.progress.expect(len(asked) + len(rest))
        await self.measure(rest)

    async def measure(self, targets: list[Target]) -> None:
        flow = self.campaign.flow
        methods = self.methods({version_of(target) for target in targets})
        for target in targets:
            if version_of(target) not in methods:
                self.campaign.skip(version_of(target))
        tasks = (
            Task(target.address, target.name, methods[version_of(target)], flow)
            for target in targets
            if version_of(target) in methods and self.affords_one_more()
        )
        await measure(self.network, tasks, self.settings, finished=self.finished)

    def affords_one_more(self) -> bool:
        """Whether the budget lasts for one more trace as long as most are; counts it if so."""
        if (self.unpaid + 1) * USUAL_PROBES * USUAL_BYTES > self.left:
            self.campaign.unaffordable += 1
            return False
        self.unpaid += 1
        return True

    def methods(self, versions: set[int]) -> dict[int, Method]:
        """The method by IP version, for those that can be probed; raises where none can."""
        found: dict[int, Method] = {}
        denied: list[Failure] = []
        for version in sorted(versions):
            try:
                found[version] = choose_method(self.network, version, self.method)
            except Failure as problem:
                denied.append(problem)
        if denied and not found:
            raise denied[0]
        return found

    def finished(self, trace: Trace) -> None:
        self.unpaid -= 1
        self.left -= bytes_of(trace)
        self.campaign.finished(trace)
        self.progress.finished(trace)


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
        said = f"{trace.dst_addr} {words.stop(trace)}"
        if self.bar is not None:
            self.bar.update(self.bar.task_ids[0], advance=1, description=said)
        else:
            hops = f", {len(trace.hops)} hops" if trace.hops else ""
            click.echo(f"[{self.count}/{self.total}] {said}{hops}", err=True)


def _foretell(cost: Cost, left_out: Counter[str], *, as_json: bool) -> None:
    """What a run would take, without running."""
    if as_json:
        foreseen = {
            "targets": cost.targets,
            "known": cost.known,
            "packets": cost.packets,
            "bytes": cost.bytes,
            "minutes": round(cost.minutes, 1),
            "left_out": dict(sorted(left_out.items())),
        }
        click.echo(json.dumps(foreseen))
        return
    click.echo(
        f"would trace to {words.many(cost.targets, 'target')}: about {cost.packets} packets, "
        f"{cost.bytes / 1000:.0f} kB, {cost.minutes:.1f} minutes at {cost.rate:g} packets/s"
    )
    if cost.known < cost.targets:
        click.echo(
            f"a guess for {cost.targets - cost.known} of them, never traced from here before"
        )
    if left_out:
        click.echo(f"left out: {_counts(left_out)}")
    click.echo("nothing was sent")


def _counts(counted: Counter[str]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in sorted(counted.items()))


def _say(
    campaign: Campaign, left_out: Counter[str], seconds: float, *, stopped: bool, as_json: bool
) -> None:
    """The summary: what was kept, what was not and why, and what to do next."""
    failed = campaign.failed()
    left_out = left_out + Counter(
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
            "stopped": stopped,
            "seconds": round(seconds, 1),
        }
        click.echo(json.dumps(summary))
        return
    click.echo(f"kept {words.many(campaign.kept, 'trace')} in {campaign.folder} ({seconds:.0f} s)")
    if failed:
        click.echo(f"failed: {_counts(failed)}")
    if left_out:
        click.echo(f"left out: {_counts(left_out)}")
    if campaign.kept and campaign.country is None:
        click.echo("your country is not in the address table; give it with --country CC")
    if campaign.kept:
        click.echo("next: gatewatch show")


def _verdict(campaign: Campaign) -> Failure | None:
    """How a run ends that went through all its targets; None where all is well."""
    failed = campaign.failed()
    if not campaign.routed:
        return Offline("there is no route to any target; check the connection")
    if not campaign.answered:
        return Offline("no probe was answered; check the connection")
    if failed[REFUSED] and not campaign.kept:
        return RefusedToRedact("no trace could be redacted for sure, so nothing was written")
    if failed:
        return PartlyDone(f"not everything could be measured: {_counts(failed)}")
    return None
