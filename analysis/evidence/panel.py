"""Who measured towards what: traces → observations the figures are made of, or a reason why not.

Each trace is read at a desk (`analysis.evidence.desk`). What is decided here is what all of them
say together: whose a key is, which of them cannot have been measured as they are told, and where
each left the country, by what the others show of the same links.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from analysis.evidence.desk import CountryTable, Desk, Reading, Unusable
from analysis.evidence.observation import Observation
from analysis.evidence.plausibility import Account, Others, verdict_on
from analysis.evidence.succession import Heard, first_keys
from analysis.intake.told import tell
from analysis.owners.operators import Gazetteer
from analysis.paths.crossing import Crossing, Crossings
from analysis.paths.links import Links, Sighting
from analysis.policy import Policy
from probe.record import Trace


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
    displaced: dict[tuple[int, bool, str], dt.date] = field(default_factory=dict)
    """The family and the organisation of ways, abroad or at home, that were left out as an unsigned
    pseudonym's of another network, with their last day. Anybody may give it, so it may be
    another's."""
    signed_and_not: int = 0
    """Of how many vantage points something is signed and something is not, of the same days: where
    these are the same traces, each counts twice."""

    def reject(self, reason: str, traces: int) -> None:
        """Count so many traces as left out."""
        self.rejected[reason] += traces

    def displace(self, reading: Reading) -> None:
        """Remember whose way was left out, and until when."""
        whose = reading.family, reading.target.abroad, reading.organisation
        self.displaced[whose] = max(self.displaced.get(whose, dt.date.min), reading.days[-1])

    def displaced_from(self, family: int, *, abroad: bool) -> dict[str, dt.date]:
        """The organisations of a family of which ways were left out so, with their last day."""
        return {
            name: last
            for (version, away, name), last in self.displaced.items()
            if version == family and away == abroad
        }

    @property
    def traces(self) -> int:
        """How many traces the observations are."""
        return sum(seen.traces for seen in self.observations)


def observe(
    traces: Iterable[Trace], gazetteer: Gazetteer, table: CountryTable, policy: Policy, now: float
) -> Panel:
    """Turn traces into observations; ``now`` (epoch seconds) exposes clocks that run ahead.

    Reasons of rejection: ``vantage_abroad``, ``no_source_address``, ``source_unmapped``,
    ``source_unlocated``, ``access_network_unknown``, ``no_timestamp``, ``implausible_time``,
    ``destination_anycast``, ``destination_unmapped``, ``destination_in_own_network``,
    ``destination_cached_at_home``, ``destination_next_door``, ``no_answers``, ``vpn``,
    ``captive_portal``, ``new_ttl``, ``wrong_clock``, ``key_in_other_network``, and those of
    `analysis.evidence.plausibility`.
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
    panel = Panel(rejected=rejected, signed_and_not=_signed_and_not(readings))
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


def _signed_and_not(readings: Iterable[Reading]) -> int:
    """How many pseudonyms a network's keys give on days on which they are given unsigned too."""
    days: dict[tuple[str, str, bool], set[dt.date]] = defaultdict(set)
    for reading in readings:
        said = reading.speaker
        days[reading.organisation, said.pseudonym, bool(said.key)].update(reading.days)
    return sum(
        not days.get((organisation, pseudonym, True), set()).isdisjoint(unsigned)
        for (organisation, pseudonym, signed), unsigned in days.items()
        if not signed
    )


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
            if not reading.speaker.key:
                panel.displace(reading)
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
