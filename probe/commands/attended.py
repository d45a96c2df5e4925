"""What `gatewatch run` does before and after it measures, with somebody looking on.

Before: ask for consent where it is missing, and keep a second run from starting. While it measures:
a bar on a terminal, else a line a trace. After: what became of every target, as sentences or as
JSON, and what to do next.
"""

from __future__ import annotations

import json
import shlex
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING, Any, NoReturn

import click

from probe.commands import asking, words
from probe.disk.mishap import failure_of
from probe.disk.places import data_folder
from probe.disk.private import NO_ROOM
from probe.owner.consent import Permission
from probe.run.allowance import MEGABYTE, Allowance, allowance_file
from probe.run.lock import lock
from probe.run.spoiling import meanings
from probe.spool import spool_folder
from probe.words.failure import Failure
from probe.words.language import _, ngettext

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import ExitStack

    from probe.commands.ended import Ended
    from probe.record import Trace
    from probe.run.itinerary import Progress
    from probe.run.tally import Tally
    from probe.words.sentence import Sentence


class Attended:
    """A run that somebody looks on at: begins at the head of the list, and says all there is."""

    place = 0

    def __init__(self, budget: float, *, dry_run: bool, as_json: bool) -> None:
        self.allowance = Allowance(allowance_file(), budget * MEGABYTE, time.time)
        self._as_json = as_json
        if not dry_run:
            asking.obtain(data_folder(), Permission.RUN, Permission.KEEP)
            click.get_current_context().with_resource(lock(data_folder()))
            self.allowance.check()

    def refuse(self, why: Sentence) -> NoReturn:
        """Say why what would be measured is no evidence, and end."""
        raise Failure(
            _("{why}; or measure all the same with --anyway, as no evidence").format(why=why)
        )

    def progress(self, stack: ExitStack, absent: frozenset[int]) -> Progress:
        """A bar or a line a trace, below what is said of IP versions that are not here."""
        for version in sorted(absent):
            _remark(
                _(
                    "this machine has no IPv{version}: targets with such addresses are left out"
                ).format(version=version)
            )
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
            _remark(f"[{self.count}/{self.total}] {said}{hops}")

    def interrupted(self, why: str) -> None:
        """Something came in between; the run goes on when it can."""
        said = f"{why}; what was in flight is measured again"
        if self.bar is not None:
            self.bar.console.print(said, markup=False)
        else:
            _remark(said)


def _remark(line: str) -> None:
    """A line on the standard error, for want of room for which no measurement ends."""
    try:
        click.echo(line, err=True)
    except OSError as problem:
        if problem.errno not in NO_ROOM:
            raise


def _say(ended: Ended, *, as_json: bool) -> None:
    """The summary: what was kept, what was not and why, and what to do next."""
    left_out = ended.left_out + Counter(
        {f"no IPv{version} here": count for version, count in ended.campaign.tally.absent().items()}
    )
    if as_json:
        click.echo(json.dumps(_summary(ended, left_out)))
        return
    for sentence in _sentences(ended, left_out):
        click.echo(sentence)


def _summary(ended: Ended, left_out: Counter[str]) -> dict[str, Any]:
    """The summary as a script reads it."""
    campaign, tally = ended.campaign, ended.campaign.tally
    instead = campaign.access.instead
    return {
        "kept": tally.kept,
        "failed": dict(sorted(campaign.failures().items())),
        "left_out": dict(sorted(left_out.items())),
        "folder": str(campaign.folder),
        "flow": campaign.flow,
        "access": {
            f"ipv{version}": {
                "asn": access.asn,
                "organisation": access.organisation,
                "known_by": access.known_by,
                "instead": instead[version].asn if version in instead else None,
            }
            for version, access in sorted(campaign.access.known.items())
        },
        "country": campaign.access.country,
        "noted": dict(sorted(tally.noted.items())),
        "refused_packets": dict(sorted(ended.refused.items())),
        "interrupted": dict(sorted(tally.interruptions.items())),
        "begun_anew": tally.begun_anew,
        "misdated": tally.misdated,
        "unheard": tally.unheard,
        "slow_ms": tally.slow_ms,
        "unread": sorted(map(str, campaign.unread)),
        "stopped": bool(ended.code),
        "seconds": round(ended.seconds, 1),
    }


def _sentences(ended: Ended, left_out: Counter[str]) -> Iterator[str]:
    """The summary as a person reads it."""
    campaign, tally = ended.campaign, ended.campaign.tally
    yield ngettext(
        "kept {count} trace in {folder} ({seconds:.0f} s)",
        "kept {count} traces in {folder} ({seconds:.0f} s)",
        tally.kept,
    ).format(count=tally.kept, folder=campaign.folder, seconds=ended.seconds)
    if failed := campaign.failures():
        yield _("failed: {counts}").format(counts=words.counts(failed))
    if left_out:
        yield _("left out: {counts}").format(counts=words.counts(left_out))
    for note, (meaning, _remedy) in meanings().items():
        if tally.noted[note]:
            yield ngettext(
                "{count} trace: {meaning}", "{count} traces: {meaning}", tally.noted[note]
            ).format(count=tally.noted[note], meaning=meaning)
    for version, instead in campaign.access.instead.items():
        yield _(
            "the first network on your paths is AS{asn} {organisation}, and never AS{said}, which "
            "you named: if AS{asn} is your provider, what was kept is no evidence; run again with "
            "--access-as AS{asn}"
        ).format(
            said=campaign.access.known[version].asn,
            asn=instead.asn,
            organisation=instead.organisation,
        )
    if tally.misdated:
        yield ngettext(
            "{count} trace is misdated: the clock was set meanwhile, by more than an hour; no "
            "bundle takes it",
            "{count} traces are misdated: the clock was set meanwhile, by more than an hour; no "
            "bundle takes them",
            tally.misdated,
        ).format(count=tally.misdated)
    yield from (str(failure_of(problem)) for _day, problem in sorted(campaign.unread.items()))
    if tally.interruptions:
        yield ngettext(
            "interrupted: {counts}; {count} trace begun anew",
            "interrupted: {counts}; {count} traces begun anew",
            tally.begun_anew,
        ).format(counts=words.counts(tally.interruptions), count=tally.begun_anew)
    yield from _of_the_line(tally)
    if ended.refused:
        yield _("packets that were no answers to these probes: {counts}").format(
            counts=words.counts(ended.refused)
        )
    if tally.kept and campaign.access.country is None:
        yield _("your country is not in the address table; give it with --country CC")
    if tally.kept and ended.code:
        yield _("to go on where it stopped: the same command with --resume")
    if tally.kept and campaign.folder == spool_folder():
        yield _("next: gatewatch show")
    elif tally.kept:
        yield _("next: gatewatch show --from {folder}").format(
            folder=shlex.quote(str(campaign.folder))
        )


def _of_the_line(tally: Tally) -> Iterator[str]:
    """What there is to say of the own line: that it was cut, or is slow."""
    if tally.unheard:
        yield ngettext(
            "{count} trace heard nothing from beyond your own line, not the second time either; "
            "measure again when the line is better",
            "{count} traces heard nothing from beyond your own line, not the second time either; "
            "measure again when the line is better",
            tally.unheard,
        ).format(count=tally.unheard)
    if tally.slow_ms is not None:
        yield _(
            "answers took up to {seconds:.0f} s, as on a line that is slow or in use: better "
            "measure while nobody else uses it, or more slowly, as with --rate 5"
        ).format(seconds=tally.slow_ms / 1000)
