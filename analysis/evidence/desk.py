"""Which traces are evidence: one trace → who measured towards what, or a reason why it is unusable.

Decides whose organisation a vantage point belongs to, whether it stands in the country at all, and
what each destination is good for. What traces say of each other is asked in
`analysis.evidence.panel`.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Callable
from typing import NamedTuple, Protocol

from analysis.evidence.nextdoor import answers_next_door
from analysis.evidence.observation import Observation, date_of, day_of
from analysis.evidence.plausibility import Sign, least_rtt, signs_of
from analysis.intake.told import Rtts, Speaker, Told
from analysis.owners.numbering import is_nobodys
from analysis.owners.operators import Gazetteer, Node, Table
from analysis.paths.crossing import Crossing
from analysis.paths.path import Path, Reader
from analysis.policy import Policy
from probe.record import SPOILT, probe_number

# Before this, a clock was never set; GPS and NTP era files do not go back further.
_EARLIEST = dt.datetime(2000, 1, 1, tzinfo=dt.UTC).timestamp()
_TOLERATED_AHEAD = 86_400.0


class CountryTable(Table, Protocol):
    """What judging a country asks of an address table besides single addresses."""

    def organisation(self, asn: int) -> str:
        """The organisation of an AS number, siblings merged."""

    def asns(self, organisation: str) -> tuple[int, ...]:
        """The AS numbers of an organisation; () where there is none of that name."""

    def continent(self, country: str) -> str | None:
        """AF, AN, AS, EU, NA, OC or SA for a country code, None for an unknown one."""

    def country(self, asn: int) -> str | None:
        """The code of the country in which an AS number is registered, if it is known."""

    def site(self, address: str) -> str | None:
        """The continent on which a host stands, whatever its registration says, if it is known."""

    def is_anycast(self, address: str) -> bool:
        """Whether an address is announced from many places at once."""


class Unusable(Exception):
    """Carries the reason why a trace says nothing.

    One that is kept must never be raised: it would hold all that was at hand there.
    """


class Track(NamedTuple):
    """Who measured towards what over which addresses: what usable traces may have in common.

    ``path`` has the RTTs of the one that it was made of. ``next_door`` tells of RTTs along it
    whether the destination is too near for where it is registered, if any can.
    """

    organisation: str
    speaker: Speaker
    family: int
    proto: str
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
    proto: str
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
        """It as the figures use it, of this vantage point; no crossing is for paths at home."""
        organisation, _, family, proto, days, counts, destination, target, path, _ = self
        return Observation(
            "international" if target.abroad else "domestic",
            organisation,
            vantage,
            family,
            proto,
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
    def proto(self) -> str: ...

    @property
    def destination(self) -> str: ...

    @property
    def addresses(self) -> tuple[str, ...]: ...

    @property
    def signs(self) -> tuple[Sign, ...]: ...


def _unsigned(source: str, prb_id: int | None) -> str:
    """Who measured, where nobody signed: a probe by its number, else whoever has the address.

    What others measured has no number, and is given one of its address where it is written as a
    record: it is no other vantage point's then.

    >>> _unsigned("8.8.8.8", 7), _unsigned("8.8.8.8", None)
    ('atlas:7', 'address:8.8.8.8')
    >>> _unsigned("8.8.8.8", probe_number("8.8.8.8"))
    'address:8.8.8.8'
    """
    if prb_id is None or prb_id == probe_number(source):
        return f"address:{source}"
    return f"atlas:{prb_id}"


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
        return Speaker("", _unsigned(trace.source, trace.prb_id)), found

    def _access_network(self, asn: int) -> str:
        """Whose network a record says it was measured in, if the table has that at home."""
        found = self._access.get(asn)
        if found is None:
            registered = None if is_nobodys(asn) else self._table.country(asn)
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

        The first of the two that is found counts, and either before what `track` finds.
        """
        for note in trace.notes:
            if note in SPOILT:
                return SPOILT[note]
        if not trace.timestamp:
            return "no_timestamp"
        if not _EARLIEST <= trace.timestamp <= self._latest:
            return "implausible_time"
        return None

    def track(self, trace: Told) -> Track:
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
        return Track(
            organisation,
            speaker,
            trace.af,
            trace.proto,
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
        track = self.track(trace)
        objection = track.objection(track.path.rtts)
        if objection is not None:
            raise Unusable(objection)
        organisation, speaker, family, proto, destination, target, path, _ = track
        return Reading(
            organisation,
            speaker,
            family,
            proto,
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
            key.proto,
            days,
            counts,
            key.destination,
            self._target(key.destination),
            self._reader.along(addresses, rtts, key.organisation, key.destination),
            key.signs,
        )
