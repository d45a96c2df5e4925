"""Who measured towards what: traces → observations the figures are made of, or a reason why not.

Decides whose organisation a vantage point belongs to, whether it stands in the country at all,
and what each destination is good for. One `Observation` is one usable trace, or all that are alike.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Literal, NamedTuple, Protocol

from analysis.crossing import Crossing, Crossings
from analysis.links import Links, Sighting
from analysis.nextdoor import answers_next_door
from analysis.operators import Gazetteer, Node, Table
from analysis.path import Path, Reader, Step
from analysis.plausibility import Account, Others, Sign, least_rtt, signs_of, verdict_on
from analysis.policy import Policy
from analysis.succession import Heard, first_keys
from analysis.told import Rtts, Speaker, Told, tell
from probe.record import SPOILT, Trace

# Before this, a clock was never set; GPS and NTP era files do not go back further.
_EARLIEST = dt.datetime(2000, 1, 1, tzinfo=dt.UTC).timestamp()
_TOLERATED_AHEAD = 86_400.0

_FIRST_DAY = dt.date(1970, 1, 1).toordinal()


def day_of(timestamp: float) -> int:
    """The UTC day of a time in epoch seconds, as days since 1970.

    >>> day_of(86_399.9), date_of(day_of(1735689600))
    (0, datetime.date(2025, 1, 1))
    """
    return int(timestamp // 86_400)


def date_of(day: int) -> dt.date:
    """The date of a day since 1970."""
    return dt.date.fromordinal(_FIRST_DAY + day)


class CountryTable(Table, Protocol):
    """What judging a country asks of an address table besides single addresses."""

    def organisation(self, asn: int) -> str: ...

    def asns(self, organisation: str) -> tuple[int, ...]: ...

    def continent(self, country: str) -> str | None: ...

    def country(self, asn: int) -> str | None: ...

    def site(self, address: str) -> str | None: ...

    def is_anycast(self, address: str) -> bool: ...


@dataclass(frozen=True, slots=True)
class Observation:
    """One usable trace, or many that are alike (see `analysis.likeness`).

    ``kind`` is ``international`` when the destination is registered abroad (then ``crossing`` is
    set) and ``domestic`` when it is another organisation at home. ``destination_class`` is the
    operator and the continent of a destination abroad. ``days`` are UTC dates in order, ``counts``
    has for each how many traces there are. ``path`` is as the table has it, ``crossing`` as all
    paths over its links have it (see `analysis.links`).
    """

    kind: Literal["international", "domestic"]
    organisation: str
    vantage: str
    family: int
    days: tuple[dt.date, ...]
    counts: tuple[int, ...]
    destination: str
    destination_organisation: str
    destination_class: tuple[str, str] | None
    path: Path
    crossing: Crossing | None

    @property
    def steps(self) -> tuple[Step, ...]:
        return self.path.steps

    @property
    def traces(self) -> int:
        """How many traces it is."""
        return sum(self.counts)

    def daily(self) -> Iterator[tuple[dt.date, int]]:
        """Each day with how many traces it has."""
        return zip(self.days, self.counts, strict=True)

    def since(self, day: dt.date) -> Observation | None:
        """The traces of this day and of those after it, None where there are none."""
        first = bisect_left(self.days, day)
        if first == 0:
            return self
        if first == len(self.days):
            return None
        return replace(self, days=self.days[first:], counts=self.counts[first:])


def first_and_last(observations: Sequence[Observation]) -> tuple[dt.date, dt.date] | None:
    """The first day and the last, None of nothing."""
    if not observations:
        return None
    return min(seen.days[0] for seen in observations), max(seen.days[-1] for seen in observations)


def by_day(observations: Iterable[Observation]) -> Iterator[tuple[dt.date, list[Observation]]]:
    """Each day in order, with what was observed on it, in the order given."""
    listed = list(observations)
    # Of each day, which observations it is the next one of, and the how manieth of theirs it is.
    waiting: defaultdict[dt.date, list[tuple[int, int]]] = defaultdict(list)
    for number, seen in enumerate(listed):
        waiting[seen.days[0]].append((number, 0))
    while waiting:
        day = min(waiting)
        found = []
        for number, place in sorted(waiting.pop(day)):
            seen = listed[number]
            found.append(replace(seen, days=(day,), counts=(seen.counts[place],)))
            if place + 1 < len(seen.days):
                waiting[seen.days[place + 1]].append((number, place + 1))
        yield day, found


@dataclass
class Panel:
    """All observations, and what was left out by reason.

    ``numbers`` has for each observation which of what was given it is, from 0; of what crosses
    the border now here, now there, several are the same one.
    """

    observations: list[Observation] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    rejected: Counter[str] = field(default_factory=Counter)
    signs: Counter[str] = field(default_factory=Counter)
    """Signs of invention by kind, on how many traces; of those that were kept as well."""

    def reject(self, reason: str, traces: int = 1) -> None:
        self.rejected[reason] += traces

    @property
    def traces(self) -> int:
        """How many traces the observations are."""
        return sum(seen.traces for seen in self.observations)


class Unusable(Exception):
    """Carries the reason why a trace says nothing.

    One that is kept must never be raised: it would hold all that was at hand there.
    """


class Way(NamedTuple):
    """Who measured towards what over which addresses: what usable traces may have in common.

    ``path`` has the RTTs of the one that it was made of. ``next_door`` tells of RTTs along it
    whether the destination is too near for where it is registered, if any can.
    """

    organisation: str
    speaker: Speaker
    family: int
    destination: str
    target: Target
    path: Path
    next_door: Callable[[Rtts], bool] | None

    def objection(self, rtts: Rtts) -> str | None:
        """Why a trace with these RTTs is not usable, None where it may be."""
        near = self.next_door is not None and self.next_door(rtts)
        return "destination_next_door" if near else None


class Reading(NamedTuple):
    """A usable trace whose crossing is still open; it may stand for many that are alike.

    ``days`` and ``counts`` are as those of an `Observation`.
    """

    organisation: str
    speaker: Speaker
    family: int
    days: tuple[dt.date, ...]
    counts: tuple[int, ...]
    destination: str
    target: Target
    path: Path
    signs: tuple[Sign, ...]

    @property
    def traces(self) -> int:
        """How many traces it is."""
        return sum(self.counts)

    def observation(self, vantage: str, crossing: Crossing | None) -> Observation:
        organisation, _, family, days, counts, destination, target, path, _ = self
        return Observation(
            "international" if target.abroad else "domestic",
            organisation,
            vantage,
            family,
            days,
            counts,
            destination,
            target.organisation,
            target.destination_class,
            path,
            crossing,
        )


class Target(NamedTuple):
    """What a destination is good for, ``abroad`` by its registration.

    ``least_rtt`` in ms is what light needs to where it is known to stand and back, else 0.0;
    ``far_ms`` is the RTT from which on it may stand on the other continent that it is registered
    on, 0.0 if that is the country's own.
    """

    organisation: str
    abroad: bool
    destination_class: tuple[str, str] | None
    least_rtt: float = 0.0
    far_ms: float = 0.0


class Alike(Protocol):
    """What traces that are alike have in common; silence is an address of ""."""

    @property
    def organisation(self) -> str: ...

    @property
    def speaker(self) -> Speaker: ...

    @property
    def family(self) -> int: ...

    @property
    def destination(self) -> str: ...

    @property
    def addresses(self) -> tuple[str, ...]: ...

    @property
    def signs(self) -> tuple[Sign, ...]: ...


class Desk:
    """Decides which traces are evidence. Each destination is looked at once."""

    def __init__(
        self, gazetteer: Gazetteer, table: CountryTable, policy: Policy, now: float
    ) -> None:
        self._gazetteer = gazetteer
        self._table = table
        self._policy = policy
        self._latest = now + _TOLERATED_AHEAD
        self._reader = Reader(gazetteer)
        self._sources: dict[str, str | Unusable] = {}
        self._access: dict[int, str | Unusable] = {}
        self._targets: dict[str, Target | Unusable] = {}

    def _vantage(self, trace: Told) -> tuple[Speaker, str]:
        """Who speaks, and from whose network."""
        if trace.vantage is not None:
            if trace.vantage.asn is None:
                raise Unusable("access_network_unknown")
            if trace.vantage.country not in {None, self._gazetteer.country}:
                raise Unusable("vantage_abroad")
            speaker = Speaker(trace.key or "", trace.vantage.id)
            return speaker, self._access_network(trace.vantage.asn)
        if trace.source is None:
            raise Unusable("no_source_address")
        found = self._sources.get(trace.source)
        if found is None:
            found = self._sources[trace.source] = self._network_of(trace.source)
        if isinstance(found, Unusable):
            raise Unusable(str(found))
        who = f"atlas:{trace.prb_id}" if trace.prb_id is not None else f"address:{trace.source}"
        return Speaker("", who), found

    def _access_network(self, asn: int) -> str:
        """Whose network a record says it was measured in, if the table has that at home."""
        found = self._access.get(asn)
        if found is None:
            registered = self._table.country(asn)
            if registered == self._gazetteer.country:
                found = self._table.organisation(asn)
            else:
                found = Unusable("vantage_abroad" if registered else "access_network_unknown")
            self._access[asn] = found
        if isinstance(found, Unusable):
            raise Unusable(str(found))
        return found

    def _network_of(self, source: str) -> str | Unusable:
        """The organisation at home that an address belongs to."""
        if not ipaddress.ip_address(source).is_global:
            return Unusable("no_source_address")
        sight = self._gazetteer.sight(source)
        if sight.node.kind != "organisation":
            return Unusable("source_unmapped")
        if sight.place != "home":
            return Unusable("vantage_abroad" if sight.place == "abroad" else "source_unlocated")
        return sight.node.name

    def _look(self, destination: str) -> Target | Unusable:
        if self._table.is_anycast(destination):
            return Unusable("destination_anycast")
        sight = self._gazetteer.sight(destination)
        if sight.node.kind != "organisation" or sight.place == "unlocated":
            return Unusable("destination_unmapped")
        if sight.place == "home":
            return Target(sight.node.name, abroad=False, destination_class=None)
        country = sight.country or ""
        continent = self._table.continent(country) or country
        here = self._table.continent(self._gazetteer.country)
        return Target(
            sight.node.name,
            abroad=True,
            destination_class=(sight.node.name, continent),
            least_rtt=least_rtt(here, self._table.site(destination)),
            far_ms=0.0 if here in {None, continent} else self._policy.abroad_step_ms,
        )

    def _target(self, destination: str) -> Target:
        found = self._targets.get(destination)
        if found is None:
            found = self._targets[destination] = self._look(destination)
        if isinstance(found, Unusable):
            raise Unusable(str(found))
        return found

    def objection(self, trace: Told) -> str | None:
        """Why a trace is not usable by what it says of itself or by its time, None where it may be.

        The first of the two that is found counts, and either before what `way` finds.
        """
        for note in trace.notes:
            if note in SPOILT:
                return SPOILT[note]
        if not trace.timestamp:
            return "no_timestamp"
        if not _EARLIEST <= trace.timestamp <= self._latest:
            return "implausible_time"
        return None

    def way(self, trace: Told) -> Way:
        """Who measured towards what, and over which addresses; raises `Unusable`.

        Neither the trace's time nor its RTTs are looked at.
        """
        speaker, organisation = self._vantage(trace)
        target = self._target(trace.dst_addr)
        if target.organisation == organisation:
            raise Unusable("destination_in_own_network")
        if not trace.addresses:
            raise Unusable("no_answers")
        path = self._reader.path(trace, organisation)
        return Way(
            organisation,
            speaker,
            trace.af,
            trace.dst_addr,
            target,
            path,
            answers_next_door(path, Node("organisation", target.organisation), target.far_ms),
        )

    def read(self, trace: Told) -> Reading:
        """One trace, its crossing left open; raises `Unusable`."""
        objection = self.objection(trace)
        if objection is not None:
            raise Unusable(objection)
        way = self.way(trace)
        objection = way.objection(way.path.rtts)
        if objection is not None:
            raise Unusable(objection)
        organisation, speaker, family, destination, target, path, _ = way
        return Reading(
            organisation,
            speaker,
            family,
            (date_of(day_of(trace.timestamp)),),
            (1,),
            destination,
            target,
            path,
            signs_of(trace, target.least_rtt, self._policy),
        )

    def read_again(
        self, key: Alike, rtts: Rtts, days: tuple[dt.date, ...], counts: tuple[int, ...]
    ) -> Reading:
        """The reading that traces of these days gave that were read before and are alike."""
        addresses = tuple([address or None for address in key.addresses])
        return Reading(
            key.organisation,
            key.speaker,
            key.family,
            days,
            counts,
            key.destination,
            self._target(key.destination),
            self._reader.along(addresses, rtts, key.organisation, key.destination),
            key.signs,
        )


def observe(
    traces: Iterable[Trace], gazetteer: Gazetteer, table: CountryTable, policy: Policy, now: float
) -> Panel:
    """Turn traces into observations; ``now`` (epoch seconds) exposes clocks that run ahead.

    Reasons of rejection: ``vantage_abroad``, ``no_source_address``, ``source_unmapped``,
    ``source_unlocated``, ``access_network_unknown``, ``no_timestamp``, ``implausible_time``,
    ``destination_anycast``, ``destination_unmapped``, ``destination_in_own_network``,
    ``destination_cached_at_home``, ``destination_next_door``, ``no_answers``, ``vpn``,
    ``captive_portal``, ``wrong_clock``, ``key_in_other_network``, and those of
    `analysis.plausibility`.
    """
    desk = Desk(gazetteer, table, policy, now)
    return observe_by_desks(((number, trace, desk) for number, trace in enumerate(traces)), policy)


def observe_by_desks(given: Iterable[tuple[int, Trace, Desk]], policy: Policy) -> Panel:
    """The panel of traces that each have a number, and a desk that reads it.

    Whatever desks read them, a key speaks for one network and is one vantage point's.
    """
    rejected: Counter[str] = Counter()
    readings: list[Reading] = []
    usable: list[int] = []
    for number, trace, desk in given:
        try:
            readings.append(desk.read(tell(trace)))
            usable.append(number)
        except Unusable as reason:
            rejected[str(reason)] += 1
    panel = cross(readings, rejected, policy)
    panel.numbers = [usable[number] for number in panel.numbers]
    return panel


def cross(readings: Sequence[Reading], rejected: Counter[str], policy: Policy) -> Panel:
    """Find out where usable traces left the country, by what all of them tell of links.

    ``rejected`` are the others by reason.
    """
    panel = Panel(rejected=rejected)
    given = enumerate(readings)
    # A key has its network by what it signed itself, whoever it may be joined with.
    readings = _in_one_network(readings, panel)
    vantage = _vantage_points(readings, policy)
    readings = _plausible(readings, vantage, panel, policy)
    first_day = min((reading.days[0] for reading in readings), default=dt.date.min)
    counted: Counter[Sighting] = Counter()
    for reading in readings:
        if reading.target.abroad:
            for sighting, daily in _sightings(reading, first_day, policy):
                counted[sighting] += sum(traces for _, traces in daily)
    links = Links(counted, policy)
    crossings = Crossings(policy)

    def crossed(reading: Reading) -> Iterator[tuple[Reading, Crossing]]:
        """Its traces by their crossing: what is known of links changes with the period."""
        known: dict[int, tuple[Crossing, list[tuple[dt.date, int]]]] = {}
        for sighting, of_period in _sightings(reading, first_day, policy):
            crossing = crossings.of(reading.path, reading.destination, links.changes(sighting))
            _, daily = known.setdefault(id(crossing), (crossing, []))
            daily += of_period
        for crossing, daily in known.values():
            if len(known) == 1:
                yield reading, crossing
            else:
                days, counts = zip(*daily, strict=True)
                yield reading._replace(days=days, counts=counts), crossing

    for reading in readings:
        # What is left is in the order of what was given.
        number = next(number for number, one in given if one is reading)
        parts: Iterable[tuple[Reading, Crossing | None]] = (
            crossed(reading) if reading.target.abroad else [(reading, None)]
        )
        for part, crossing in parts:
            if crossing is not None and crossing.at_home:
                panel.reject("destination_cached_at_home", part.traces)
                continue
            panel.observations.append(part.observation(vantage(part), crossing))
            panel.numbers.append(number)
    return panel


def _vantage_points(readings: Iterable[Reading], policy: Policy) -> Callable[[Reading], str]:
    """Whose each of these readings is: what was signed with a later key is its owner's."""
    heard = (
        Heard(reading.organisation, reading.speaker, day)
        for reading in readings
        for day in (reading.days[0], reading.days[-1])
    )
    first = first_keys(heard, gap=policy.key_gap_days)

    def vantage(reading: Reading) -> str:
        return first.get((reading.organisation, reading.speaker), reading.speaker).name

    return vantage


def _in_one_network(readings: Sequence[Reading], panel: Panel) -> Sequence[Reading]:
    """Without what a key measured in another network than its usual one.

    A key speaks for one network of a family, the one it measured in on most days: whoever has one
    key cannot stand for many organisations.
    """
    days: dict[tuple[str, int], dict[str, set[dt.date]]] = {}
    for reading in readings:
        networks = days.setdefault((reading.speaker.name, reading.family), {})
        networks.setdefault(reading.organisation, set()).update(reading.days)
    if all(len(networks) == 1 for networks in days.values()):
        return readings
    usual = {
        key: min(networks, key=lambda name: (-len(networks[name]), name))
        for key, networks in days.items()
    }
    kept = []
    for reading in readings:
        if usual[reading.speaker.name, reading.family] == reading.organisation:
            kept.append(reading)
        else:
            panel.reject("key_in_other_network", reading.traces)
    return kept


def _plausible(
    readings: Sequence[Reading],
    vantage: Callable[[Reading], str],
    panel: Panel,
    policy: Policy,
) -> Sequence[Reading]:
    """Without what cannot have been measured as it is told."""
    accounts = [
        Account(reading.organisation, vantage(reading), reading.destination, reading.path.frame)
        for reading in readings
    ]
    others = Others(accounts, policy)
    kept = []
    for reading, account in zip(readings, accounts, strict=True):
        signs = (*reading.signs, *others.signs(account))
        if signs:
            panel.signs.update(dict.fromkeys(signs, reading.traces))
            reason = verdict_on(signs, policy)
            if reason is not None:
                panel.reject(reason, reading.traces)
                continue
        kept.append(reading)
    return kept


def _sightings(
    reading: Reading, first: dt.date, policy: Policy
) -> Iterator[tuple[Sighting, list[tuple[dt.date, int]]]]:
    """What traces tell of links in each period, counted from a first day; and its days' counts."""

    def period(daily: tuple[dt.date, int]) -> int:
        return (daily[0] - first).days // policy.link_days

    daily = zip(reading.days, reading.counts, strict=True)
    for number, of_period in groupby(daily, key=period):
        yield Sighting(reading.path.frame, number), list(of_period)
