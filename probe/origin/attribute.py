"""Whose the hops of a trace are: joins a measured trace with the address table.

Stands between measuring, which knows no table, and redaction, which needs to know what lies in
the access network. It knows no socket and no disk; the table comes in as an `Attributor`.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

    from probe.record import Attribution, Reply, Trace


class Identified(Protocol):
    """One state of the address table."""

    @property
    def id(self) -> str:
        """Short and stable, as records carry it."""


class Attributor(Protocol):
    """What is asked of the address table; `probe.origin.Origin` is one."""

    @property
    def snapshot(self) -> Identified:
        """Which state of the table answers."""

    def lookup(self, address: str) -> Attribution:
        """Whose an address is."""

    def organisation(self, asn: int) -> str:
        """The name of the organisation behind an AS number, siblings merged."""

    def country(self, asn: int) -> str | None:
        """The country an AS number is registered in, None where that is not known."""


def majority(replies: Iterable[Reply]) -> str | None:
    """The address most replies of a hop came from, the first heard where two are level.

    Duplicates and answers that came too late do not vote: they may belong elsewhere.

    >>> from probe.record import Reply
    >>> majority([Reply(), Reply("192.0.2.1"), Reply("192.0.2.9"), Reply("192.0.2.9")])
    '192.0.2.9'
    >>> majority([Reply()]) is None
    True
    """
    votes = Counter(
        reply.address
        for reply in replies
        if reply.address is not None and not reply.duplicate and reply.late is None
    )
    return max(votes, key=votes.__getitem__) if votes else None


def attribute(trace: Trace, origin: Attributor) -> Trace:
    """The trace with each hop attributed by its majority address, and the snapshot named.

    A hop without an answer stays without attribution.
    """
    hops = []
    for hop in trace.hops:
        address = majority(hop.replies)
        said = None if address is None else origin.lookup(address)
        hops.append(hop._replace(attribution=said))
    return trace._replace(hops=tuple(hops), snapshots=(origin.snapshot.id,))
