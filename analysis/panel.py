"""Who measured towards what: traces → observations the figures are made of, or a reason why not.

Decides whose organisation a vantage point belongs to, whether it stands in the country at all,
and what each destination is good for. One `Observation` is one usable trace.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

from analysis.crossing import Crossing, Crossings
from analysis.links import Links, Sighting
from analysis.operators import Gazetteer, Table
from analysis.path import Path, Reader, Step
from analysis.policy import Policy
from probe.record import Trace

# Before this, a clock was never set; GPS and NTP era files do not go back further.
_EARLIEST = dt.datetime(2000, 1, 1, tzinfo=dt.UTC).timestamp()
_TOLERATED_AHEAD = 86_400.0


class CountryTable(Table, Protocol):
    """What judging a country asks of an address table besides single addresses."""

    def organisation(self, asn: int) -> str: ...

    def asns(self, organisation: str) -> tuple[int, ...]: ...

    def continent(self, country: str) -> str | None: ...

    def is_anycast(self, address: str) -> bool: ...


@dataclass(frozen=True, slots=True)
class Observation:
    """One usable trace.

    ``kind`` is ``international`` when the destination is registered abroad (then ``crossing`` is
    set) and ``domestic`` when it is another organisation at home. ``destination_class`` is the
    operator and the continent of a destination abroad. ``day`` is the UTC date. ``path`` is as
    the table has it, ``crossing`` as all paths over its links have it (see `analysis.links`).
    """

    kind: Literal["international", "domestic"]
    organisation: str
    vantage: str
    family: int
    day: dt.date
    destination: str
    destination_organisation: str
    destination_class: tuple[str, str] | None
    path: Path
    crossing: Crossing | None

    @property
    def steps(self) -> tuple[Step, ...]:
        return self.path.steps


@dataclass
class Panel:
    """All observations, and what was left out by reason."""

    observations: list[Observation] = field(default_factory=list)
    rejected: Counter[str] = field(default_factory=Counter)

    def reject(self, reason: str) -> None:
        self.rejected[reason] += 1


class _Unusable(Exception):
    """Carries the reason why a trace says nothing."""


class _Reading(NamedTuple):
    """A usable trace whose crossing is still open."""

    organisation: str
    vantage: str
    family: int
    day: dt.date
    destination: str
    target: _Target
    path: Path

    def observation(self, crossing: Crossing | None) -> Observation:
        organisation, vantage, family, day, destination, target, path = self
        return Observation(
            "international" if target.abroad else "domestic",
            organisation,
            vantage,
            family,
            day,
            destination,
            target.organisation,
            target.destination_class,
            path,
            crossing,
        )


class _Target(NamedTuple):
    """What a destination is good for; ``place`` is that of its registration."""

    organisation: str
    abroad: bool
    destination_class: tuple[str, str] | None


class _Desk:
    """Decides which traces are evidence. Each destination and each day is looked at once."""

    def __init__(self, gazetteer: Gazetteer, table: CountryTable, now: float) -> None:
        self._gazetteer = gazetteer
        self._table = table
        self._latest = now + _TOLERATED_AHEAD
        self._reader = Reader(gazetteer)
        self._targets: dict[str, _Target | _Unusable] = {}
        self._days: dict[int, dt.date] = {}

    def _vantage(self, trace: Trace) -> tuple[str, str]:
        """The vantage point's pseudonym and organisation."""
        if trace.vantage is not None:
            if trace.vantage.asn is None:
                raise _Unusable("access_network_unknown")
            if trace.vantage.country not in {None, self._gazetteer.country}:
                raise _Unusable("vantage_abroad")
            return trace.vantage.id, self._table.organisation(trace.vantage.asn)
        if trace.source is None or not ipaddress.ip_address(trace.source).is_global:
            raise _Unusable("no_source_address")
        sight = self._gazetteer.sight(trace.source)
        if sight.node.kind != "organisation":
            raise _Unusable("source_unmapped")
        if sight.place != "home":
            raise _Unusable("vantage_abroad" if sight.place == "abroad" else "source_unlocated")
        who = f"atlas:{trace.prb_id}" if trace.prb_id is not None else f"address:{trace.source}"
        return who, sight.node.name

    def _look(self, destination: str) -> _Target | _Unusable:
        if self._table.is_anycast(destination):
            return _Unusable("destination_anycast")
        sight = self._gazetteer.sight(destination)
        if sight.node.kind != "organisation" or sight.place == "unlocated":
            return _Unusable("destination_unmapped")
        if sight.place == "home":
            return _Target(sight.node.name, abroad=False, destination_class=None)
        country = sight.country or ""
        continent = self._table.continent(country) or country
        return _Target(sight.node.name, True, (sight.node.name, continent))

    def _target(self, destination: str) -> _Target:
        found = self._targets.get(destination)
        if found is None:
            found = self._targets[destination] = self._look(destination)
        if isinstance(found, _Unusable):
            raise found
        return found

    def _day(self, timestamp: float) -> dt.date:
        number = int(timestamp // 86_400)
        if number not in self._days:
            self._days[number] = dt.datetime.fromtimestamp(timestamp, dt.UTC).date()
        return self._days[number]

    def read(self, trace: Trace) -> _Reading:
        """One trace, its crossing left open; raises `_Unusable`."""
        if not _EARLIEST <= trace.timestamp <= self._latest:
            raise _Unusable("implausible_time")
        vantage, organisation = self._vantage(trace)
        target = self._target(trace.dst_addr)
        if target.organisation == organisation:
            raise _Unusable("destination_in_own_network")
        path = self._reader.path(trace, organisation)
        if not path.addresses:
            raise _Unusable("no_answers")
        return _Reading(
            organisation,
            vantage,
            trace.af,
            self._day(trace.timestamp),
            trace.dst_addr,
            target,
            path,
        )


def observe(
    traces: Iterable[Trace], gazetteer: Gazetteer, table: CountryTable, policy: Policy, now: float
) -> Panel:
    """Turn traces into observations; ``now`` (epoch seconds) exposes clocks that run ahead.

    Reasons of rejection: ``vantage_abroad``, ``no_source_address``, ``source_unmapped``,
    ``source_unlocated``, ``access_network_unknown``, ``implausible_time``,
    ``destination_anycast``, ``destination_unmapped``, ``destination_in_own_network``,
    ``destination_cached_at_home``, ``no_answers``.
    """
    panel = Panel()
    desk = _Desk(gazetteer, table, now)
    readings: list[_Reading] = []
    for trace in traces:
        try:
            readings.append(desk.read(trace))
        except _Unusable as reason:
            panel.reject(str(reason))
    sightings = _sightings(readings, policy)
    links = Links(Counter(sighting for sighting in sightings if sighting is not None), policy)
    crossings = Crossings(policy)
    for reading, sighting in zip(readings, sightings, strict=True):
        crossing = None
        if sighting is not None:
            crossing = crossings.of(reading.path, reading.destination, links.changes(sighting))
            if crossing.at_home:
                panel.reject("destination_cached_at_home")
                continue
        panel.observations.append(reading.observation(crossing))
    return panel


def _sightings(readings: Sequence[_Reading], policy: Policy) -> list[Sighting | None]:
    """What each trace towards abroad tells of links, and in which period; None for the others."""
    first = min((reading.day for reading in readings), default=dt.date.min).toordinal()
    return [
        Sighting(reading.path.frame, (reading.day.toordinal() - first) // policy.link_days)
        if reading.target.abroad
        else None
        for reading in readings
    ]
