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


# A run over a long list may take some days of a small budget; what is older tells of other ways.
RECENT = 7


def recent(folder: Path) -> Iterator[Trace]:
    """The traces of the last days on which was measured, oldest first, one after the other."""
    return _traces(folder, without=_all_but(RECENT, folder))


def last_country(folder: Path) -> str | None:
    """Where the last trace was measured: most machines stay there."""
    newest = _traces(folder, without=_all_but(1, folder))
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
    return measured(_traces(folder, without=older), flow, now)


def _all_but(newest: int, folder: Path) -> list[str]:
    return [day.name for day in day_files(folder)[:-newest]]


def _traces(folder: Path, *, without: Container[str]) -> Iterator[Trace]:
    return (kept.trace for kept in read(folder, without=without) if kept.trace is not None)
