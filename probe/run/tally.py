"""What became of the targets of one run, counted.

Whoever keeps a trace, gives a target up or is interrupted says so here; how the run ended is then
told from the counts alone. It knows no trace, no disk and no screen.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

# Why a target could not be measured, or its trace not be kept.
NO_ROUTE = "no route"
UNLOCATED = "dropped before it was known where this machine is"
FIREWALL = "kept back by this machine's firewall"
INTERRUPTED = "interrupted too often"
NOWHERE = "over an IP version by which nothing answers here"
REFUSED = "refused to redact"
ELSEWHERE = "left through another network than the rest"
OVER_BUDGET = "over the budget of the day"
OVER_MONTH = "over the budget of the month"

# A line counts as slow where in so many of the traces an answer came late, one after so long (ms).
SLOW_SHARE = 0.1
SLOW = 2000.0


class Tally:
    """The counts of one run.

    ``kept`` counts traces on the disk and ``noted`` what they say of the whereabouts; ``answered``
    is whether any probe was. ``firewall`` is what the system said last where the own firewall kept
    a trace back. ``interruptions`` counts what came in between, ``begun_anew`` the traces that had
    to be for it, ``misdated`` those on the disk that a clock dated which was wrong. ``routed``
    counts, by IP version, the traces that could be sent.
    """

    def __init__(self) -> None:
        self.kept = 0
        self.noted: Counter[str] = Counter()
        self.answered = False
        self.firewall: str | None = None
        self.interruptions: Counter[str] = Counter()
        self.begun_anew = 0
        self.misdated = 0
        self.unheard = 0
        self.routed: Counter[int] = Counter()
        self._failed: Counter[str] = Counter()
        # How long the latest answer took of each trace on the disk that had late ones (ms).
        self._late: list[float] = []
        # How many traces could not be sent, by IP version.
        self._unrouted: Counter[int] = Counter()
        # IP versions over which a trace could be sent from where this machine is now.
        self._left_by: set[int] = set()
        # IP versions over which nothing answered from beyond the own network.
        self._led_nowhere: set[int] = set()
        # IP versions that had a way out where this machine was before.
        self._had: set[int] = set()

    def sent(self, version: int, *, answered: bool) -> None:
        """A trace could be sent, and was answered or not."""
        self.routed[version] += 1
        self._left_by.add(version)
        self.answered |= answered

    def unrouted(self, version: int) -> None:
        """A trace had no route."""
        self._unrouted[version] += 1

    def held_back(self, firewall: str) -> None:
        """The own firewall kept a trace from being sent; the argument is what the system said."""
        self.firewall = firewall
        self.failed(FIREWALL)

    def keep(
        self, noted: Collection[str], *, latest: float | None = None, unheard: bool = False
    ) -> None:
        """A trace is on the disk; ``noted`` is what it says of the whereabouts.

        ``latest`` is how long an answer took that came late (ms), None where none did.
        """
        self.kept += 1
        self.noted.update(noted)
        self.unheard += unheard
        if latest is not None:
            self._late.append(latest)

    @property
    def slow_ms(self) -> int | None:
        """Milliseconds that the latest answer took; None unless a tenth of the traces had such."""
        if not self._late or len(self._late) < SLOW_SHARE * self.kept:
            return None
        slowest = max(self._late)
        return round(slowest) if slowest >= SLOW else None

    def failed(self, reason: str, targets: int = 1) -> None:
        """Targets could not be measured, or their traces not be kept."""
        self._failed[reason] += targets

    def leads_nowhere(self, version: int, targets: int) -> None:
        """Targets of which nothing was heard over this IP version, though there is a route."""
        self._led_nowhere.add(version)
        self.failed(NOWHERE, targets)

    def skipped(self, version: int) -> None:
        """A target was not traced, since the first ones of its version failed."""
        if version in self._left_by:
            self.failed(NOWHERE if version in self._led_nowhere else REFUSED)
        else:
            self.unrouted(version)

    def moved(self, version: int) -> None:
        """The machine is elsewhere, where it is open whether an IP version has a way out."""
        self._had.add(version)
        self._led_nowhere.discard(version)
        self._left_by.discard(version)

    def failures(self) -> Counter[str]:
        """How many targets could not be measured or kept, by reason.

        Where an IP version has no route at all and the other has, that is no failure: see
        `absent`.
        """
        absent = self.absent()
        unrouted = sum(count for version, count in self._unrouted.items() if version not in absent)
        return +(self._failed + Counter({NO_ROUTE: unrouted}))

    def absent(self) -> dict[int, int]:
        """IP versions that this place does not have, and how many targets that leaves out."""
        return {
            version: count
            for version, count in self._unrouted.items()
            if not self.routed[version] and self.routed and version not in self._had
        }
