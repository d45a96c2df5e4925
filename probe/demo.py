"""A simulated country, probed for real: what `gatewatch demo` looks at.

Volunteers in a made-up Cambodia trace abroad and to each other for some weeks; on one day a
gateway is switched on. Only the network is simulated (``data/demo`` describes it) and the clock;
session, strategy, attribution, redaction and spool are those of a real run. It knows nothing of
how the traces are judged.
"""

from __future__ import annotations

import datetime as dt
import tomllib
from dataclasses import dataclass, replace
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Any

from probe.disk.places import shipped
from probe.engine.playing import VirtualClock, play
from probe.engine.session import Session, SessionSettings
from probe.engine.tracing import Task
from probe.network import Method
from probe.network.simulated import SimulatedNetwork
from probe.network.topology import Host, Internet, Line, Numbering, Site, System, host_address
from probe.network.ways import chance
from probe.origin import open_origin
from probe.origin.attribute import attribute
from probe.record import SIMULATED, Vantage
from probe.redaction.premises import Premises
from probe.redaction.redact import redact
from probe.spool import Spool
from probe.words.failure import BadInput
from probe.words.language import _

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from probe.origin import Origin
    from probe.record import Trace
    from probe.redaction.redact import Redacted

# Courtesy is owed to nobody here, and fast runs with long ticks have fewer wake-ups.
_SETTINGS = SessionSettings(rate=5000.0, tick=0.05)

# Milliseconds by which any answer may be slower than the distance demands.
_JITTER = 1.0


@dataclass(frozen=True)
class DemoFiles:
    """What the demo wrote: two folders of day files, and when the gateway was switched on."""

    before: Path
    after: Path
    country: str
    switched_on: dt.date


@dataclass(frozen=True)
class Volunteer:
    """Somebody who measures: a line, and the targets traced to from it."""

    line: Line
    targets: tuple[tuple[Host, str], ...]


class Country:
    """What ``data/demo`` says, and the state of its networks on any day."""

    def __init__(self) -> None:
        home, world = (
            tomllib.loads(shipped(f"demo/{name}.toml").read_text(encoding="utf-8"))
            for name in ("cambodia", "world")
        )
        self.code: str = home["country"]
        self.simulation: dict[str, Any] = home["simulation"]
        self.switched_on: dt.date = self.simulation["switched_on"]
        self.home: dict[str, dict[str, Any]] = home["networks"]
        self._world: dict[str, dict[str, Any]] = world["networks"]
        self._gateway: dict[str, Any] = home["gateway"]
        self.exchanges = {name: IPv4Network(lan) for name, lan in home["exchanges"].items()}
        self._numbering = Numbering()
        self._states: dict[frozenset[str], Internet] = {}

    def days(self, runs: int | None = None) -> Iterator[dt.date]:
        """The days on which everybody measures; the first of the second half is that of the switch.

        ``runs`` is how many there are in each half, by default what the data says.
        """
        half = self.simulation["runs"] if runs is None else runs
        for run in range(-half, half):
            yield self.switched_on + dt.timedelta(days=run * self.simulation["days_apart"])

    def season(self, day: dt.date) -> int:
        """Changes when ties between equally good routes are decided anew."""
        return day.toordinal() // int(self.simulation["season_days"])

    def internet(self, day: dt.date) -> Internet:
        """All networks in their relations of that day."""
        since = (day - self.switched_on).days
        switched = frozenset(
            name
            for name in self.home
            if since >= self._gateway["late"].get(name, 0) and name != self._gateway["network"]
        )
        if switched not in self._states:
            systems = [
                *(self._system(name, table) for name, table in self._world.items()),
                *(
                    self._behind_gateway(name) if name in switched else self._system(name, table)
                    for name, table in self.home.items()
                    if name != self._gateway["network"]
                ),
                self._gateway_system() if switched else self._before_it_was_gateway(),
            ]
            self._states[switched] = Internet(
                systems,
                self.exchanges,
                self._numbering,
                silence=self.simulation["silence"],
                loss=self.simulation["loss"],
            )
        return self._states[switched]

    def _system(self, name: str, table: dict[str, Any]) -> System:
        return System(
            name=name,
            asn=table["asn"],
            sites={"": Site(IPv4Network(table["block"]), table.get("rtt_ms", 0.3))},
            upstreams=tuple(table.get("upstreams", ())),
            peers=tuple(table.get("peers", ())),
            exchanges=tuple(table.get("exchanges", ())),
            numbers_link_to=tuple(table.get("numbers_link_to", ())),
        )

    def _before_it_was_gateway(self) -> System:
        name = self._gateway["network"]
        return self._system(name, self.home[name])

    def _behind_gateway(self, name: str) -> System:
        return replace(
            self._system(name, self.home[name]),
            upstreams=(self._gateway["network"],),
            peers=tuple(self._gateway["forgotten"].get(name, ())),
            exchanges=(),
            numbers_link_to=(),
        )

    def _gateway_system(self) -> System:
        uplinks: dict[str, str] = self._gateway["uplinks"]
        return replace(
            self._before_it_was_gateway(),
            sites={
                name: Site(IPv4Network(site["block"]), site["rtt_ms"])
                for name, site in self._gateway["sites"].items()
            },
            upstreams=tuple(uplinks),
            ports=uplinks | {name: table["site"] for name, table in self.home.items()},
            cores=self._gateway["cores"],
        )

    def volunteers(self) -> list[Volunteer]:
        """Everybody who measures, in the order of the networks."""
        abroad = [
            (Host(name, table["target"], dark=table.get("dark", False)), table["title"])
            for name, table in self._world.items()
            if "target" in table
        ]
        return [
            Volunteer(self._line(name, nth), (*abroad, *self._domestic_targets(name, nth)))
            for name, table in self.home.items()
            for nth in range(table.get("volunteers", 0))
        ]

    def _line(self, name: str, nth: int) -> Line:
        table = self.home[name]
        return Line(
            system=name,
            name=f"{name}-{nth + 1}",
            home=f"192.168.{nth}.1",
            # Each volunteer sits in a /24 of the upper half of the block.
            address=host_address(IPv4Network(table["block"]), 256 * (nth % 2) + 77 + nth),
            rtt=2.0 + 6.0 * chance("line", name, nth),
            nat=table.get("nat", False),
        )

    def _domestic_targets(self, name: str, nth: int) -> list[tuple[Host, str]]:
        others = [other for other in self.home if other != name]
        others.sort(key=lambda other: chance("domestic target", name, nth, other))
        return [
            (
                Host(other, host_address(IPv4Network(self.home[other]["block"]), 10)),
                f"a host of {other}",
            )
            for other in others[: self.simulation["domestic_targets"]]
        ]


def simulate(
    folder: Path,
    *,
    progress: Callable[[str, float], None] | None = None,
    origin: Origin | None = None,
    runs: int | None = None,
) -> DemoFiles:
    """Simulate the country's weeks before and after the switch, into two spools in ``folder``.

    Day files that an earlier demo left there are replaced; raises `BadInput` where others lie
    there. ``progress`` is told what is being done and which fraction of all is done. ``origin`` is
    the address table, by default the one in use; ``runs`` how often everybody measures before and
    after, by default often enough for a verdict. Takes seconds; the same each time.
    """
    country = Country()
    files = DemoFiles(folder / "before", folder / "after", country.code, country.switched_on)
    left_over = [path for spool in (files.before, files.after) for path in spool.glob("*.jsonl")]
    for path in left_over:
        if not _is_simulated(path):
            raise BadInput(
                _("{path} was not made by a demo and is not replaced; name another folder").format(
                    path=path
                )
            )
    for path in left_over:
        path.unlink()
    _weeks(
        country,
        files,
        open_origin() if origin is None else origin,
        progress or (lambda _what, _done: None),
        list(country.days(runs)),
    )
    return files


def _is_simulated(path: Path) -> bool:
    """Whether each line of a day file says so; the last one may have been cut short."""
    with path.open("rb") as lines:
        return all(SIMULATED.encode() in line or not line.endswith(b"\n") for line in lines)


def _weeks(
    country: Country,
    files: DemoFiles,
    origin: Origin,
    progress: Callable[[str, float], None],
    days: list[dt.date],
) -> None:
    volunteers = country.volunteers()
    with Spool(files.before) as before, Spool(files.after) as after:
        for run, day in enumerate(days):
            kept: list[Redacted] = []
            for nth, volunteer in enumerate(volunteers):
                progress(f"{day:%d %B %Y}", (run + nth / len(volunteers)) / len(days))
                kept.extend(_one_run(country, volunteer, day, run, origin))
            spool = before if day < country.switched_on else after
            spool.append(*kept)
    progress("done", 1.0)


def _one_run(
    country: Country, volunteer: Volunteer, day: dt.date, run: int, origin: Origin
) -> list[Redacted]:
    """What one volunteer's machine would keep of one day."""
    line = volunteer.line
    internet, season = country.internet(day), country.season(day)
    hosts = {host.address: host for host, _ in volunteer.targets}
    access = origin.lookup(line.address)
    assert access.asn is not None, f"{line.address} is not in the address table"
    vantage = Vantage(f"simulated-{line.name}", access.asn, access.organisation, access.country)
    own = line.home.removesuffix(".1")
    premises = Premises(
        frozenset({f"{own}.23", line.address}), (IPv4Network(f"{own}.0/24"),), frozenset()
    )
    kept: list[Redacted] = []

    def keep(trace: Trace) -> None:
        known = trace._replace(vantage=vantage, source=line.address, notes=(SIMULATED,))
        kept.append(
            redact(attribute(known, origin), premises, frozenset({access.asn or 0}), origin)
        )

    # Some time in daylight, which in Cambodia is the same UTC day.
    wall = dt.datetime.combine(day, dt.time(1), dt.UTC).timestamp()
    wall += 36_000 * chance("hour", day, line.name)
    clock = VirtualClock()
    network = SimulatedNetwork(
        lambda target, flow: internet.way(line, hosts[target], flow=flow, season=season),
        seed=int(2**32 * chance("run", day, line.name)),
        jitter=_JITTER,
        clock=clock,
    )
    session = Session(
        network,
        [Task(host.address, title, Method.ICMP, run % 16) for host, title in volunteer.targets],
        _SETTINGS,
        finished=keep,
        wall_clock=lambda: wall + clock.now,
    )
    play(session, network, clock)
    return kept
