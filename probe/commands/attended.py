"""What `gatewatch run` does before and after it measures, with somebody looking on.

Before: ask for consent where it is missing, and keep a second run from starting. While it measures:
a bar on a terminal, else a line a trace. After: what became of every target, as sentences or as
JSON, and what to do next. A dry run is told here as well.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING, Any, NoReturn

import click

from probe.allowance import MEGABYTE, Allowance, allowance_file
from probe.alone import alone
from probe.commands import asking, words
from probe.consent import Capability
from probe.failure import Failure
from probe.language import _, ngettext
from probe.places import data_folder
from probe.spoiling import meanings

if TYPE_CHECKING:
    from contextlib import ExitStack

    from probe.commands.choosing import Choice
    from probe.commands.ended import Ended
    from probe.foresight import Cost
    from probe.itinerary import Progress
    from probe.record import Trace


class Attended:
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
        return stack.enter_context(_Shown())

    def end(self, ended: Ended) -> None:
        """Say what became of every target; raise or exit with what went wrong."""
        _say(ended, as_json=self._as_json)
        if ended.failure is not None:
            raise ended.failure
        if ended.code:
            click.get_current_context().exit(ended.code)


# Columns of a terminal; beside it the count and the time have room in 40.
_BAR = 12


class _Shown:
    """How far the run is, on the standard error: a bar on a terminal, else a line a trace."""

    def __init__(self) -> None:
        self.total = 0
        self.count = 0
        self.bar: Any = None

    def __enter__(self) -> _Shown:
        if sys.stderr.isatty():
            from rich import progress  # noqa: PLC0415 - only a terminal needs it
            from rich.console import Console  # noqa: PLC0415
            from rich.table import Column  # noqa: PLC0415

            rest = Column(ratio=1, no_wrap=True, overflow="ellipsis")
            self.bar = progress.Progress(
                progress.BarColumn(bar_width=_BAR),
                progress.MofNCompleteColumn(),
                progress.TimeRemainingColumn(),
                progress.TextColumn("{task.description}", table_column=rest),
                console=Console(stderr=True),
                expand=True,
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
            hops = f", {words.many(len(trace.hops), 'hop')}" if trace.hops else ""
            click.echo(f"[{self.count}/{self.total}] {said}{hops}", err=True)

    def interrupted(self, why: str) -> None:
        """Something came in between; the run goes on when it can."""
        said = f"{why}; what was in flight is measured again"
        if self.bar is not None:
            self.bar.console.print(said, markup=False)
        else:
            click.echo(said, err=True)


def foretell(cost: Cost, rate: float, allowed: float, choice: Choice, *, as_json: bool) -> None:
    """Say what a run would take; ``allowed`` are the bytes that the day has left."""
    if as_json:
        foreseen = {
            "targets": cost.targets,
            "known": cost.known,
            "unexplored": cost.unexplored,
            "packets": cost.packets,
            "bytes": cost.bytes,
            "minutes": round(cost.seconds / 60, 2),
            "at_least": cost.least
            and {
                "packets": cost.least.packets,
                "bytes": cost.least.bytes,
                "minutes": round(cost.least.seconds / 60, 2),
            },
            "allowed": int(max(0.0, allowed)),
            "left_out": dict(sorted(choice.left_out.items())),
        }
        click.echo(json.dumps(foreseen))
        return
    if cost.least is None:
        said = ngettext(
            "would trace to {count} target: about {packets} packets, {kilobytes:.0f} kB, "
            "{minutes:.1f} minutes at {rate:g} packets/s",
            "would trace to {count} targets: about {packets} packets, {kilobytes:.0f} kB, "
            "{minutes:.1f} minutes at {rate:g} packets/s",
            cost.targets,
        )
    else:
        said = ngettext(
            "would trace to {count} target: {least} to {packets} packets, at most {kilobytes:.0f} "
            "kB and {minutes:.1f} minutes at {rate:g} packets/s; too few paths from here are known "
            "to say what they share and how many routers stand side by side at the border",
            "would trace to {count} targets: {least} to {packets} packets, at most "
            "{kilobytes:.0f} kB and {minutes:.1f} minutes at {rate:g} packets/s; too few paths "
            "from here are known to say what they share and how many routers stand side by side at "
            "the border",
            cost.targets,
        )
    click.echo(
        said.format(
            count=cost.targets,
            least=cost.least and cost.least.packets,
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
    if cost.unexplored:
        click.echo(
            _(
                "counted without parallel paths for {count} of them, where --multipath full has "
                "not looked yet; what it finds there comes on top"
            ).format(count=cost.unexplored)
        )
    if choice.left_out:
        click.echo(_("left out: {counts}").format(counts=words.counts(choice.left_out)))
    if cost.bytes > allowed:
        left = max(0.0, allowed) / 1000
        said = (
            _("the budget of the day has {left:.0f} kB left: not all would be measured")
            if (cost.least or cost).bytes > allowed
            else _("the budget of the day has {left:.0f} kB left, which may not do for all")
        )
        click.echo(said.format(left=left))
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
                    "instead": instead.asn if (instead := campaign.instead.get(version)) else None,
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
    for version, instead in campaign.instead.items():
        click.echo(
            _(
                "AS{said}, which you named, stands first on no path, and AS{asn} {organisation} "
                "does: if that is your provider, what was kept is no evidence; run again with "
                "--access-as AS{asn}"
            ).format(
                said=campaign.access[version].asn,
                asn=instead.asn,
                organisation=instead.organisation,
            )
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
