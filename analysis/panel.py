"""Who measured towards what: traces → observations the figures are made of, or a reason why not.

Decides whose organisation a vantage point belongs to, whether it stands in the country at all,
and what each destination is good for. One `Observation` is one usable trace.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, Protocol

from analysis.crossing import Crossing, Step, crossing_of, steps_of
from analysis.operators import Gazetteer, Table
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
    operator and the continent of a destination abroad. ``day`` is the UTC date.
    """

    kind: Literal["international", "domestic"]
    organisation: str
    vantage: str
    family: int
    day: dt.date
    destination: str
    destination_organisation: str
    destination_class: tuple[str, str] | None
    steps: tuple[Step, ...]
    crossing: Crossing | None


@dataclass
class Panel:
    """All observations, and what was left out by reason."""

    observations: list[Observation] = field(default_factory=list)
    rejected: Counter[str] = field(default_factory=Counter)
    vantages_rejected: dict[str, str] = field(default_factory=dict)


class _Unusable(Exception):
    """Carries the reason why a trace says nothing."""


def _vantage(trace: Trace, gazetteer: Gazetteer, table: CountryTable) -> tuple[str, str]:
    """The vantage point's pseudonym and organisation."""
    if trace.vantage is not None:
        if trace.vantage.asn is None:
            raise _Unusable("access_network_unknown")
        if trace.vantage.country not in {None, gazetteer.country}:
            raise _Unusable("vantage_abroad")
        return trace.vantage.id, table.organisation(trace.vantage.asn)
    if trace.source is None or not ipaddress.ip_address(trace.source).is_global:
        raise _Unusable("no_source_address")
    sight = gazetteer.sight(trace.source)
    if sight.node.kind != "organisation":
        raise _Unusable("source_unmapped")
    if sight.place != "home":
        raise _Unusable("vantage_abroad" if sight.place == "abroad" else "source_unlocated")
    who = f"atlas:{trace.prb_id}" if trace.prb_id is not None else f"address:{trace.source}"
    return who, sight.node.name


def _observe(
    trace: Trace, gazetteer: Gazetteer, table: CountryTable, policy: Policy, now: float
) -> Observation:
    if not _EARLIEST <= trace.timestamp <= now + _TOLERATED_AHEAD:
        raise _Unusable("implausible_time")
    vantage, organisation = _vantage(trace, gazetteer, table)
    if table.is_anycast(trace.dst_addr):
        raise _Unusable("destination_anycast")
    target = gazetteer.sight(trace.dst_addr)
    if target.node.kind != "organisation" or target.place == "unlocated":
        raise _Unusable("destination_unmapped")
    if target.node.name == organisation:
        raise _Unusable("destination_in_own_network")
    steps = steps_of(trace, gazetteer, organisation)
    if not any(step.rtt is not None or step.address is not None for step in steps):
        raise _Unusable("no_answers")
    crossing, destination_class = None, None
    if target.place == "abroad":
        crossing = crossing_of(steps, trace.dst_addr, policy)
        if crossing.at_home:
            raise _Unusable("destination_cached_at_home")
        country = target.country or ""
        destination_class = (target.node.name, table.continent(country) or country)
    return Observation(
        kind="international" if crossing is not None else "domestic",
        organisation=organisation,
        vantage=vantage,
        family=trace.af,
        day=dt.datetime.fromtimestamp(trace.timestamp, dt.UTC).date(),
        destination=trace.dst_addr,
        destination_organisation=target.node.name,
        destination_class=destination_class,
        steps=tuple(steps),
        crossing=crossing,
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
    for trace in traces:
        try:
            panel.observations.append(_observe(trace, gazetteer, table, policy, now))
        except _Unusable as reason:
            panel.rejected[str(reason)] += 1
    return panel
