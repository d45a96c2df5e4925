"""An address table for the day: each trace is read with the table that was in force then.

An AS number moves from company to company, and a table that is four years off takes 1.2% of the
addresses for another network's. Tables are opened one after the other, since a single one takes a
hundred megabytes. What moved because the table changed is not news: the alarm compares days under
one table, which is not decided here.
"""

from __future__ import annotations

import datetime as dt
import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, Self

from analysis.evidence.desk import CountryTable, Desk
from analysis.evidence.panel import Panel, observe_by_desks
from analysis.intake.inputs import InputError
from analysis.intake.shortage import unless_short
from analysis.owners.attribution import Snapshot
from analysis.owners.operators import Gazetteer
from analysis.policy import Policy
from probe.record import Trace

_TABLES = (".dat", ".dat.gz", ".mmdb")
_DAY = re.compile(r"(?<!\d)((?:19|20)\d\d)-?([01]\d)-?([0-3]\d)(?!\d)")


class DatedTable(CountryTable, Protocol):
    """An address table that can be exchanged for one of another day (`probe.origin.Origin`)."""

    @property
    def snapshot(self) -> Snapshot: ...

    def over(self, path: Path) -> Self:
        """The same lists over another table."""


@dataclass
class Used:
    """Which tables were used: how many traces each, and how many are older than all of them."""

    traces: dict[str, int] = field(default_factory=dict)
    older: int = 0


def day_in(name: str) -> dt.date | None:
    """The day that a file's name tells, None where it tells none.

    >>> day_in("ipasn_20140523.dat.gz"), day_in("ipasn-2014-05-23.dat"), day_in("ipasn.dat")
    (datetime.date(2014, 5, 23), datetime.date(2014, 5, 23), None)
    """
    found = _DAY.search(name)
    if found is None:
        return None
    try:
        return dt.date(*map(int, found.groups()))
    except ValueError:
        return None


def tables_in(folder: Path) -> list[tuple[dt.date, Path]]:
    """The tables of a folder in order of their days.

    Raises `InputError` where there is none, where one has no day in its name, or where two have
    the same.
    """
    try:
        files = [path for path in sorted(folder.iterdir()) if path.name.endswith(_TABLES)]
    except OSError as problem:
        blame = InputError(f"{folder}: cannot be read as a folder ({problem.strerror})")
        raise unless_short(problem, blame) from None
    if not files:
        raise InputError(f"{folder}: holds no address table ({', '.join(_TABLES)})")
    days: dict[dt.date, Path] = {}
    for path in files:
        day = day_in(path.name)
        if day is None:
            raise InputError(f"{path}: has no day in its name; call it ipasn_YYYYMMDD.dat")
        if day in days:
            raise InputError(f"{path}: is of the same day as {days[day].name}; take one away")
        days[day] = path
    return sorted(days.items())


def observe_by_day(
    traces: Sequence[Trace],
    tables: list[tuple[dt.date, Path]],
    table: DatedTable,
    *,
    country: str,
    policy: Policy,
    now: float,
) -> tuple[Panel, Used]:
    """Observe each trace under the newest table that is not newer than it.

    Traces older than all tables are observed under the oldest one. What traces say of each other
    (whose a key is, who stands at a link) is asked of all of them together. ``table`` lends its
    lists. See `analysis.evidence.panel.observe`; raises `probe.origin.OriginError` where a table
    cannot be opened.
    """
    starts = [dt.datetime.combine(day, dt.time(), tzinfo=dt.UTC).timestamp() for day, _ in tables]
    by_table: defaultdict[int, list[int]] = defaultdict(list)
    used = Used()
    for number, trace in enumerate(traces):
        at = bisect_right(starts, trace.timestamp) - 1
        used.older += at < 0
        by_table[max(at, 0)].append(number)

    def read() -> Iterator[tuple[int, Trace, Desk]]:
        for at, of_table in sorted(by_table.items()):
            opened = table.over(tables[at][1])
            desk = Desk(Gazetteer(opened, country), opened, policy, now)
            used.traces[opened.snapshot.id] = len(of_table)
            yield from ((number, traces[number], desk) for number in of_table)

    return observe_by_desks(read(), policy), used
