"""Synthetic countries as traces: a small address table and a writer of Atlas-shaped results.

Addresses say what they are: organisation i of the country owns 20.0.i.0/24 and its router j
there is 20.0.i.j; foreign operator i owns 30.0.i.0/24. Hops are written as short words, see
`Country.trace`.
"""

from __future__ import annotations

import datetime as dt
import functools
import ipaddress
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from analysis.intake.load import Loaded
from analysis.judgement.judge import Judgement, judge
from analysis.policy import Policy
from analysis.shares.coverage import Weights
from probe.record import UNATTRIBUTED, Attribution, Trace, from_json

NOW = dt.datetime(2026, 6, 1, tzinfo=dt.UTC).timestamp()
FIRST_DAY = dt.date(2026, 1, 1)
HOME = "KH"
CONTINENTS = {"KH": "AS", "US": "NA", "DE": "EU", "SG": "AS", "ZA": "AF", "BR": "SA"}
ABROAD = ("US", "DE", "SG", "ZA", "BR")


class AutonomousSystem(NamedTuple):
    organisation: str
    addresses: int


class Snapshot(NamedTuple):
    id: str


@dataclass(eq=False)
class Table:
    """An address table of a few prefixes, with the interface of `probe.origin.Origin`."""

    prefixes: dict[Any, Attribution] = field(default_factory=dict)
    anycast: set[str] = field(default_factory=set)
    watched: set[str] = field(default_factory=set)
    sites: dict[str, str] = field(default_factory=dict)
    operators: dict[str, int] = field(default_factory=dict)
    snapshot: Snapshot = field(default_factory=lambda: Snapshot("synthetic@2026-01-01+0"))

    def add(self, prefix: str, attribution: Attribution) -> None:
        self.prefixes[ipaddress.ip_network(prefix)] = attribution

    def lookup(self, address: str) -> Attribution:
        return self._look(address)

    @functools.cache  # noqa: B019 - a table lives as long as its test
    def _look(self, address: str) -> Attribution:
        parsed = ipaddress.ip_address(address)
        if parsed in ipaddress.ip_network("10.0.0.0/8") or parsed in ipaddress.ip_network(
            "192.168.0.0/16"
        ):
            return Attribution(special="private")
        for prefix, attribution in self.prefixes.items():
            if parsed in prefix:
                return attribution
        return UNATTRIBUTED

    def organisation(self, asn: int) -> str:
        names = (a.organisation for a in self.prefixes.values() if a.asn == asn)
        return next(names, None) or f"AS{asn}"

    def asns(self, organisation: str) -> tuple[int, ...]:
        found = {a.asn for a in self.prefixes.values() if a.organisation == organisation}
        return tuple(sorted(asn for asn in found if asn is not None))

    def continent(self, country: str) -> str | None:
        return CONTINENTS.get(country)

    def site(self, address: str) -> str | None:
        return self.sites.get(address)

    def is_anycast(self, address: str) -> bool:
        return address in self.anycast

    def exchange_operator(self, exchange: str) -> int | None:
        return self.operators.get(exchange)

    def country(self, asn: int) -> str | None:
        return next((a.country for a in self.prefixes.values() if a.asn == asn), None)

    def is_watched(self, name: str) -> bool:
        return name in self.watched

    def networks(self, country: str) -> Sequence[AutonomousSystem]:
        return [
            AutonomousSystem(a.organisation or "", 256)
            for a in self.prefixes.values()
            if a.country == country and a.organisation
        ]


class Country:
    """A country of ``organisations`` networks, and the traces measured in it."""

    def __init__(self, organisations: int) -> None:
        self.size = organisations
        self.table = Table()
        for i in range(1, organisations + 1):
            self.table.add(f"20.0.{i}.0/24", Attribution(100 + i, f"N{i}", f"Net {i}", HOME))
            self.table.add(f"2020:{i}::/32", Attribution(100 + i, f"N{i}", f"Net {i}", HOME))
        self.table.add("20.9.9.0/24", Attribution(999, "GATE", "Gate", HOME))
        self.table.add("20.8.8.0/24", Attribution(None, None, None, HOME, exchange="HomeIX"))
        self.table.add("30.8.8.0/24", Attribution(None, None, None, "SG", exchange="FarIX"))
        self.table.add("20.7.7.0/24", Attribution(777, "SEA", "Sea Cable", "ZA"))
        for i in range(1, 16):
            country = ABROAD[i % len(ABROAD)]
            self.table.add(f"30.0.{i}.0/24", Attribution(3000 + i, f"F{i}", f"Far {i}", country))
            self.table.add(f"2030:{i}::/32", Attribution(3000 + i, f"F{i}", f"Far {i}", country))
        self.results: list[dict[str, Any]] = []

    def destinations(self, count: int = 5) -> list[str]:
        """Addresses of different foreign operators on different continents."""
        return [f"30.0.{i}.200" for i in range(1, count + 1)]

    def trace(
        self,
        organisation: int,
        destination: str,
        words: str,
        *,
        day: int = 0,
        vantage: int = 0,
        source: dict[str, str] | None = None,
        proto: str = "ICMP",
    ) -> None:
        """Add one result. ``words`` are the hops before the destination:

        ``lan`` a home router, ``own`` a router of the vantage network, ``*`` silence, ``gate`` a
        router of Gate, ``netI`` and ``farI`` a router of that network, otherwise an address; each
        may carry ``!`` where it refused, and ``@rtt`` in ms, ``@-`` where none is told. Without
        one, the RTT rises by 0.4 ms a hop at home and is 80 ms from the first foreign hop on.
        """
        hops: list[dict[str, Any]] = []
        target = destination.partition("@")[0]
        rtt = 0.5
        away = False
        for number, word in enumerate([*words.split(), destination], start=1):
            name, _, said = word.partition("@")
            if name == "*":
                hops.append({"hop": number, "result": [{"x": "*"}] * 3})
                continue
            address = self._address(name.removesuffix("!"), organisation)
            away = away or self.table.lookup(address).country not in {HOME, None}
            rtt = (
                float(said)
                if said not in {"", "-"}
                else max(rtt + 0.4, 80.0)
                if away
                else rtt + 0.4
            )
            reply: dict[str, Any] = {"from": address, "ttl": 60, "size": 28}
            if said != "-":
                reply["rtt"] = round(rtt, 2)
            if name.endswith("!"):
                reply["err"] = "A"
            hops.append({"hop": number, "result": [reply] * 3})
        start = dt.datetime.combine(FIRST_DAY + dt.timedelta(days=day), dt.time(12), dt.UTC)
        self.results.append(
            {
                "fw": 5080,
                "type": "traceroute",
                "msm_id": int(ipaddress.ip_address(target)) % 2**31,
                "prb_id": 1000 * organisation + vantage,
                **(source if source is not None else {"from": f"20.0.{organisation}.250"}),
                "af": 4,
                "proto": proto,
                "dst_addr": target,
                "timestamp": int(start.timestamp()),
                "paris_id": 1,
                "result": hops,
            }
        )

    @staticmethod
    def _address(name: str, organisation: int) -> str:
        fixed: Mapping[str, str] = {
            "lan": "192.168.1.1",
            "own": f"20.0.{organisation}.1",
            "gate": "20.9.9.1",
            "homeix": f"20.8.8.{organisation}",
            "farix": "30.8.8.1",
            "sea": "20.7.7.1",
        }
        if name in fixed:
            return fixed[name]
        if name.startswith("net"):
            return f"20.0.{name[3:]}.1"
        if name.startswith("far"):
            return f"30.0.{name[3:]}.{organisation}"
        return name

    def everyone(
        self, words: str, *, days: Sequence[int] = range(8), members: Sequence[int] | None = None
    ) -> None:
        """Each organisation traces to five destinations on each day; ``{i}`` is its number."""
        for i in range(1, self.size + 1) if members is None else members:
            for destination in self.destinations():
                upstream = 6 + i % 9
                hops = words.format(i=i, up=f"far{upstream}")
                for day in days:
                    self.trace(i, destination, hops, day=day)

    def around_in_ipv6(
        self, *over: str, days: Sequence[int] = range(8), upstream: str | None = None
    ) -> None:
        """Nine organisations reach five destinations over IPv6, each by an upstream of its own.

        ``over`` are addresses at home that they pass before, ``{i}`` the number of each.
        ``upstream`` is the router abroad of one upstream of all.
        """
        for i in range(1, 10):
            for n in range(1, 6):
                for day in days:
                    home = [f"2020:{i}::1", *(one.format(i=i) for one in over)]
                    hops = [*home, upstream or f"2030:{6 + i % 9}::{i}", f"2030:{n}::200"]
                    self.results.append(
                        {
                            "from": f"2020:{i}::9",
                            "af": 6,
                            "prb_id": i,
                            "dst_addr": hops[-1],
                            "timestamp": 1767268800 + 86400 * day,
                            "result": [
                                {
                                    "hop": h,
                                    "result": [{"from": a, "rtt": 1.0 if a in home else 90.0}],
                                }
                                for h, a in enumerate(hops, start=1)
                            ],
                        }
                    )

    def traces(self) -> list[Trace]:
        """The results as they are read; those that differ in their day alone are read once."""
        read: dict[bytes, Trace] = {}
        traces = []
        for result in self.results:
            rest = pickle.dumps({**result, "timestamp": 0})
            if rest not in read:
                read[rest] = from_json(result)
            when = result["timestamp"]
            traces.append(read[rest]._replace(timestamp=when, endtime=result.get("endtime", when)))
        return traces

    def judge(
        self,
        policy: Policy | None = None,
        *,
        weights: Weights | None = None,
        supplements: bool = True,
    ) -> Judgement:
        loaded = Loaded(traces=self.traces())
        return judge(
            loaded,
            self.table,
            HOME,
            policy or Policy(),
            now=NOW,
            weights=weights,
            supplements=supplements,
        )


def gated(organisations: int = 10, words: str = "lan own gate {up}") -> Country:
    """Everybody passes Gate, or what else the words say."""
    country = Country(organisations)
    country.everyone(words)
    return country


def open_country(organisations: int = 12) -> Country:
    """Everybody leaves by themselves."""
    return gated(organisations, "lan own {up}")
