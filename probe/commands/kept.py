"""What earlier runs left in the spool, as far as the next run has to know it."""

from __future__ import annotations

import time
from collections import deque
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from probe.run.choice import RESUMABLE, measured
from probe.spool import day_files, day_named, read_day

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from probe.record import Trace


# A run over a long list may take some days of a small budget; what is older tells of other ways.
RECENT = 7


def recent(folder: Path) -> Iterator[Trace]:
    """The traces of the last days on which was measured, oldest first, one after the other."""
    return _traces(day_files(folder)[-RECENT:])


def last_country(folder: Path) -> str | None:
    """Where the last trace was measured: most machines stay there."""
    newest = _traces(day_files(folder)[-1:])
    last = next(iter(deque(newest, maxlen=1)), None)
    return None if last is None or last.vantage is None else last.vantage.country


def done(folder: Path, flow: int) -> Counter[str]:
    """How many traces the resumed run has kept, by target as recorded: see `measured`.

    Days on which it cannot have been under way are not read.
    """
    now = time.time()
    first = datetime.fromtimestamp(now - RESUMABLE, UTC).date()
    days = ((path, day_named(path.name)) for path in day_files(folder))
    since = [path for path, day in days if day is None or day >= first]
    return measured(_traces(since), flow, now)


def _traces(days: Iterable[Path]) -> Iterator[Trace]:
    return (kept.trace for day in days for kept in read_day(day) if kept.trace is not None)
