"""Whose word counts for an address: the analyst's table, and how far the records disagree with it.

Records say whose their hops are, by the snapshot that the volunteer had. The analysis looks every
address up anew, so that one table serves the whole panel. What is told here is which table that
was, which snapshots the records name, and how many of their hops the table gives to another AS.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from probe.record import Attribution

# How snapshots are called, one or several, and how many of them a sentence names.
_NAME = re.compile(r"[\w.-]{1,40}@[\w.+-]{1,40}(; [\w.-]{1,40}@[\w.+-]{1,40}){0,3}", re.ASCII)
_NAMED = 5

# Days from which on a reader is told how far a table is: a table four years off gives 1.2% of the
# addresses to another AS.
_FAR = 365


class Snapshot(Protocol):
    """Names an address table."""

    @property
    def id(self) -> str: ...


class Table(Protocol):
    """What is asked of an address table (`probe.origin.Origin` is one)."""

    @property
    def snapshot(self) -> Snapshot: ...

    def lookup(self, address: str) -> Attribution: ...


class Voice(Protocol):
    """What is asked of a trace: the snapshots it names, and the AS of its addresses by them."""

    @property
    def snapshots(self) -> tuple[str, ...]: ...

    @property
    def said(self) -> tuple[tuple[str, int], ...]: ...


def attribution(voices: Iterable[tuple[Voice, int]], table: Table) -> dict[str, Any]:
    """Which table attributed the addresses, and what the records say.

    Each voice comes with how many traces it is. ``records`` counts the traces by the snapshots
    that they name, ``none`` those that name none, such as Atlas results. ``hops`` are those that a
    record of another snapshot gives to an AS and at which a single address answered; ``differ`` of
    them belong to another AS by the table.
    """
    named: Counter[str] = Counter()
    said: Counter[tuple[str, int]] = Counter()
    own = table.snapshot.id
    for voice, traces in voices:
        named["; ".join(voice.snapshots) or "none"] += traces
        if voice.snapshots not in {(), (own,)}:
            for address, asn in voice.said:
                said[address, asn] += traces
    differ = sum(
        count for (address, asn), count in said.items() if table.lookup(address).asn != asn
    )
    return {
        "table": own,
        "records": dict(sorted(named.items())),
        "hops": said.total(),
        "differ": differ,
    }


def sentences(found: dict[str, Any]) -> list[str]:
    """What a reader must know of it; nothing where the records name no other table."""
    others = [name for name in found["records"] if name not in {"none", found["table"]}]
    if not others:
        return []
    # A record may call its table anything; in print stands what looks like the name of one.
    named = [name for name in others if _NAME.fullmatch(name)][:_NAMED]
    unnamed = len(others) - len(named)
    if unnamed:
        named.append(f"{unnamed} {'more' if named else 'without a proper name'}")
    return [
        f"Addresses were attributed by {found['table']}; what the records say of their hops, by "
        f"{', '.join(named)}, was not used: hops that belong to another AS there: "
        f"{found['differ']} of {found['hops']}."
    ]


def far(judged: Iterable[dt.date], tables: Sequence[dt.date]) -> list[str]:
    """What a reader must know where days judged are far from the table that reads them.

    That is the newest of these that is not newer, or the oldest.

    >>> day, *tables = map(dt.date.fromisoformat, ("2022-02-16", "2014-05-23", "2026-06-17"))
    >>> far([day], tables)[0].partition(":")[0]
    'The address table is up to 2826 days from the traces'
    >>> far([day], [dt.date(2022, 1, 1)])
    []
    """
    if not tables:
        return []
    oldest = min(tables)
    in_force = ((day, max((of for of in tables if of <= day), default=oldest)) for day in judged)
    days = max((abs(day - of).days for day, of in in_force), default=0)
    if days < _FAR:
        return []
    return [
        f"The address table is up to {days} days from the traces: what changed hands in between is "
        "given to another network."
    ]
