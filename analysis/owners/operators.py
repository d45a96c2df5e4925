"""Addresses → what can be a gateway: organisations, exchanges, unmapped blocks, and where they are.

One `Gazetteer` serves one country and one address table; each address is looked up once.
Registration says whose a router is, not where it stands: only three places exist, ``home``,
``abroad`` and ``unlocated``, and unlocated is never taken for either.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, Protocol

from analysis.owners.numbering import block_of, is_nobodys
from probe.record import Attribution

Place = Literal["home", "abroad", "unlocated"]
Kind = Literal["organisation", "exchange", "unmapped"]


class Node(NamedTuple):
    """What can be a gateway. The name is the organisation's, the exchange's, or the block."""

    kind: Kind
    name: str


class Sight(NamedTuple):
    """One address as the analysis sees it. ``country`` is that of registration."""

    node: Node
    place: Place
    special: str | None = None
    asn: int | None = None
    country: str | None = None


class Table(Protocol):
    """What the analysis asks of an address table (`probe.origin.Origin` is one)."""

    def lookup(self, address: str) -> Attribution:
        """Whose an address is; `probe.record.UNATTRIBUTED` where the table does not know."""


class Gazetteer:
    """Names and places of addresses, for one country and one table."""

    def __init__(self, table: Table, country: str) -> None:
        self._table = table
        self.country = country
        self._sights: dict[str, Sight] = {}

    def sight(self, address: str) -> Sight:
        """Whose the address is and where it counts as standing. Looked up once."""
        known = self._sights.get(address)
        if known is None:
            known = self._sights[address] = self._look(address)
        return known

    def _place(self, country: str | None) -> Place:
        if country is None:
            return "unlocated"
        return "home" if country == self.country else "abroad"

    def _look(self, address: str) -> Sight:
        found = self._table.lookup(address)
        if found.special is not None:
            return Sight(Node("unmapped", block_of(address)), "unlocated", found.special)
        if found.exchange is not None:
            node = Node("exchange", found.exchange)
        elif found.organisation is not None and not is_nobodys(found.asn):
            node = Node("organisation", found.organisation)
        else:
            return Sight(Node("unmapped", block_of(address)), "unlocated")
        place = self._place(found.country)
        return Sight(node, place, asn=found.asn, country=found.country)
