"""A simulated country: its networks, the routers between them, and what these answer.

Links, routes and addresses are drawn once and stay; what goes wrong between a router and a record
of it is drawn as `Faults` say. Who leaves by whom on which day is decided in
`analysis.simulated.simulation`. What is drawn, and what is left out, is argued in
``docs/error-rates.md``.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, NamedTuple

from probe.record import UNATTRIBUTED, Attribution, Hop, Reply, Trace, Vantage

COUNTRY = "XA"  # a code for users to assign (ISO 3166): no country has it
GATEWAY = "Gateway"
DESTINATIONS = 5
TRANSITS = 4
CROWDED = 1
"""The number of the network that most volunteers sit in, the largest of the country."""

_CONTINENTS = {COUNTRY: "AS", "US": "NA", "DE": "EU", "SG": "AS", "ZA": "AF", "BR": "SA"}
_ABROAD = ("US", "DE", "SG", "ZA", "BR")
_CARRIERS = 8

Uplink = Literal["own", "gateway"] | int
"""How a network leaves: by itself, through the gateway, or through transit provider number n."""


@dataclass(frozen=True, slots=True)
class Faults:
    """What stands between the truth and the traces. Fractions.

    ``silent`` of all hops do not answer; ``mute`` of all routers never do and are part of them.
    In ``misattributed`` of all traces the border hop answers with an address that belongs to a
    neighbour; ``lasting`` of these are always the same pairs of network and destination, the
    others strike single traces. ``wrong`` of the networks have only such links. A neighbour is,
    by ``neighbour``, the customer, the carrier abroad, or a third network at home, which then is
    the largest one, the gateway or a transit provider. ``fixed`` of the routers abroad answer
    with one address over whichever link they were reached, all others with that of the link.
    ``crowd`` of the volunteers sit in one network.
    """

    silent: float = 0.25
    mute: float = 0.05
    misattributed: float = 0.10
    lasting: float = 0.5
    wrong: float = 0.05
    neighbour: tuple[float, float, float] = (0.5, 0.3, 0.2)
    fixed: float = 0.2
    crowd: float = 0.8


USUAL_FAULTS = Faults()


class _Snapshot(NamedTuple):
    id: str


class _Network(NamedTuple):
    asn: int
    organisation: str
    addresses: int


class SimulatedTable:
    """The address table of a simulated country, by the first three numbers of an address."""

    def __init__(self, networks: int) -> None:
        self.snapshot = _Snapshot("simulated")
        self._blocks: dict[str, Attribution] = {}
        self._asns: dict[str, tuple[int, ...]] = {}
        for i in range(1, networks + 1):
            self._add(f"20.0.{i}", 100 + i, f"Network {i}", COUNTRY)
        for j in range(1, TRANSITS + 1):
            self._add(f"20.1.{j}", 200 + j, f"Transit {j}", COUNTRY)
        for block in range(16):
            self._add(f"20.2.{block}", 300, GATEWAY, COUNTRY)
        for c in range(_CARRIERS):
            self._add(f"30.0.{c}", 1000 + c, f"Carrier {c}", _ABROAD[c % len(_ABROAD)])
        for d in range(DESTINATIONS):
            self._add(f"40.0.{d}", 2000 + d, f"Far {d}", _ABROAD[d % len(_ABROAD)])

    def _add(self, block: str, asn: int, organisation: str, country: str) -> None:
        self._blocks[block] = Attribution(asn, organisation, organisation, country)
        self._asns[organisation] = (asn,)

    def lookup(self, address: str) -> Attribution:
        """Whose the address is."""
        if address.startswith(("10.", "192.168.")):
            return Attribution(special="private")
        return self._blocks.get(address.rpartition(".")[0], UNATTRIBUTED)

    @cached_property
    def _organisations(self) -> dict[int, str]:
        return {asns[0]: name for name, asns in self._asns.items()}

    def organisation(self, asn: int) -> str:
        """The organisation of an AS number."""
        return self._organisations[asn]

    def country(self, asn: int) -> str | None:
        """The country of an AS number."""
        networks = self._blocks.values()
        return next((network.country for network in networks if network.asn == asn), None)

    def asns(self, organisation: str) -> tuple[int, ...]:
        """Its AS number."""
        return self._asns.get(organisation, ())

    def continent(self, country: str) -> str | None:
        """The continent of a country code."""
        return _CONTINENTS.get(country)

    def site(self, _address: str) -> str | None:
        """Nobody knows where a host stands."""
        return None

    def is_anycast(self, _address: str) -> bool:
        """No destination here is."""
        return False

    def exchange_operator(self, _exchange: str) -> int | None:
        """There are no exchanges here."""
        return None

    def is_watched(self, _name: str) -> bool:
        """Nobody knows the gateway beforehand."""
        return False

    def networks(self, country: str) -> Sequence[_Network]:
        """The country's networks, all of the same size but the crowded one."""
        return [
            _Network(a.asn or 0, a.organisation or "", 4096 if a.asn == 100 + CROWDED else 256)
            for a in self._blocks.values()
            if a.country == country
        ]


class _Link(NamedTuple):
    """The last router at home, its interface towards the customer, and the interface abroad."""

    router: str
    near: str
    outer: str
    carrier: int


_Route = list[tuple[str, str]]


@dataclass(eq=False)
class World:
    """Who is linked to whom, by which addresses, and which routers never answer."""

    networks: int
    faults: Faults
    draw: random.Random
    uplinks: dict[int, Uplink] = field(default_factory=dict)
    _links: dict[tuple[int, Uplink, int, int], _Link] = field(default_factory=dict)
    _routes: dict[tuple[int, _Link, str, int], _Route] = field(default_factory=dict)
    _outer: dict[tuple[int, str], str] = field(default_factory=dict)
    _used: dict[int, int] = field(default_factory=dict)
    _hops: dict[tuple[int, str | None], Hop] = field(default_factory=dict)
    _paths: dict[tuple[str | None, ...], tuple[Hop, ...]] = field(default_factory=dict)
    _mute: dict[str, bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        draw = self.draw
        self.table = SimulatedTable(self.networks)
        self.fixed = [draw.random() < self.faults.fixed for _ in range(_CARRIERS)]
        self.sites = draw.randint(1, 4)
        self.site = {i: draw.randrange(self.sites) for i in range(1, self.networks + 1)}
        self.deep = {i: draw.random() < 0.5 for i in range(1, self.networks + 1)}
        self.carriers: dict[str, list[int]] = {}
        self.wrong = {
            i: self._neighbour() if draw.random() < self.faults.wrong else None
            for i in range(1, self.networks + 1)
        }
        lasting = self.faults.misattributed * self.faults.lasting
        self.lasting = {
            (i, d): self._neighbour() if draw.random() < lasting else None
            for i in range(1, self.networks + 1)
            for d in range(DESTINATIONS)
        }
        self.passing = (self.faults.misattributed - lasting) / (1 - lasting)
        self.loss = 1 - (1 - self.faults.silent) / (1 - self.faults.mute)

    def _neighbour(self) -> str:
        return self.draw.choices(("customer", "carrier", "third"), self.faults.neighbour)[0]

    def _third(self, i: int) -> str:
        """A router at home of somebody who is not on the path."""
        choice = self.draw.randrange(3)
        if choice == 0 and i != CROWDED:
            return f"20.0.{CROWDED}.{200 + i}"
        if choice == 1:
            return f"20.2.15.{i}"
        return f"20.1.{1 + self.draw.randrange(TRANSITS)}.{200 + i}"

    def _carriers_of(self, exit_: str) -> list[int]:
        if exit_ not in self.carriers:
            # Who carries a country buys from several; any other network from one to three.
            least = 2 if exit_.startswith("g") else 1
            self.carriers[exit_] = self.draw.sample(
                range(_CARRIERS), self.draw.randint(least, least + 2)
            )
        return self.carriers[exit_]

    def _address_abroad(self, carrier: int, link: str) -> str:
        key = (carrier, link)
        if key not in self._outer:
            self._used[carrier] = self._used.get(carrier, 1) + 1
            self._outer[key] = f"30.0.{carrier}.{self._used[carrier]}"
        return self._outer[key]

    def _link(self, i: int, uplink: Uplink, destination: int) -> _Link:
        key = (i, uplink, destination, self.draw.randrange(2) if uplink == "gateway" else 0)
        if key not in self._links:
            self._links[key] = self._make_link(*key)
        return self._links[key]

    def _make_link(self, i: int, uplink: Uplink, destination: int, half: int) -> _Link:
        if uplink == "gateway":
            # Two routers a site share the load by flow; customers arrive on ports of their own.
            site = self.site[i]
            exit_, router = f"g{site}", f"20.2.{2 * site + half}"
        elif uplink == "own":
            exit_ = router = f"20.0.{i}"
        else:
            exit_ = router = f"20.1.{uplink}"
        near = f"{router}.{100 + i}"
        carriers = self._carriers_of(exit_)
        carrier = carriers[destination % len(carriers)]
        outer = (
            f"30.0.{carrier}.1" if self.fixed[carrier] else self._address_abroad(carrier, router)
        )
        return _Link(f"router {router}", near, outer, carrier)

    def _misnumbered(self, i: int, link: _Link, neighbour: str) -> str:
        if neighbour == "customer":
            return f"20.0.{i}.77"
        if neighbour == "carrier":
            return self._address_abroad(link.carrier, f"near {link.router}")
        return self._third(i)

    def _hop(self, number: int, address: str | None) -> Hop:
        known = self._hops.get((number, address))
        if known is None:
            away = address is not None and not address.startswith(("20.", "192.168."))
            rtt = 0.6 * number + (60.0 if away else 0.0)
            reply = Reply() if address is None else Reply(address, rtt, 256 - number, 56)
            known = self._hops[number, address] = Hop(number, (reply,))
        return known

    def _route(self, i: int, link: _Link, answers: str, destination: int) -> _Route:
        """The addresses along a path in order, each with the router that it is an address of."""
        key = (i, link, answers, destination)
        if key not in self._routes:
            inner = [f"20.0.{i}.2"] if self.deep[i] else []
            own = [f"20.0.{i}.1", *inner]
            far = [link.outer, f"30.0.{link.carrier}.250", f"40.0.{destination}.200"]
            # A router is mute by itself, whichever of its addresses it would answer with.
            self._routes[key] = [
                *((address, address) for address in own),
                (answers, link.router),
                *((address, address) for address in far),
            ]
        return self._routes[key]

    def hops(self, i: int, uplink: Uplink, destination: int) -> tuple[Hop, ...]:
        """The hops of one trace, as they answered; the home router always does."""
        link = self._link(i, uplink, destination)
        chance = self.draw.random
        neighbour = self.wrong[i] or self.lasting[i, destination]
        if neighbour is None and chance() < self.passing:
            neighbour = self._neighbour()
        answers = link.near if neighbour is None else self._misnumbered(i, link, neighbour)
        heard: list[str | None] = ["192.168.1.1"]
        mute, loss = self._mute, self.loss
        for address, router in self._route(i, link, answers, destination):
            silent = mute.get(router)
            if silent is None:
                silent = mute[router] = chance() < self.faults.mute
            heard.append(None if silent or chance() < loss else address)
        path = tuple(heard)
        known = self._paths.get(path)
        if known is None:
            known = self._paths[path] = tuple(
                self._hop(number, address) for number, address in enumerate(path, start=1)
            )
        return known

    def settle(self, market: Sequence[float] = ()) -> Uplink:
        """How a network without the gateway leaves: by itself, or over a transit provider."""
        if market:
            return self.draw.choices(range(1, len(market) + 1), market)[0]
        if self.draw.random() < 0.6:
            return "own"
        return self.draw.choices(range(1, TRANSITS + 1), (4, 2, 1, 1))[0]

    def trace(
        self, i: int, uplink: Uplink, vantage: Vantage, destination: int, when: float
    ) -> Trace:
        """One trace at epoch second ``when``."""
        return Trace(
            dst_addr=f"40.0.{destination}.200",
            af=4,
            proto="ICMP",
            timestamp=when,
            endtime=when,
            hops=self.hops(i, uplink, destination),
            vantage=vantage,
        )
