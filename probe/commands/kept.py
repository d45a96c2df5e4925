"""What earlier runs left in the spool, as far as the next run has to know it.

Into ``unread`` go day files of which the disk does not give all; what it gives is known.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from probe.redaction.identity import Identity
from probe.run.choice import RESUMABLE, measured
from probe.spool import day_files, day_named, noting_unread, read_day
from probe.vantage.locate import beyond
from probe.words.failure import BadInput

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from probe.record import Trace


# A run over a long list may take some days of a small budget; what is older tells of other ways.
RECENT = 7


def recent(folder: Path, unread: dict[Path, OSError]) -> Iterator[Trace]:
    """The traces of the last days on which was measured, oldest first, one after the other."""
    return _traces(day_files(folder)[-RECENT:], unread)


def identity(folder: Path, spool: Path, unread: dict[Path, OSError]) -> Identity:
    """What this vantage point remembers in a data folder, restored from the spool if damaged."""
    found = Identity(folder)
    try:
        found.flow()
    except BadInput:
        found.restore(_traces(day_files(spool), unread))
    return found


class Earlier(NamedTuple):
    """Where this machine measured on the last day: most stay there.

    ``country`` is that of the last trace. ``behind`` gives the AS number of the access network by
    hop and address at which paths first showed another one; what stood behind several is left out.
    """

    country: str | None
    behind: Mapping[tuple[int, str], int]


def earlier(folder: Path, unread: dict[Path, OSError]) -> Earlier:
    """What the last day that is kept tells of the place; nothing where none is."""
    country = None
    behind: dict[tuple[int, str], set[int]] = {}
    for trace in _traces(day_files(folder)[-1:], unread):
        country = None if trace.vantage is None else trace.vantage.country
        if trace.vantage is None or trace.vantage.asn is None:
            continue
        if (place := beyond(trace)) is not None:
            behind.setdefault(place, set()).add(trace.vantage.asn)
    return Earlier(country, {place: min(asns) for place, asns in behind.items() if len(asns) == 1})


def since(folder: Path, moment: float | None, unread: dict[Path, OSError]) -> int:
    """How many traces are kept that began at a moment or later, in seconds since the epoch.

    None of them for a moment that never was.
    """
    if moment is None:
        return 0
    days = _days_since(folder, moment)
    return sum(trace.timestamp >= moment for trace in _traces(days, unread))


def done(folder: Path, flow: int, unread: dict[Path, OSError]) -> Counter[str]:
    """How many traces the resumed run has kept, by target as recorded: see `measured`.

    Days on which it cannot have been under way are not read.
    """
    now = time.time()
    return measured(_traces(_days_since(folder, now - RESUMABLE), unread), flow, now)


def _days_since(folder: Path, moment: float) -> list[Path]:
    first = datetime.fromtimestamp(moment, UTC).date()
    days = ((path, day_named(path.name)) for path in day_files(folder))
    return [path for path, day in days if day is None or day >= first]


def _traces(days: Iterable[Path], unread: dict[Path, OSError]) -> Iterator[Trace]:
    for day in days:
        with noting_unread(day, unread):
            yield from (kept.trace for kept in read_day(day) if kept.trace is not None)
