"""What makes a run worthless before it has begun: a VPN in the way, or a clock that is wrong.

Whoever measures through a tunnel shows the tunnel's network; whoever does it on a wrong day moves
the day on which something happened. So a run is refused, unless its owner wants it anyway; then
each trace says so. This module decides and words it; what there is to see is seen by others.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from probe.record import (
    CAPTIVE_PORTAL,
    CARRIER_NAT,
    HOSTED,
    NEW_TTL,
    OTHER_COUNTRY,
    REGISTERED_ABROAD,
    VPN,
    WRONG_CLOCK,
)
from probe.spool import day_files, day_named
from probe.vantage.timekeeping import awaits_others, impossible
from probe.vantage.tunnel import nobodys_name, tunnel_of, tunnels
from probe.words.language import _
from probe.words.sentence import Sentence

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from pathlib import Path

    from probe.vantage.ground import LineEnd


SET_CLOCK = "sudo timedatectl set-ntp true"


def days_that_have_been(table: str | None, folder: Path) -> dict[date, Path | None]:
    """Days in the past, if clocks were right: the address table's, and each kept, with its file."""
    of_table = {date.fromisoformat(table): None} if table else {}
    return of_table | {day: path for path in day_files(folder) if (day := day_named(path.name))}


class Spoiling:
    """Looks when asked: a VPN may come up, and a clock be set, while a run goes on.

    ``ends`` gives this machine's end of the line by IP version, ``days`` are such that
    have been, with the file of each that is kept, ``clock`` gives seconds since the epoch,
    ``kept_right`` says whether others keep it so: then a day to come was put down by a clock that
    was ahead. ``awaits`` says whether the time is still to come from others after a start.
    """

    def __init__(
        self,
        ends: Callable[[], Mapping[int, LineEnd]],
        days: Mapping[date, Path | None],
        clock: Callable[[], float],
        kept_right: Callable[[], bool | None],
        awaits: Callable[[], bool] = awaits_others,
    ) -> None:
        self._ends = ends
        self._days = days
        self._clock = clock
        self._kept_right = kept_right
        self._awaits = awaits

    def notes(self, end: LineEnd | None) -> list[str]:
        """What is to be noted now of a trace that left by this end of the line, as records say it.

        A VPN may take some targets alone.
        """
        noted = [VPN] if end is not None and tunnel_of(end) else []
        return [*noted, WRONG_CLOCK] if self._impossible() or self._awaits() else noted

    def objection(self, versions: Collection[int]) -> Sentence | None:
        """Why nothing measured over one of these IP versions is evidence, with what mends it."""
        return self.wrong_clock() or self.unset_clock() or self.tunnelled(versions)

    def tunnelled(self, versions: Collection[int]) -> Sentence | None:
        """Which of these IP versions leaves through a tunnel, in a sentence with its remedy."""
        through = {v: device for v, device in tunnels(self._ends()).items() if v in versions}
        if not through:
            return None
        device = ", ".join(sorted({nobodys_name(device) for device in through.values()}))
        if direct := set(versions) - through.keys():
            return Sentence(
                "the way out by IPv{through} leads through a tunnel ({device}), as with a VPN, and "
                "would show its paths instead of your country's; turn it off if that is safe for "
                "you, or measure IPv{direct} alone with -{direct}",
                {"through": min(through), "direct": min(direct), "device": device},
            )
        named = " and ".join(f"IPv{version}" for version in through)
        return Sentence(
            "the way out by {versions} leads through a tunnel ({device}), as with a VPN, and would "
            "show its paths instead of your country's; turn it off if that is safe for you",
            {"versions": named, "device": device},
        )

    def wrong_clock(self) -> Sentence | None:
        """What is wrong with the clock, in a sentence with its remedy; None if it may be right."""
        been = self._impossible()
        if been is None:
            return None
        today = datetime.fromtimestamp(self._clock(), UTC).date()
        kept = self._days[been]
        if kept is None:
            return Sentence(
                "the clock of this machine says {today}, but {been} has been already; set it, as "
                "with sudo timedatectl set-ntp true",
                {"today": str(today), "been": str(been)},
            )
        file = f"{kept.parent.name}/{kept.name}"
        return Sentence(
            "the clock of this machine says {today}, but traces of {been} are kept already; set "
            "it, as with sudo timedatectl set-ntp true, or, where it is right now and was ahead "
            "then, move {file} elsewhere",
            {"today": str(today), "been": str(been), "file": file},
        )

    def unset_clock(self) -> Sentence | None:
        """That the clock is not set yet, with what mends it; None where it may be."""
        if not self._awaits():
            return None
        return Sentence(
            "this machine has just started, and its clock is not set yet; wait until `timedatectl` "
            "says that it is, or for an hour"
        )

    def _impossible(self) -> date | None:
        been = impossible(self._clock(), self._days)
        return None if been is not None and self._kept_right() else been


def meanings() -> dict[str, tuple[str, str | None]]:
    """What each note on the whereabouts means for its owner, and a command where one helps."""
    return {
        VPN: (_("measured through a VPN, so no evidence"), "gatewatch run"),
        WRONG_CLOCK: (_("measured on a wrong day, so no evidence"), SET_CLOCK),
        CAPTIVE_PORTAL: (
            _(
                "targets answered from next door, as where a captive portal wants a login; sign in "
                "with a browser"
            ),
            "gatewatch run",
        ),
        NEW_TTL: (
            _(
                "a telephone that shares its link, or a router, gives each packet a new TTL, so no "
                "path shows and this is no evidence; measure over another line"
            ),
            None,
        ),
        CARRIER_NAT: (_("behind a carrier's NAT, which does no harm"), None),
        REGISTERED_ABROAD: (
            _(
                "your provider is registered in another country than you say: right, or a VPN in "
                "the router, or a SIM that roams?"
            ),
            None,
        ),
        OTHER_COUNTRY: (
            _(
                "your provider is in another country than in the run before: a journey, or a VPN "
                "in the router, or a SIM that roams?"
            ),
            None,
        ),
        HOSTED: (
            _("your provider rents out servers: is there a VPN in the router?"),
            None,
        ),
    }
