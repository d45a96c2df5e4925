"""What `gatewatch run --scheduled` does before and after it measures, with nobody looking on.

Before: whether it is time, and whether consent, battery, link and budget allow it. After: one line
for the log that names neither address nor folder nor network, a note for `schedule status`, and
what is due to be handed on. A run that is left out is no failure and ends with 0.
"""

from __future__ import annotations

import os
import secrets
import sys
import time
from typing import TYPE_CHECKING, NoReturn

import click
from click.core import ParameterSource

from probe.commands import kept, options, words
from probe.disk.places import data_folder
from probe.owner.consent import Permission, missing, require
from probe.owner.settings import read_settings, settings_file
from probe.run.allowance import (
    MEGABYTE,
    USUAL_BYTES,
    Allowance,
    OverAllowance,
    allowance_file,
    is_unknown,
)
from probe.run.lock import Busy, lock
from probe.schedule.circumstances import reason_to_wait
from probe.schedule.diary import Diary
from probe.spool import spool_folder
from probe.words.failure import BadInput, Offline, PartlyDone
from probe.words.language import _, ngettext
from probe.words.sentence import Sentence

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import ExitStack
    from pathlib import Path

    from probe.commands.ended import Ended
    from probe.record import Trace
    from probe.run.itinerary import Progress
    from probe.run.tally import Tally

# Megabytes that scheduled runs may send in a month unless the settings say otherwise: twice what
# four runs a day over the list that ships take.
MONTHLY = 60.0

BUSY = Sentence("another run was going on")
SPENT = Sentence("the budget of the day was spent")
SPENT_OF_MONTH = Sentence("the budget of the month was spent")
LOST = Sentence("how much was sent is not known any more; see: gatewatch doctor")


class _Unwatched:
    """Progress that nobody is told."""

    def expect(self, total: int) -> None:
        """See `probe.run.itinerary.Progress`."""

    def finished(self, trace: Trace) -> None:
        """See `probe.run.itinerary.Progress`."""

    def interrupted(self, why: str) -> None:
        """See `probe.run.itinerary.Progress`."""


class Turn:
    """One scheduled run that may go ahead. ``place`` is where in the list it begins."""

    def __init__(self, diary: Diary, allowance: Allowance) -> None:
        self.allowance = allowance
        before = diary.read()
        # Behind what one has kept that was cut off, as by the power.
        self._unread: dict[Path, OSError] = {}
        self.place = before.place + kept.since(spool_folder(), before.begun, self._unread)
        self._diary = diary

    def refuse(self, why: Sentence) -> NoReturn:
        """What would be measured is no evidence: leave this run out."""
        _leave_out(self._diary, why)

    def progress(self, _stack: ExitStack, _absent: frozenset[int]) -> Progress:
        """Nobody looks on; what happens now may be cut off."""
        self._diary.begun(self.place)
        return _Unwatched()

    def end(self, ended: Ended) -> None:
        """Say and remember how it ended, and exit with its code."""
        campaign, failure = ended.campaign, ended.failure
        code = ended.code or (failure.exit_code if failure else 0)
        # Behind a captive portal something answers, and whoever signs in is soon let out.
        tally = campaign.tally
        nothing = not tally.kept and (not tally.answered or isinstance(failure, Offline))
        self._diary.ended(
            code,
            tally.kept,
            ended.place,
            failed=nothing,
            unheard=tally.unheard,
            slow_ms=tally.slow_ms,
        )
        said = ngettext("kept {count} trace", "kept {count} traces", tally.kept)
        parts = [said.format(count=tally.kept)]
        if isinstance(failure, Offline):
            parts.append(_("no way out to the network"))
        elif failed := campaign.failures():
            parts.append(words.counts(failed))
        parts += _of_the_line(tally)
        if unread := self._unread | campaign.unread:
            parts.append(
                ngettext(
                    "the disk does not give all of {count} day; see: gatewatch show",
                    "the disk does not give all of {count} days; see: gatewatch show",
                    len(unread),
                ).format(count=len(unread))
            )
        if code:
            parts.append(_("exit code {code}").format(code=code))
        hours = (self._diary.read().due - time.time()) / 3600
        parts.append(_("next in about {hours:.0f} h").format(hours=hours))
        click.echo("; ".join(parts))
        if code in {0, PartlyDone.exit_code}:
            _hand_on()
        click.get_current_context().exit(code)


def _of_the_line(tally: Tally) -> Iterator[str]:
    """What there is to say of the own line: that it was cut, or is slow."""
    if tally.unheard:
        yield _("{count} heard nothing from beyond your own line").format(count=tally.unheard)
    if tally.slow_ms is not None:
        yield _("answers took up to {seconds:.0f} s").format(seconds=tally.slow_ms / 1000)


def begin(budget: float) -> Turn:
    """Check all that speaks against a run now, and hold the data folder until the command ends.

    ``budget`` is that of `--budget`, in megabytes a day. Ends the command with 0 where the run is
    left out. Raises `NoConsent`, and `BadInput` for settings that cannot be read.
    """
    folder = data_folder()
    require(folder, Permission.RUN, Permission.KEEP)
    context = click.get_current_context()
    diary = Diary(folder, time.time, secrets.SystemRandom().random)
    if not _may_be_due(diary):
        context.exit(0)
    try:
        context.with_resource(lock(folder))
    except Busy:
        # What is remembered is for who holds the folder to write.
        _tell_left_out(BUSY)
    if diary.begin_anew():
        click.echo(_("what the schedule remembered was damaged; it begins anew"))
    if not diary.due():
        # Another call measured between the two looks.
        context.exit(0)
    if why := reason_to_wait():
        _leave_out(diary, why)
    is_default = context.get_parameter_source("budget") is ParameterSource.DEFAULT
    daily, monthly = limits(None if is_default else budget, folder)
    allowance = Allowance(allowance_file(), daily, time.time, monthly=monthly)
    try:
        allowance.require(USUAL_BYTES)
    except OverAllowance:
        _leave_out(diary, _why_spent(allowance))
    return Turn(diary, allowance)


def _may_be_due(diary: Diary) -> bool:
    """Whether it is time, or may be: what is damaged only who holds the folder may mend."""
    try:
        return diary.due()
    except BadInput:
        return True


def _why_spent(allowance: Allowance) -> Sentence:
    is_of_month, sent = allowance.ends_with_month, allowance.sent
    if is_unknown(sent.month if is_of_month else sent.day):
        return LOST
    return SPENT_OF_MONTH if is_of_month else SPENT


def _hand_on() -> None:
    """Become `gatewatch submit --scheduled` where the owner agreed to share and named a collector.

    The program is started anew in place of this one, which has no use any more for the memory
    that measuring took.
    """
    if missing(data_folder(), Permission.SHARE) or read_settings().collector is None:
        return
    from probe.schedule.here import program  # noqa: PLC0415 - only who shares waits for it

    sys.stdout.flush()
    gatewatch = program()
    os.execv(gatewatch, [gatewatch, "submit", "--scheduled"])  # noqa: S606 - our own program


def limits(typed: float | None, folder: Path) -> tuple[float, float]:
    """Bytes that scheduled runs may send in a day and in a month.

    ``typed`` are the megabytes a day that somebody typed, which go before the settings in a data
    ``folder``.
    """
    settings = read_settings(settings_file(folder))
    daily = typed or settings.daily_megabytes or options.BUDGET
    return daily * MEGABYTE, (settings.monthly_megabytes or MONTHLY) * MEGABYTE


def _leave_out(diary: Diary, why: Sentence) -> NoReturn:
    diary.skipped(why)
    _tell_left_out(why)


def _tell_left_out(why: Sentence) -> NoReturn:
    click.echo(_("left out: {why}").format(why=why))
    click.get_current_context().exit(0)
