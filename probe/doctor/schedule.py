"""Whether runs begin by themselves, where their owner wants that, and how the last ones ended."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from probe.disk.places import is_under_sudo
from probe.doctor import Finding, State
from probe.schedule import here
from probe.schedule.diary import Diary
from probe.scrubbing import harmless
from probe.words.language import _
from probe.words.wallclock import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from probe.schedule import Job, Standing
    from probe.schedule.diary import DiaryEntry

# Seconds without a run after which a timer that stands well is doubted all the same: a machine that
# is on for an hour a day has measured by then.
_SILENT = 3 * 86_400.0

_INSTALL = "gatewatch schedule install"
_STATUS = "gatewatch schedule status"
_RUN = "gatewatch run"
_STATUS_OF_SYSTEM = "sudo gatewatch schedule status --system"


def schedule(clock: float | None = None) -> Iterator[Finding]:
    """How the timer stands; none is a choice, and nothing is wrong with it."""
    found = _standing()
    if found is None and is_under_sudo():
        unseen = here.unseen()
        yield Finding(State.WARNING, unseen.what, unseen.remedy)
        return
    if found is None:
        yield Finding(State.OK, _("no run begins by itself"), _INSTALL)
        return
    standing, what, system = found
    for trouble in standing.troubles:
        yield Finding(State.FAILED, harmless(trouble.what), trouble.remedy)
    for hint in standing.hints:
        yield Finding(State.WARNING, hint.what, hint.remedy)
    if standing.troubles:
        return
    try:
        yield _lately(what, time.time() if clock is None else clock)
    except PermissionError:
        if not system:
            raise
        says = _("runs begin by themselves; how they end is for root to see")
        yield Finding(State.OK, says, _STATUS_OF_SYSTEM)


def _standing() -> tuple[Standing, Job, bool] | None:
    """The timer that is in place, and whether it is the system's; None where there is none."""
    for system in (False, True):
        found = here.in_place(system=system)
        if found is not None:
            _timer, what, standing = found
            return standing, what, system
    return None


def _lately(what: Job, now: float) -> Finding:
    entry = Diary(what.folder, lambda: now, lambda: 0.0).read()
    last = entry.ended if entry.skipped is None else entry.skipped
    if last is None:
        return Finding(State.OK, _("runs begin by themselves; none has yet"))
    if now - last > _SILENT:
        return Finding(
            State.WARNING,
            _("no run has begun by itself since {when}").format(when=shown(last)),
            _STATUS,
        )
    if entry.skipped is not None:
        return _left_out(entry, now)
    if not entry.kept:
        return Finding(
            State.WARNING,
            _("the last run that began by itself kept nothing (exit code {code})").format(
                code=entry.code
            ),
            _RUN,
        )
    if 2 * entry.unheard >= entry.kept:
        says = _(
            "{unheard} of {kept} traces of the last run heard nothing from beyond your own line"
        )
        return Finding(State.WARNING, says.format(unheard=entry.unheard, kept=entry.kept), _STATUS)
    return Finding(
        State.OK, _("runs begin by themselves, the last at {when}").format(when=shown(last))
    )


def _left_out(entry: DiaryEntry, now: float) -> Finding:
    """What runs that are left out amount to: a laptop's evening, or nothing for weeks."""
    assert entry.skipped is not None
    named = {"when": shown(entry.skipped), "why": harmless(str(entry.why))}
    if entry.ended is None:
        says = _("no scheduled run has measured yet; the last one, at {when}, was left out: {why}")
        return Finding(State.WARNING, says.format(**named), _RUN)
    if now - entry.ended > _SILENT:
        says = _(
            "nothing has been measured since {ended}; the last run at {when} was left out: {why}"
        )
        return Finding(State.WARNING, says.format(**named, ended=shown(entry.ended)), _RUN)
    says = _("runs begin by themselves; the last at {when} was left out: {why}")
    return Finding(State.OK, says.format(**named))
