"""What a run costs, in packets, bytes and minutes: foreseen, and held against the day's budget.

A volunteer on a metered line must know beforehand and must never pay more than agreed. What was
spent today and what traces to a target cost before is read from the spool, so that no crash
forgets it. This module sends nothing.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import fmean
from typing import TYPE_CHECKING

from probe.spool import read

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from probe.record import Trace

MEGABYTE = 1_000_000

# Seconds after which an interrupted run is too old to be gone on with.
RESUMABLE = 86_400.0

# Probes of a trace, and bytes of a probe, where nothing was measured from here yet.
USUAL_PROBES = 14.0
USUAL_BYTES = 60


@dataclass(frozen=True, slots=True)
class Cost:
    """What tracing to some targets takes. `bytes` are those sent, from the IP header on.

    `known` of the `targets` were traced from here before, so that their part is no guess.

    >>> Cost(targets=60, known=0, packets=840, bytes=50_400, rate=20.0).minutes
    0.7
    """

    targets: int
    known: int
    packets: int
    bytes: int
    rate: float

    @property
    def minutes(self) -> float:
        """How long that takes at the packet rate."""
        return self.packets / self.rate / 60.0


class Ledger:
    """What traces that are kept have cost.

    ``now`` is in seconds since the epoch; a day is one of UTC, as in the spool. Traces that were
    measured but could not be kept are not counted.
    """

    def __init__(self, folder: Path, now: float) -> None:
        today = datetime.fromtimestamp(now, UTC).date()
        self.spent = 0
        """Bytes sent on this day."""
        self._last: dict[tuple[str, str], Trace] = {}
        self._recent: dict[int, set[str]] = defaultdict(set)
        for kept in read(folder):
            trace = kept.trace
            if trace is None or not trace.probes:
                continue
            if trace.timestamp > now - RESUMABLE:
                self._recent[trace.paris_id].add(trace.dst_addr)
            self._last[trace.dst_addr, trace.proto] = trace
            if datetime.fromtimestamp(trace.timestamp, UTC).date() == today:
                self.spent += bytes_of(trace)

    def measured(self, flow: int) -> frozenset[str]:
        """The targets of which a trace with this flow was kept in the last 24 hours."""
        return frozenset(self._recent[flow])

    def foresee(self, targets: Iterable[tuple[str, str]], rate: float) -> Cost:
        """What traces to targets, each by address and protocol, are likely to take.

        As many probes as the last time; for a target never traced from here, as many as others
        took on average.
        """
        wanted = list(targets)
        before = self._last.values()
        probes = fmean(trace.probes or 0 for trace in before) if before else USUAL_PROBES
        size = fmean(trace.size or USUAL_BYTES for trace in before) if before else USUAL_BYTES
        known = [self._last[target] for target in wanted if target in self._last]
        unknown = len(wanted) - len(known)
        packets = sum(trace.probes or 0 for trace in known) + unknown * probes
        return Cost(
            targets=len(wanted),
            known=len(known),
            packets=round(packets),
            bytes=round(sum(map(bytes_of, known)) + unknown * probes * size),
            rate=rate,
        )


def bytes_of(trace: Trace) -> int:
    """The bytes that a trace sent, from the IP header on."""
    return (trace.probes or 0) * (trace.size or USUAL_BYTES)
