"""Whether what is measured here would be evidence: no VPN in the way, and the right day.

Nobody else is asked. What only traces can tell, a captive portal or a carrier's NAT, the last ones
that were kept say of themselves.
"""

from __future__ import annotations

import time
from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING

from probe.doctor import Finding, State
from probe.doctor.sending import FAR
from probe.origin.snapshot import current_manifest
from probe.record import CARRIER_NAT
from probe.run.spoiling import SET_CLOCK, Spoiling, days_that_have_been, meanings
from probe.spool import day_files, read_day, spool_folder
from probe.vantage.ground import Footing
from probe.vantage.timekeeping import is_set_by_others
from probe.vantage.tunnel import nobodys_name, tunnels
from probe.words.language import _, ngettext

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from probe.vantage.ground import LineEnd


def vpn(ends: Mapping[int, LineEnd] | None = None) -> Iterator[Finding]:
    """Whether packets leave through a tunnel. ``ends`` are this machine's; else they are asked."""
    if ends is None:
        with closing(Footing(FAR.values())) as footing:
            ends = footing.ends()
    says = Spoiling(lambda: ends, {}, time.time, is_set_by_others).tunnelled(ends.keys())
    if not ends:
        yield Finding(State.OK, _("no way out, so none through a tunnel"))
    elif says is None:
        yield Finding(State.OK, _("packets leave directly, through no tunnel of this machine"))
    else:
        device = next(iter(tunnels(ends).values()))
        # Without a name it shows all.
        shown = f" {device}" if nobodys_name(device) == device else ""
        yield Finding(State.FAILED, str(says), f"ip link show{shown}")


def clock(
    now: Callable[[], float] = time.time, kept_right: Callable[[], bool | None] = is_set_by_others
) -> Iterator[Finding]:
    """Whether the clock can be right, and whether anybody keeps it so."""
    days = days_that_have_been(current_manifest().date, spool_folder())
    spoiling = Spoiling(dict, days, now, kept_right)
    says = spoiling.wrong_clock()
    if says is None and (unset := spoiling.unset_clock()) is not None:
        yield Finding(State.WARNING, str(unset), SET_CLOCK)
    elif says is not None:
        yield Finding(State.FAILED, str(says), SET_CLOCK)
    elif kept_right() is False:
        yield Finding(
            State.WARNING,
            _(
                "as far as the kernel knows, nothing keeps this clock right; it may be right now, "
                "and drift"
            ),
            SET_CLOCK,
        )
    else:
        yield Finding(State.OK, _("the clock may be right"))


def last_run() -> Iterator[Finding]:
    """What the traces of the last day say of the place that they were made in."""
    days = day_files(spool_folder())[-1:]
    traces = [kept.trace for day in days for kept in read_day(day) if kept.trace is not None]
    said = Counter(note for trace in traces for note in trace.notes)
    named = "".join(day.name.partition(".")[0] for day in days)
    found = False
    for note, (says, remedy) in meanings().items():
        if said[note]:
            found = True
            count = ngettext(
                "{count} trace of {day}: ", "{count} traces of {day}: ", said[note]
            ).format(count=said[note], day=named)
            state = State.OK if note == CARRIER_NAT else State.WARNING
            yield Finding(state, count + says, remedy)
    if not found:
        nothing_odd = _(
            "the traces of {day}, the last day kept, note nothing odd about the place"
        ).format(day=named)
        yield Finding(State.OK, nothing_odd if traces else _("nothing is kept yet"))
