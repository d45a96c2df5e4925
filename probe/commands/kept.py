"""What earlier runs left in the spool, as far as the next run has to know it."""

from __future__ import annotations

import time
from collections import deque
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from probe.run.choice import RESUMABLE, measured
from probe.spool import day_files, day_named, read

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Container, Iterator
    from pathlib import Path

    from probe.record import Trace


def traces(folder: Path, *, without: Container[str] = ()) -> Iterator[Trace]:
    """The traces of a spool, oldest first, one after the other: those of years may lie there.

    ``without`` are the names of files that are not read.
    """
    return (kept.trace for kept in read(folder, without=without) if kept.trace is not None)


def last_country(folder: Path) -> str | None:
    """Where the last trace was measured: most machines stay there."""
    newest = traces(folder, without=[day.name for day in day_files(folder)[:-1]])
    last = next(iter(deque(newest, maxlen=1)), None)
    return None if last is None or last.vantage is None else last.vantage.country


def done(folder: Path, flow: int) -> Counter[str]:
    """How many traces the resumed run has kept, by target as recorded: see `measured`.

    Days on which it cannot have been under way are not read.
    """
    now = time.time()
    first = datetime.fromtimestamp(now - RESUMABLE, UTC).date()
    days = ((path.name, day_named(path.name)) for path in day_files(folder))
    older = [name for name, day in days if day is not None and day < first]
    return measured(traces(folder, without=older), flow, now)
